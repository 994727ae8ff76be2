/**
 * @file What a list of results shows of documents: cards (title, address, breadcrumb), and of the texts the
 * part with the most of what was asked for, its words marked. Whatever the files hold, it stays text.
 */

import { damaged } from "./lexical-files.js";
import { KIND, isObject, readJson } from "./lexical-format.js";
import { scanChunks } from "./lexical-words.js";
import { cutSnippet } from "./snippet.js";

/** @typedef {import("./lexical-files.js").LexicalFiles} LexicalFiles */
/** @typedef {import("./lexical-format.js").Fields} Fields */
/** @typedef {import("./lexical-root.js").Block} Block */
/** @typedef {import("./lexical-root.js").BlockGroup} BlockGroup */
/** @typedef {import("./lexical-root.js").Root} Root */
/** @typedef {import("./lexical-words.js").Analyser} Analyser */
/** @typedef {import("./lexical-words.js").Chunk} Chunk */
/** @typedef {import("./protocol.js").LatefindError} LatefindError */
/** @typedef {import("./snippet.js").Match} Match */

/**
 * A result as in protocol.js, but for its score, which the search tells.
 * @typedef {Omit<import("./protocol.js").Result, "score">} LexicalResult
 */

/** Code units of a title or a heading that are shown; no real one is as long. */
const LONGEST_TITLE = 500;

/** Code units of a text that are read for a snippet, and of a chunk that may be a word. */
const LONGEST_TEXT = 40_000;
const LONGEST_CHUNK = 200;

/** Schemes that a result may link to, beside the site's own: none that runs a script. */
const SCHEMES = ["http:", "https:", "mailto:"];

export class Describer {
  #root;
  #files;
  #siteUrl;
  /** @type {Cards | null} all of them, where the root has them */
  #cards;

  /**
   * @param {Root} root
   * @param {LexicalFiles} files
   * @param {string} siteUrl  what relative addresses are relative to
   * @throws {LatefindError} `integrity`
   */
  constructor(root, files, siteUrl) {
    this.#root = root;
    this.#files = files;
    this.#siteUrl = siteUrl;
    this.#cards = root.cards && (readCards(root.cards, root.sections) ?? null);
    if (root.cards && !this.#cards) throw damaged("word index", `cards of ${root.sections} sections`, "others");
  }

  /**
   * @param {number[]} documents
   * @param {AbortSignal} [signal]
   * @returns {Promise<LexicalResult[]>} without snippets
   */
  async cards(documents, signal) {
    const own = this.#cards;
    if (own) return this.#checked(documents).map((number) => this.#card(number, number, own));
    const blocks = await this.#blocks("cards", KIND.cards, documents, readCards, signal);
    return documents.map((number, at) => {
      const { fields, block } = /** @type {{fields: Cards, block: Block}} */ (blocks[at]);
      return this.#card(number, number - block.first, fields);
    });
  }

  /**
   * @param {number[]} documents
   * @param {Analyser} analyser
   * @param {ReadonlyMap<string, number>} weights  of the query's terms
   * @param {AbortSignal} [signal]
   * @returns {Promise<LexicalResult[]>}
   */
  async results(documents, analyser, weights, signal) {
    const [cards, blocks] = await Promise.all([
      this.cards(documents, signal),
      this.#blocks("texts", KIND.texts, documents, readTexts, signal),
    ]);
    return cards.map((card, at) => {
      const { fields, block } = /** @type {{fields: string[], block: Block}} */ (blocks[at]);
      const text = (fields[card.number - block.first] ?? "").slice(0, LONGEST_TEXT);
      return { ...card, ...cutSnippet(text, findMatches(text, analyser, weights)) };
    });
  }

  /**
   * @param {number[]} documents
   * @throws {RangeError} one of them is not in the index
   */
  #checked(documents) {
    const { sections } = this.#root;
    const wrong = documents.find((document) => !Number.isInteger(document) || document < 0 || document >= sections);
    if (wrong !== undefined) throw new RangeError(`document ${wrong} of ${sections}`);
    return documents;
  }

