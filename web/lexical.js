/**
 * @file Full-text search in the page, without WebAssembly or Python: BM25 with stems, a last word that still
 * grows, one typing error a word, exact titles and identifiers, and filters. Of an index of any size a search
 * fetches a few files; titles come first, texts for snippets after. The index and the ranking are specified in
 * `docs/lexical-format.md`; Python's reader gives the same order.
 */

import { LexicalFiles } from "./lexical-files.js";
import { compareBytes, readWords, toBytes } from "./lexical-format.js";
import { Lookup, findPosting, termsWith } from "./lexical-lookup.js";
import { Describer } from "./lexical-describe.js";
import { FACTOR, keysOf, makeQuery, mayBePrefix, mayBeTypo } from "./lexical-query.js";
import { scoreAll, selectBest, weightOf } from "./lexical-rank.js";
import { Root } from "./lexical-root.js";
import { reverse, similarWords } from "./lexical-typo.js";
import { Analyser, FACET, lengthOf } from "./lexical-words.js";
import { LatefindError } from "./protocol.js";
import { loadStemmer, stemmedLanguage } from "./stem.js";

/** @typedef {import("./lexical-describe.js").LexicalResult} LexicalResult */
/** @typedef {import("./lexical-files.js").Bytes} Bytes */
/** @typedef {import("./lexical-format.js").Postings} Postings */
/** @typedef {import("./lexical-query.js").Query} Query */
/** @typedef {import("./lexical-query.js").Slot} Slot */
/** @typedef {import("./lexical-root.js").Facet} Facet */
/** @typedef {import("./manifest.js").Manifest} Manifest */

/** At least so many documents are told, for whoever fuses them with other results. */
const FEWEST = 100;

/** How many longer words stand for the one being typed, and how many others for one that is in no document. */
const MOST_PREFIXED = 8;
const MOST_MEANT = 3;

/** Code points of the shortest term that a word may go on from, and of how far it may. */
const SHORTEST_BEGINNING = 4;
const LONGEST_ENDING = 4;

/** Queries whose terms are remembered for `describe`. */
const REMEMBERED = 16;

/**
 * @typedef {object} SearchOptions
 * @property {number} [limit]    most documents, at least 100 are told; 10 unless told
 * @property {Record<string, string | string[]>} [filters]  for each facet the values that may pass
 * @property {boolean} [typing]  whether the last word may still grow
 * @property {AbortSignal} [signal]
 * @property {string} [lang]     language of the query; that of the page unless told
 */

/**
 * @typedef {object} Hits
 * @property {number} total             documents that match
 * @property {Uint32Array} documents    best first, up to max(limit, 100)
 * @property {Float32Array} scores      of them
 * @property {string[][]} terms         for each word of the query the terms that it stood for
 * @property {Record<string, string>} [corrected]  words that the index does not have, with what was meant
 * @property {number} requests          files fetched while searching
 * @property {number} bytes             that came, compressed
 */

/** An open word index. */
export class Lexical {
  #root;
  #files;
  #lang;
  #describer;
  /** @type {Map<string, Analyser>} */
  #analysers = new Map();
  /** @type {Map<string, {analyser: Analyser, weights: Map<string, number>}>} terms with their weights, by query */
  #asked = new Map();

  /**
   * @param {Root} root
   * @param {LexicalFiles} files
   * @param {Manifest} manifest
   * @param {string} manifestUrl
   * @param {string} lang
   */
  constructor(root, files, manifest, manifestUrl, lang) {
    this.#root = root;
    this.#files = files;
    this.#lang = lang;
    this.#describer = new Describer(root, files, new URL(manifest.base, manifestUrl).href);
  }

  /**
   * Begin to fetch what is needed whatever the manifest says: the stemmer of the page's language.
   * @param {string} [lang]
   */
  static prepare(lang = pageLanguage()) {
    // Most probably the one that is needed; if not, or if it fails, the search says so.
    loadStemmer(stemmedLanguage(lang)).catch(() => {});
  }

  /**
   * Read the root, which the manifest brings along or names, and fetch the stemmer of the page's language.
   * @param {Manifest} manifest
   * @param {string} manifestUrl
   * @param {{lang?: string, signal?: AbortSignal}} [options]  `lang`: of the page, unless told
   * @returns {Promise<Lexical>}
   * @throws {LatefindError} `lexical-unavailable` where the index has none, `network`, `integrity` or `version`
   */
  static async open(manifest, manifestUrl, { lang = pageLanguage(), signal } = {}) {
    const part = manifest.parts.find(({ role }) => role === "lexical");
    if (!part) {
      const advice = "Build the index again with this version of latefind.";
      throw LatefindError.expected("lexical-unavailable", "manifest.json", "a word index", "none", advice);
    }
    const folder = new URL(part.path, manifestUrl);
    const files = new LexicalFiles(new URL(".", folder).href);
    Lexical.prepare(lang);
    const name = folder.pathname.slice(folder.pathname.lastIndexOf("/") + 1);
    const read = (/** @type {Bytes} */ bytes, /** @type {string} */ url) => new Root(bytes, url);
    const root = await (part.data ? files.getFrom(part.data, name, read, signal) : files.get(name, read, signal));
    // The words of a small site are one file: it comes while somebody begins to type. A search says why it cannot.
    new Lookup(root, files).loadFiles([root.onlyFile("terms")]).catch(() => {});
    return new Lexical(root, files, manifest, manifestUrl, lang);
  }

