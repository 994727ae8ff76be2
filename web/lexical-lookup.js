/**
 * @file The postings that one search looks up: which files its keys are in, and what they say of them.
 */

import { compareBytes, keyAt, lowerBound, readPostings, toBytes } from "./lexical-format.js";
import { FACET } from "./lexical-words.js";

/** @typedef {import("./lexical-files.js").Bytes} Bytes */
/** @typedef {import("./lexical-files.js").LexicalFiles} LexicalFiles */
/** @typedef {import("./lexical-format.js").Postings} Postings */
/** @typedef {import("./lexical-rank.js").Posting} Posting */
/** @typedef {import("./lexical-root.js").Root} Root */

/** The files of one search, once they are there. */
export class Lookup {
  /** @type {Map<string, Postings>} by file */
  #files = new Map();
  #root;
  #store;

  /**
   * @param {Root} root
   * @param {LexicalFiles} store
   */
  constructor(root, store) {
    this.#root = root;
    this.#store = store;
  }

  /**
   * The file that a key can be in.
   * @param {string} key
   * @returns {string} empty where it can be in none
   */
  fileOf(key) {
    if (key.includes(FACET)) return this.#root.fileOf("filters", key);
    // A small index has no file of common words.
    const common = this.#root.common.has(key) ? this.#root.fileOf("common", key) : "";
    return common || this.#root.fileOf("terms", key);
  }

  /**
   * @param {string[]} keys  whose files to fetch
   * @param {AbortSignal} [signal]
   */
  async load(keys, signal) {
    await this.loadFiles(keys.map((key) => this.fileOf(key)), signal);
  }

  /**
   * @param {string[]} paths  empty ones are passed over
   * @param {AbortSignal} [signal]
   */
  async loadFiles(paths, signal) {
    const missing = [...new Set(paths)].filter((path) => path && !this.#files.has(path));
    const load = async (/** @type {string} */ path) => {
      const { sections, levels } = this.#root;
      const read = (/** @type {Bytes} */ bytes, /** @type {string} */ url) =>
        readPostings(bytes, sections, levels, url);
      this.#files.set(path, await this.#store.get(path, read, signal));
    };
    await Promise.all(missing.map(load));
  }

  /**
   * @param {string} key
   * @returns {Posting | undefined}
   */
  find(key) {
    return findPosting(this.#files.get(this.fileOf(key)), key);
  }

  /**
   * @param {string} path
   * @returns {Postings | undefined}
   */
  file(path) {
    return this.#files.get(path);
  }
}

/**
 * @param {Postings | undefined} file
 * @param {string} key
 * @returns {Posting | undefined}
 */
export function findPosting(file, key) {
  if (!file) return undefined;
  const bytes = toBytes(key);
  const at = lowerBound(file.keys, bytes);
  if (at + 1 >= file.bounds.length || compareBytes(keyAt(file.keys, at), bytes)) return undefined;
  const from = file.bounds[at];
  const to = file.bounds[at + 1];
  return { documents: file.documents.subarray(from, to), impacts: file.impacts.subarray(from, to) };
}

/**
 * @param {Postings} file
 * @param {string} prefix
 * @returns {{term: string, df: number}[]} the terms, not the other keys, that begin with it
 */
export function termsWith({ keys, bounds }, prefix) {
  const bytes = toBytes(prefix);
  const decoder = new TextDecoder();
  const found = [];
  for (let at = lowerBound(keys, bytes); at + 1 < bounds.length; at += 1) {
    const key = keyAt(keys, at);
    if (compareBytes(key.subarray(0, bytes.length), bytes)) break;
    if (key.includes(1) || key.includes(2)) continue;
    found.push({ term: decoder.decode(key), df: (bounds[at + 1] ?? 0) - (bounds[at] ?? 0) });
  }
  return found;
}