  /**
   * The block of each document, read.
   * @template T
   * @param {BlockGroup} group
   * @param {number} kind
   * @param {number[]} documents
   * @param {(fields: Fields, count: number) => T | undefined} read  undefined where something is missing
   * @param {AbortSignal} [signal]
   * @returns {Promise<{fields: T, block: Block}[]>}
   */
  #blocks(group, kind, documents, read, signal) {
    return Promise.all(
      this.#checked(documents).map(async (document) => {
        const block = this.#root.blockOf(group, document);
        const count = block.next - block.first;
        const fields = await this.#files.get(
          block.path,
          (bytes, url) => {
            const known = read(readJson(bytes, kind, url), count);
            if (!known) throw damaged(url, `${group} of ${count} sections`, "others");
            return known;
          },
          signal,
        );
        return { fields, block };
      }),
    );
  }

  /**
   * @param {number} number  in the index
   * @param {number} place   in the block
   * @param {Cards} cards
   * @returns {LexicalResult}
   */
  #card(number, place, cards) {
    const title = cards.title[place] ?? "";
    const [page, breadcrumb] = cards.pages[cards.page[place] ?? 0] ?? ["", []];
    const anchor = cards.anchor[place] ?? slug(title);
    const url = anchor ? `${page}#${anchor}` : page;
    const own = (/** @type {string} */ key) => cards.sparse[key]?.[`${place}`];
    const [id, lang, meta, filters] = ["id", "lang", "meta", "filters"].map(own);
    return {
      number,
      id: typeof id === "string" ? id : url,
      url: this.#absolute(url),
      title: clip(title),
      breadcrumb: breadcrumb.map(clip),
      snippet: "",
      highlights: [],
      meta: isObject(meta) ? meta : {},
      filters: isObject(filters) ? lists(filters) : {},
      lang: typeof lang === "string" ? lang : cards.tag,
    };
  }

  /** @param {string} url */
  #absolute(url) {
    if (!url || !URL.canParse(url, this.#siteUrl)) return "";
    const { protocol, href } = new URL(url, this.#siteUrl);
    return SCHEMES.includes(protocol) || protocol === new URL(this.#siteUrl).protocol ? href : "";
  }
}

/**
 * @typedef {object} Cards
 * @property {string[]} title
 * @property {[string, string[]][]} pages
 * @property {number[]} page
 * @property {(string | null)[]} anchor
 * @property {string} tag
 * @property {Record<string, Fields>} sparse  of `id`, `lang`, `meta` and `filters` what is not as usual, by place
 */

/**
 * @param {Fields} fields
 * @param {number} count
 * @returns {Cards | undefined}
 */
function readCards({ title, pages, page, anchor, tag, ...others }, count) {
  if (!isListOf(title, count, isString) || !Array.isArray(pages) || !pages.every(isPage)) return undefined;
  if (!isListOf(page, count, (at) => typeof at === "number" && at in pages)) return undefined;
  if (!isListOf(anchor, count, (value) => value === null || isString(value)) || !isString(tag)) return undefined;
  const sparse = Object.fromEntries(
    ["id", "lang", "meta", "filters"].map((key) => [key, isObject(others[key]) ? others[key] : {}]),
  );
  return /** @type {Cards} */ ({ title, pages, page, anchor, tag, sparse });
}

/**
 * @param {Fields} fields
 * @param {number} count
 * @returns {string[] | undefined}
 */
function readTexts({ text }, count) {
  return isListOf(text, count, isString) ? /** @type {string[]} */ (text) : undefined;
}

/** @param {unknown} value */
function isString(value) {
  return typeof value === "string";
}

/** @param {unknown} page */
function isPage(page) {
  return Array.isArray(page) && isString(page[0]) && Array.isArray(page[1]) && page[1].every(isString);
}

/**
 * @param {unknown} list
 * @param {number} count
 * @param {(value: unknown) => boolean} isOne
 */
function isListOf(list, count, isOne) {
  return Array.isArray(list) && list.length === count && list.every(isOne);
}

/**
 * @param {Fields} filters
 * @returns {Record<string, string[]>}
 */
function lists(filters) {
  return Object.fromEntries(Object.entries(filters).map(([key, values]) => [key, [values].flat().map(String)]));
}

/** @param {string} text */
function clip(text) {
  return text.length > LONGEST_TITLE ? `${text.slice(0, LONGEST_TITLE).replace(/[\ud800-\udbff]$/, "")}…` : text;
}

/**
 * The anchor that most generators give a heading.
 * @param {string} title
 */
function slug(title) {
  const lower = title.replace(/[A-Z]/g, (letter) => letter.toLowerCase());
  return lower.replace(/[^a-z0-9]+/g, "-").replace(/^-|-$/g, "");
}

/**
 * Where a text has the query's terms: an identifier as a whole, words, and words of which a part is meant.
 * @param {string} text
 * @param {Analyser} analyser
 * @param {ReadonlyMap<string, number>} weights
 * @returns {Match[]} by start, without overlap
 */
function findMatches(text, analyser, weights) {
  /** @type {Match[]} */
  const matches = [];
  for (const chunk of scanChunks(text)) {
    if (chunk.end - chunk.start > LONGEST_CHUNK) continue;
    for (const match of matchesOf(chunk, analyser, weights)) {
      const last = matches.at(-1);
      // Neighbours of a script without spaces share a character: together they are one place.
      if (last && match.start < last.end) {
        last.end = Math.max(last.end, match.end);
        last.weight = Math.max(last.weight, match.weight);
      } else {
        matches.push(match);
      }
    }
  }
  return matches;
}

/**
 * @param {Chunk} chunk
 * @param {Analyser} analyser
 * @param {ReadonlyMap<string, number>} weights
 * @returns {Match[]} by start
 */
function matchesOf(chunk, analyser, weights) {
  const { words, parts, wholes } = analyser.termsOf(chunk);
  const whole = wholes.find((key) => weights.has(key));
  if (whole !== undefined) {
    const start = chunk.coreStart - chunk.prefix.length;
    const end = chunk.coreStart + chunk.core.length + chunk.suffix.length;
    return [{ start, end, term: whole, weight: weights.get(whole) ?? 1 }];
  }
  return [...words, ...parts]
    .filter(({ term }) => weights.has(term))
    .map(({ start, end, term }) => ({
      start: chunk.coreStart + start,
      end: chunk.coreStart + end,
      term,
      weight: weights.get(term) ?? 1,
    }))
    .sort((left, right) => left.start - right.start);
}
