/**
 * @file The root of the word index: what it says of the site, and which file holds which key or document.
 */

import { damaged } from "./lexical-files.js";
import { KIND, compareBytes, isObject, readJson, toBytes } from "./lexical-format.js";

/** @typedef {import("./lexical-files.js").Bytes} Bytes */
/** @typedef {import("./lexical-format.js").Fields} Fields */
/** @typedef {"terms" | "common" | "filters" | "words" | "reversed"} KeyGroup */
/** @typedef {"cards" | "texts"} BlockGroup */
/** @typedef {{key: string, values: {value: string, count: number}[]}} Facet */

/** @type {KeyGroup[]} */
const KEY_GROUPS = ["terms", "common", "filters", "words", "reversed"];
/** @type {BlockGroup[]} */
const BLOCK_GROUPS = ["cards", "texts"];

/** No index has more files than a host stores, nor more sections than a browser can search. */
const MOST_FILES = 20_000;
const MOST_SECTIONS = 10_000_000;

/**
 * A block of documents: its file, the first of them and the first of the next block.
 * @typedef {{path: string, first: number, next: number}} Block
 */

export class Root {
  /** @type {Map<string, {first: Uint8Array[], hashes: string[]}>} */
  #keyed = new Map();
  /** @type {Map<string, {first: number[], hashes: string[]}>} */
  #blocks = new Map();
  /** @type {number} */
  sections;
  /** @type {number} the highest impact */
  levels;
  /** @type {number} word slots that common words leave */
  keep;
  /** @type {string[]} primary subtags, the main language first */
  languages;
  /** @type {Map<string, {df: number, rank: number}>} the most frequent words, by falling frequency */
  common;
  /** @type {Facet[]} */
  facets;
  /** @type {Fields | null} the cards of all documents, where they are few: then the group has no file */
  cards;

  /**
   * @param {Bytes} bytes
   * @param {string} url
   */
  constructor(bytes, url) {
    const fields = readJson(bytes, KIND.root, url);
    const wrong = (/** @type {string} */ expected) => damaged(url, expected, "others");
    this.sections = count(fields.sections, MOST_SECTIONS) ?? fail(wrong("a count of sections"));
    this.levels = count(fields.levels, 255) ?? fail(wrong("levels of 1 to 255"));
    this.keep = count(fields.keep, 1000) ?? fail(wrong("a count of words to keep"));
    this.languages = pairs(fields.languages)?.map(([tag]) => tag) ?? fail(wrong("languages"));
    const common = pairs(fields.common) ?? fail(wrong("common words"));
    this.common = new Map(common.map(([term, df], rank) => [term, { df, rank }]));
    this.facets = facets(fields.facets) ?? fail(wrong("facets"));
    this.cards = isObject(fields.cards) ? fields.cards : null;
    const files = isObject(fields.files) ? fields.files : {};
    for (const group of KEY_GROUPS) {
      const list = fileList(files[group], isString) ?? fail(wrong(`files of ${group}`));
      const first = list.first.map(toBytes);
      if (!rising(first, compareBytes)) throw wrong(`rising keys of ${group}`);
      this.#keyed.set(group, { first, hashes: list.hashes });
    }
    for (const group of BLOCK_GROUPS) {
      const list = fileList(files[group], isPlace) ?? fail(wrong(`files of ${group}`));
      const isElsewhere = group === "cards" && this.cards !== null;
      if (list.first[0] !== (isElsewhere ? undefined : 0) || !rising(list.first, (left, right) => left - right)) {
        throw wrong(`rising documents of ${group}, from 0 on`);
      }
      this.#blocks.set(group, list);
    }
  }

  /**
   * The one file that can hold a key.
   * @param {KeyGroup} group
   * @param {string} key
   * @returns {string} its name; empty where no file can
   */
  fileOf(group, key) {
    const { first, hashes } = this.#keyed.get(group) ?? { first: [], hashes: [] };
    const bytes = toBytes(key);
    let at = -1;
    while (at + 1 < first.length && compareBytes(first[at + 1] ?? bytes, bytes) <= 0) at += 1;
    return at < 0 ? "" : fileName(group, hashes[at]);
  }

  /**
   * The file of a group that has no other.
   * @param {KeyGroup} group
   * @returns {string} its name; empty where the group has none, or several
   */
  onlyFile(group) {
    const hashes = this.#keyed.get(group)?.hashes ?? [];
    return hashes.length === 1 ? fileName(group, hashes[0]) : "";
  }

  /**
   * @param {BlockGroup} group
   * @param {number} document
   * @returns {Block} the block that has it
   */
  blockOf(group, document) {
    const { first, hashes } = this.#blocks.get(group) ?? { first: [], hashes: [] };
    let at = 0;
    while (at + 1 < first.length && (first[at + 1] ?? 0) <= document) at += 1;
    return { path: fileName(group, hashes[at]), first: first[at] ?? 0, next: first[at + 1] ?? this.sections };
  }
}

/**
 * @param {string} group
 * @param {string} [hash]
 */
function fileName(group, hash = "") {
  return `lexical-${group}-${hash}.bin`;
}

/**
 * @param {Error} error
 * @returns {never}
 */
function fail(error) {
  throw error;
}

/** @param {unknown} value  @returns {value is string} */
function isString(value) {
  return typeof value === "string";
}

/** @param {unknown} value  @returns {value is number} */
function isPlace(value) {
  return typeof value === "number" && Number.isSafeInteger(value) && value >= 0;
}

/**
 * @param {unknown} value
 * @param {number} most
 */
function count(value, most) {
  return isPlace(value) && value >= 1 && value <= most ? value : undefined;
}

/**
 * @param {unknown} list
 * @returns {[string, number][] | undefined}
 */
function pairs(list) {
  if (!Array.isArray(list)) return undefined;
  const read = list.filter((pair) => Array.isArray(pair) && isString(pair[0]) && isPlace(pair[1]));
  return read.length === list.length ? read : undefined;
}

/**
 * @param {unknown} list
 * @returns {Facet[] | undefined}
 */
function facets(list) {
  if (!Array.isArray(list)) return undefined;
  /** @type {Facet[]} */
  const read = [];
  for (const facet of list) {
    if (!isObject(facet) || !isString(facet.key) || !Array.isArray(facet.values)) return undefined;
    const values = facet.values.filter((item) => isObject(item) && isString(item.value) && isPlace(item.count));
    read.push({ key: facet.key, values: values.map(({ value, count: sections }) => ({ value, count: sections })) });
  }
  return read;
}

/**
 * @template T
 * @param {unknown} fields
 * @param {(value: unknown) => value is T} isFirst
 * @returns {{first: T[], hashes: string[]} | undefined}
 */
function fileList(fields, isFirst) {
  if (!isObject(fields)) return undefined;
  const { first, hash } = fields;
  if (!Array.isArray(first) || !Array.isArray(hash)) return undefined;
  if (first.length !== hash.length || first.length > MOST_FILES) return undefined;
  // A hash becomes part of an address.
  if (!first.every(isFirst) || !hash.every((digits) => isString(digits) && /^[0-9a-f]{16}$/.test(digits))) {
    return undefined;
  }
  return { first, hashes: hash };
}

/**
 * @template T
 * @param {T[]} list
 * @param {(left: T, right: T) => number} compare
 */
function rising(list, compare) {
  return list.every((item, at) => !at || compare(/** @type {T} */ (list[at - 1]), item) < 0);
}