  /** @returns {readonly Facet[]} what can be filtered by, with the sections of each value */
  get facets() {
    return this.#root.facets;
  }

  /** @returns {number} */
  get sections() {
    return this.#root.sections;
  }

  /** @returns {Readonly<import("./lexical-files.js").Traffic>} of everything so far, the root included */
  get traffic() {
    return { ...this.#files.traffic };
  }

  /**
   * @param {string} text
   * @param {SearchOptions} [options]
   * @returns {Promise<Hits>}
   * @throws {LatefindError | DOMException} where a file cannot be had; `signal`'s reason where it aborts
   */
  async search(text, { limit = 10, filters = {}, typing = false, signal, lang = this.#lang } = {}) {
    signal?.throwIfAborted();
    const before = this.traffic;
    const analyser = await this.#analyser(lang);
    const loaded = new Lookup(this.#root, this.#files);
    const allowing = this.#allowed(filters, loaded, signal);
    const answer = async (/** @type {boolean} */ drops) => {
      const asked = makeQuery(text, analyser, this.#root, typing, drops);
      const [meant] = await Promise.all([this.#resolve(asked, analyser, loaded, signal), allowing]);
      return { query: asked, corrected: meant, scores: scoreAll(asked, (key) => loaded.find(key), this.#root) };
    };
    let found = await answer(true);
    // Of what was left no section has anything: what was dropped is better than nothing.
    if (found.query.hasDropped && !found.scores.some((score) => score > 0)) found = await answer(false);
    const { query, corrected, scores } = found;
    const most = Math.min(Math.max(limit, FEWEST), this.#root.sections);
    const best = selectBest(scores, await allowing, most, this.#root.levels);
    this.#remember(text, query, analyser, loaded);
    const { requests, bytes } = this.traffic;
    return {
      ...best,
      terms: query.slots.map((slot) => keysOf(slot).flatMap(({ key }) => (loaded.find(key) ? [key] : []))),
      ...(Object.keys(corrected).length ? { corrected } : {}),
      requests: requests - before.requests,
      bytes: bytes - before.bytes,
    };
  }

  /**
   * What a list of results shows of documents.
   * @param {Iterable<number>} documents
   * @param {string} text  the query, for snippets and highlights
   * @param {{snippets?: boolean, signal?: AbortSignal}} [options]  without snippets no text is fetched
   * @returns {Promise<LexicalResult[]>} in the order of `documents`
   * @throws {LatefindError | DOMException}
   */
  async describe(documents, text, { snippets = true, signal } = {}) {
    const numbers = [...documents];
    if (!snippets) return this.#describer.cards(numbers, signal);
    const { analyser, weights } = this.#asked.get(text) ?? (await this.#unasked(text));
    return this.#describer.results(numbers, analyser, weights, signal);
  }

  /**
   * The analysis in a language that the index has, or in its main one.
   * @param {string} lang
   * @returns {Promise<Analyser>}
   */
  async #analyser(lang) {
    const primary = lang.toLowerCase().split(/[-_]/)[0] ?? "";
    const { languages } = this.#root;
    const language = stemmedLanguage(languages.includes(primary) ? primary : languages[0] ?? "");
    const stem = await loadStemmer(language);
    const analyser = this.#analysers.get(language) ?? new Analyser(stem);
    this.#analysers.set(language, analyser);
    return analyser;
  }

  /**
   * Fetch what the query looks up, and add what prefix and typing errors make of its words.
   * @param {Query} query
   * @param {Analyser} analyser
   * @param {Lookup} loaded
   * @param {AbortSignal} [signal]
   * @returns {Promise<Record<string, string>>} corrections
   */
  async #resolve({ slots, typed, titles, isAlone }, analyser, loaded, signal) {
    const prefix = typed && mayBePrefix(typed.word) ? this.#root.fileOf("terms", typed.word) : "";
    const keys = [...slots.filter(({ own }) => own), ...titles].map(({ key }) => key);
    await loaded.loadFiles([...keys.map((key) => loaded.fileOf(key)), prefix], signal);
    if (typed && mayBePrefix(typed.word)) {
      typed.alternatives.push(...this.#prefixed(typed, loaded.file(prefix), isAlone, loaded));
      await loaded.load(typed.alternatives.map(({ key }) => key), signal);
    }
    const unknown = slots.filter((slot) => mayBeTypo(slot) && !loaded.find(slot.key));
    const corrections = await Promise.all(unknown.map((slot) => this.#correct(slot, analyser, loaded, signal)));
    return Object.assign({}, ...corrections);
  }

  /**
   * Terms that begin with what was typed so far; or else, where it is no term, the longest beginning of it.
   * @param {Slot} slot
   * @param {Postings | undefined} file  the one that can hold the word
   * @param {boolean} isAlone            whether common words are meant too
   * @param {Lookup} loaded
   */
  #prefixed({ key, word, own }, file, isAlone, loaded) {
    const { common } = this.#root;
    const others = (file ? termsWith(file, word) : []).filter(({ term }) => !common.has(term));
    const frequent = isAlone ? [...common].map(([term, { df }]) => ({ term, df })) : [];
    const found = [...others, ...frequent]
      .filter(({ term }) => term.startsWith(word) && term !== key)
      .sort((left, right) => right.df - left.df || compareBytes(toBytes(left.term), toBytes(right.term)))
      .slice(0, MOST_PREFIXED)
      .map(({ term }) => term);
    if (!found.length && own && !loaded.find(key)) {
      const isTerm = (/** @type {string} */ term) => (common.has(term) ? isAlone : findPosting(file, term));
      found.push(...beginningsOf(word).filter(isTerm).slice(0, 1));
    }
    return found.map((term) => ({ key: term, factor: FACTOR.prefix }));
  }

  /**
   * Let words within one edit stand for one that no document has.
   * @param {Slot} slot
   * @param {Analyser} analyser
   * @param {Lookup} loaded
   * @param {AbortSignal} [signal]
   * @returns {Promise<Record<string, string>>} the word, with what it was read as
   */
  async #correct({ word, alternatives }, analyser, loaded, signal) {
    const paths = [this.#root.fileOf("words", word), this.#root.fileOf("reversed", reverse(word))];
    const [forward = null, backward = null] = await Promise.all(
      paths.map((path) => (path ? this.#files.get(path, readWords, signal) : null)),
    );
    /** @type {Map<string, string>} */
    const meant = new Map();
    for (const similar of similarWords(word, forward, backward)) {
      const term = analyser.stem(similar);
      if (!meant.has(term)) meant.set(term, similar);
      if (meant.size === MOST_MEANT) break;
    }
    alternatives.push(...[...meant.keys()].map((key) => ({ key, factor: FACTOR.typo })));
    await loaded.load([...meant.keys()], signal);
    for (const [term, similar] of meant) if (loaded.find(term)) return { [word]: similar };
    return {};
  }

  /**
   * @param {Record<string, string | string[]>} filters
   * @param {Lookup} loaded
   * @param {AbortSignal} [signal]
   * @returns {Promise<Uint8Array | null>} 1 for each document that passes; null where all do
   */
  async #allowed(filters, loaded, signal) {
    const facets = Object.entries(filters).map(([key, values]) => [values].flat().map((value) => key + FACET + value));
    if (!facets.length) return null;
    await loaded.load(facets.flat(), signal);
    const passed = new Uint8Array(this.#root.sections).fill(1);
    for (const keys of facets) {
      const having = new Uint8Array(passed.length);
      for (const key of keys) for (const document of loaded.find(key)?.documents ?? []) having[document] = 1;
      for (let document = 0; document < passed.length; document += 1) if (!having[document]) passed[document] = 0;
    }
    return passed;
  }

  /**
   * Keep the weights of a query's terms, for the snippets of its results.
   * @param {string} text
   * @param {Query} query
   * @param {Analyser} analyser
   * @param {Lookup} loaded
   */
  #remember(text, { slots }, analyser, loaded) {
    /** @type {Map<string, number>} */
    const weights = new Map();
    for (const { key, factor } of slots.flatMap(keysOf)) {
      const df = this.#root.common.get(key)?.df ?? loaded.find(key)?.documents.length ?? 0;
      if (df) weights.set(key, Math.max(weights.get(key) ?? 0, factor * weightOf(this.#root.sections, df)));
    }
    this.#asked.delete(text);
    this.#asked.set(text, { analyser, weights });
    for (const oldest of [...this.#asked.keys()].slice(0, -REMEMBERED)) this.#asked.delete(oldest);
  }

  /**
   * The terms of a text that was not searched for: longer ones weigh more, as they tend to be rarer.
   * @param {string} text
   */
  async #unasked(text) {
    const analyser = await this.#analyser(this.#lang);
    const { slots } = makeQuery(text, analyser, this.#root, false);
    return { analyser, weights: new Map(slots.map(({ key }) => [key, lengthOf(key)])) };
  }
}

/**
 * @param {string} word
 * @returns {string[]} what it may go on from: of four code points at least, at most four shorter; longest first
 */
function beginningsOf(word) {
  const points = [...word];
  const shortest = Math.max(SHORTEST_BEGINNING, points.length - LONGEST_ENDING);
  const count = Math.max(0, points.length - shortest);
  return Array.from({ length: count }, (_, less) => points.slice(0, -1 - less).join(""));
}

function pageLanguage() {
  return typeof document === "undefined" ? "" : document.documentElement.lang;
}
