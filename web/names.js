/**
 * @file Text and section names on their way to Python.
 */

/**
 * The names that the index may know a section by: as given, and relative to the site.
 * @param {string} name
 * @param {string} siteUrl
 * @returns {string[]}
 */
export function namesOf(name, siteUrl) {
  const url = URL.canParse(name, siteUrl) ? new URL(name, siteUrl).href : "";
  const below = url.startsWith(siteUrl) ? url.slice(siteUrl.length) : name;
  return [...new Set([name, below, decodeName(below)])].map(wellFormed);
}

/**
 * Undo percent-encoding, which `URL` adds and an index need not have.
 * @param {string} name
 */
function decodeName(name) {
  // Not decodeURI, which throws on what is no UTF-8.
  return name.replace(/(%[0-9a-f][0-9a-f])+/gi, (bytes) => {
    const pairs = bytes.match(/[0-9a-f]{2}/gi) ?? [];
    return new TextDecoder().decode(Uint8Array.from(pairs, (pair) => parseInt(pair, 16)));
  });
}

/**
 * Replace lone surrogates, which Python's UTF-8 does not take.
 * @param {string} text
 */
export function wellFormed(text) {
  return new TextDecoder("utf-8", { ignoreBOM: true }).decode(new TextEncoder().encode(text));
}
