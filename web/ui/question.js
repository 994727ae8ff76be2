/**
 * @file The question in the page's own URL, so that going back from a result finds it again and a search can be
 * sent to somebody. No request is made for it.
 */

/**
 * @param {string} param  empty for none
 * @returns {string}
 */
export function readQuestion(param) {
  return (param && new URL(location.href).searchParams.get(param)) || "";
}

/**
 * @param {string} param  empty for none
 * @param {string} text
 */
export function writeQuestion(param, text) {
  if (!param) return;
  const url = new URL(location.href);
  if (text) url.searchParams.set(param, text);
  else url.searchParams.delete(param);
  if (url.href === location.href) return;
  try {
    history.replaceState(history.state, "", url);
  } catch {
    // Some browsers refuse to change the address often; the next change brings it up to date.
  }
}
