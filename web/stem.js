/**
 * @file The stemmer of one language: Snowball's own JavaScript, which the build puts into `stem/`. A visitor
 * loads the one of the page's language. It gives the stems that the builder's snowballstemmer gives.
 */

import { unreachable } from "./http.js";

/** @typedef {(word: string) => string} Stem */

/** Languages that have a stemmer; must equal LANGUAGES in py/latefind/lexical_analysis.py. */
const STEMMED = ["de", "en", "es", "fr", "it", "nl", "pt"];

/** @type {Map<string, Promise<Stem>>} */
const loaded = new Map();

let failures = 0;

/**
 * The primary subtag of a language tag where it has a stemmer.
 * @param {string} tag
 * @returns {string} empty where it has none
 */
export function stemmedLanguage(tag) {
  const primary = tag.toLowerCase().split(/[-_]/)[0] ?? "";
  return STEMMED.includes(primary) ? primary : "";
}

/**
 * @param {string} language  as {@link stemmedLanguage} gives it
 * @returns {Promise<Stem>}
 * @throws {import("./protocol.js").LatefindError} `network`; the next call tries again
 */
export function loadStemmer(language) {
  if (!language) return Promise.resolve((word) => word);
  let loading = loaded.get(language);
  if (!loading) {
    loading = importStemmer(language);
    loaded.set(language, loading);
    loading.catch(() => loaded.delete(language));
  }
  return loading;
}

/**
 * @param {string} language
 * @returns {Promise<Stem>}
 */
async function importStemmer(language) {
  const url = new URL(`./stem/${language}.js`, import.meta.url).href;
  const { stem } = await import(url).catch(() =>
    // Some browsers remember that an address failed, so the second attempt has another one.
    import(`${url}?again=${(failures += 1)}`).catch((error) => {
      throw unreachable(url, "a stemmer", error);
    }),
  );
  return stem;
}
