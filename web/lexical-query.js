/**
 * @file A query's slots: what is looked up for each of its words, and how much that counts. See "Ranking" in
 * `docs/lexical-format.md`; the same as `py/latefind/lexical_query.py`.
 */

import { endsInWord, hasDigit, isName, isUnspaced, lengthOf, plain, scanChunks } from "./lexical-words.js";

/** @typedef {import("./lexical-words.js").Analyser} Analyser */
/** @typedef {import("./lexical-words.js").Terms} Terms */
/** @typedef {import("./lexical-root.js").Root} Root */

/** What a match counts, in eighths, by how it came about. A whole is rare, so it counts anyway. */
export const FACTOR = { word: 8, part: 4, whole: 4, prefix: 5, typo: 6 };

/** Chunks of a longer query that are looked up as titles of their own. */
const MOST_NAMES = 4;

/** Words that are left when those of one letter, and those in more than 60 % of the documents, are dropped. */
const KEEP_FREQUENT = 2;

/** Code units of a query that are read: nobody types more, and what is pasted need not fetch every file. */
const MOST_TEXT = 1500;

/** Code points of the shortest word that may be mistyped, and of the shortest that others may begin with. */
const SHORTEST_TYPO = 4;
const SHORTEST_PREFIX = 2;

/** @typedef {{key: string, factor: number}} Alternative */

/**
 * One thing that a query looks up.
 * @typedef {object} Slot
 * @property {string} key      term or whole
 * @property {number} factor   of the key, in eighths
 * @property {number} count    how often the query has it
 * @property {boolean} own     whether the key itself is looked up: not a common word that is still being typed
 * @property {string} word     folded and without accents, where prefixes or typing errors may be looked for
 * @property {Alternative[]} alternatives  what else stands for it
 */

/**
 * @typedef {object} Query
 * @property {Slot[]} slots       without the common words that others make superfluous
 * @property {Slot | null} typed  that of the word that is being typed, if one is
 * @property {boolean} isAlone    whether the query is one word
 * @property {boolean} hasDropped  whether a slot was dropped, or stayed without its own term
 * @property {{key: string, slots: Slot[]}[]} titles  that give a bonus, of what these slots could give
 */

/**
 * @param {string} text
 * @param {Analyser} analyser
 * @param {Root} root
 * @param {boolean} typing  whether the last word may still grow
 * @param {boolean} [drops] whether common words are dropped
 * @returns {Query}
 */
export function makeQuery(text, analyser, root, typing, drops = true) {
  const read = text.slice(0, MOST_TEXT);
  const chunks = [...scanChunks(read)].map((chunk) => analyser.termsOf(chunk));
  /** @type {Map<string, Slot>} */
  const all = new Map();
  const ofChunk = chunks.map((terms) => addSlots(terms, all));
  for (const slot of ofChunk.flat()) {
    if (slot.factor === FACTOR.part && all.has(nameOf(slot.key, FACTOR.word))) all.delete(nameOf(slot.key, slot.factor));
  }
  const words = [...all.values()].filter(({ factor }) => factor === FACTOR.word);
  const last = typing && endsInWord(read) ? chunks.at(-1)?.words.at(-1) : undefined;
  const being = last && all.get(nameOf(last.term, FACTOR.word));
  const typed = being?.word ? being : null;
  const dropped = new Set(drops ? dropCommon(words, root) : []);
  for (const slot of dropped) {
    if (slot === typed) slot.own = false;
    else all.delete(nameOf(slot.key, slot.factor));
  }
  const slots = [...all.values()];
  const kept = new Set(slots);
  const titles = [{ key: analyser.sequenceKey(chunks), slots }];
  const names = chunks
    .map((terms, at) => ({ terms, slots: (ofChunk[at] ?? []).filter((slot) => kept.has(slot)) }))
    .filter(({ terms }) => chunks.length > 1 && isName(terms))
    .map(({ terms, slots: some }) => ({ key: analyser.sequenceKey([terms]), slots: some }));
  titles.push(...names.filter(({ key }) => key).slice(0, MOST_NAMES));
  const isAlone = words.length === 1;
  return { slots, typed, isAlone, hasDropped: dropped.size > 0, titles: titles.filter(({ key }) => key) };
}

/**
 * Every key that stands for a slot.
 * @param {Slot} slot
 * @returns {Alternative[]}
 */
export function keysOf({ key, factor, own, alternatives }) {
  return own ? [{ key, factor }, ...alternatives] : alternatives;
}

/**
 * Whether other words may be meant where the index has none.
 * @param {Slot} slot
 */
export function mayBeTypo({ word, own, alternatives }) {
  return own && !alternatives.length && lengthOf(word) >= SHORTEST_TYPO && !hasDigit(word);
}

/**
 * Whether a word is long enough for others to begin with it.
 * @param {string} word
 */
export function mayBePrefix(word) {
  return lengthOf(word) >= SHORTEST_PREFIX;
}

/**
 * @param {string} key
 * @param {number} factor
 */
function nameOf(key, factor) {
  return `${factor} ${key}`;
}

/**
 * Add the slots of a chunk; equal ones are merged.
 * @param {Terms} terms
 * @param {Map<string, Slot>} all
 * @returns {Slot[]} those of this chunk
 */
function addSlots({ words, parts, wholes }, all) {
  const add = (/** @type {string} */ key, /** @type {number} */ factor, word = "") => {
    const name = nameOf(key, factor);
    const slot = all.get(name) ?? { key, factor, count: 0, own: true, word: "", alternatives: [] };
    slot.count += 1;
    slot.word ||= word;
    all.set(name, slot);
    return slot;
  };
  return [
    ...new Set([
      ...words.map(({ term, folded }) => add(term, FACTOR.word, isUnspaced(folded) ? "" : plain(folded))),
      ...parts.map(({ term }) => add(term, FACTOR.part)),
      ...wholes.map((whole) => add(whole, FACTOR.whole)),
    ]),
  ];
}

/**
 * The words to drop: of one letter, then the most frequent ones, as long as enough others are left.
 * @param {Slot[]} words
 * @param {Root} root
 * @returns {Slot[]}
 */
function dropCommon(words, { common, keep, sections }) {
  const isLetter = ({ key = "" }) => /^\p{L}$/u.test(key);
  const frequent = words.flatMap((slot) => {
    const known = isLetter(slot) ? undefined : common.get(slot.key);
    return known ? [{ slot, ...known }] : [];
  });
  frequent.sort((left, right) => left.rank - right.rank);
  const turns = [
    ...words.filter(isLetter).map((slot) => ({ slot, left: KEEP_FREQUENT })),
    // In integers: the share is 60 %.
    ...frequent.map(({ slot, df }) => ({ slot, left: 5 * df > 3 * sections ? KEEP_FREQUENT : keep })),
  ];
  const end = turns.findIndex(({ left }, dropped) => words.length - dropped <= left);
  return turns.slice(0, end < 0 ? turns.length : end).map(({ slot }) => slot);
}
