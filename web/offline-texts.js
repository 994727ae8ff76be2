/**
 * @file What the offline element and page say, in the first of the wanted languages that there is.
 */

/** @typedef {typeof import("./strings/offline-en.js").default} OfflineTexts */

const LANGUAGES = ["de", "en", "es", "fr", "it", "nl", "pt"];

/**
 * @param {readonly string[]} wanted  language tags, best first
 * @returns {Promise<OfflineTexts>}
 */
export async function offlineTexts(wanted) {
  const [found = "en"] = wanted
    .map((tag) => tag.toLowerCase().split("-")[0] ?? "")
    .filter((language) => LANGUAGES.includes(language));
  const { default: texts } = /** @type {{default: OfflineTexts}} */ (await import(`./strings/offline-${found}.js`));
  return texts;
}

/**
 * @param {string} text    with names in braces
 * @param {Record<string, string>} values
 */
export function fill(text, values) {
  return text.replace(/\{(\w+)\}/g, (whole, name) => values[name] ?? whole);
}

/**
 * @param {number} bytes
 * @param {string} lang
 */
export function megabytes(bytes, lang) {
  const digits = bytes < 10e6 ? 1 : 0;
  return new Intl.NumberFormat(lang, {
    style: "unit",
    unit: "megabyte",
    minimumFractionDigits: digits,
    maximumFractionDigits: digits,
  }).format(bytes / 1e6);
}
