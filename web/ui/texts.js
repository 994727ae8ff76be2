/**
 * @file What the element says, in the visitor's language.
 *
 * A language is a file in `strings/`, loaded when a page wants it; English is always here and fills what
 * another language leaves out. {@link addStrings} adds a language, or changes words of one.
 */

import { CODE } from "../place.js";
import english from "../strings/en.js";

/** @typedef {string | Partial<Record<Intl.LDMLPluralRule, string>>} Phrase  with `{names}`, or one per plural form */
/** @typedef {keyof typeof english} Key */
/** @typedef {Partial<Record<Key, Phrase>>} Strings */

/** Languages that have a file. */
const LANGUAGES = ["de", "es", "fr", "it", "nl", "pt"];

/** @type {Map<string, Strings>} what sites have added, by language */
const added = new Map();

/** Tells elements that {@link addStrings} was called. */
export const changes = new EventTarget();

/**
 * Add a language, or change some words of one.
 * @param {string} lang  a BCP 47 tag: "sv", or "pt-BR" for what only that variant says
 * @param {Strings} strings
 */
export function addStrings(lang, strings) {
  const key = lang.toLowerCase();
  added.set(key, { ...added.get(key), ...strings });
  changes.dispatchEvent(new Event("change"));
}

/** Fills in phrases of one language. */
export class Texts {
  #strings;
  #plural;
  #number;
  #size;
  #share;

  /**
   * @param {string} lang      of what is said
   * @param {Strings} strings
   */
  constructor(lang, strings) {
    this.lang = lang;
    this.#strings = strings;
    this.#plural = new Intl.PluralRules(lang);
    this.#number = new Intl.NumberFormat(lang);
    this.#size = new Intl.NumberFormat(lang, { style: "unit", unit: "megabyte", maximumSignificantDigits: 2 });
    this.#share = new Intl.NumberFormat(lang, { style: "percent" });
  }

  /**
   * @param {Key} key
   * @param {Record<string, string | number>} [values]  numbers are written as the language writes them
   * @returns {string}
   */
  say(key, values = {}) {
    const phrase = this.#strings[key] ?? english[key];
    const text = typeof phrase === "string" ? phrase : this.#form(phrase, Number(values["count"] ?? 0));
    return text.replace(/\{(\w+)\}/g, (hole, name) => {
      const value = values[name];
      return typeof value === "number" ? this.#number.format(value) : value ?? hole;
    });
  }

  /**
   * @param {Partial<Record<Intl.LDMLPluralRule, string>>} forms
   * @param {number} count
   */
  #form(forms, count) {
    return forms[this.#plural.select(count)] ?? forms.other ?? "";
  }

  /** @param {number} bytes */
  megabytes(bytes) {
    return this.#size.format(bytes / 1e6);
  }

  /** @param {number} share  0 to 1 */
  percent(share) {
    return this.#share.format(share);
  }

  /** @param {number} number */
  number(number) {
    return this.#number.format(number);
  }
}

/** English: what is said until another language has arrived. */
export const ENGLISH = new Texts("en", english);

/**
 * The texts for a language tag; English where there are none, or where their file cannot be had.
 * @param {string} tag
 * @returns {Promise<Texts>}
 */
export async function loadTexts(tag) {
  const full = tag.toLowerCase();
  const lang = full.split("-", 1)[0] ?? "";
  const own = { ...added.get(lang), ...added.get(full) };
  const shipped = LANGUAGES.includes(lang) ? await loadFile(lang) : {};
  const known = lang === "en" || Object.keys(shipped).length + Object.keys(own).length > 0;
  return new Texts(known && isTag(tag) ? tag : "en", { ...shipped, ...own });
}

/**
 * @param {string} lang
 * @returns {Promise<Strings>}
 */
async function loadFile(lang) {
  try {
    return (await import(new URL(`strings/${lang}.js`, CODE).href)).default;
  } catch {
    return {}; // Search in English is better than none.
  }
}

/** @param {string} tag */
function isTag(tag) {
  try {
    return Intl.getCanonicalLocales(tag).length === 1;
  } catch {
    return false;
  }
}
