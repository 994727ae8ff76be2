/**
 * @file What a query asks for: the caller's options, checked, with what they are without.
 */

import { wellFormed } from "./names.js";
import { LatefindError } from "./protocol.js";

/** @typedef {"hybrid" | "semantic" | "lexical"} Mode */

/**
 * @typedef {object} QueryOptions
 * @property {number} [limit]  most results, from 1 on; 10 unless told
 * @property {Mode} [mode]     "hybrid" (the default) answers with what works
 * @property {Record<string, string | string[]>} [filters]  for each facet the values that may pass
 * @property {boolean} [typing]  the last word may be unfinished: what begins with it matches too; true unless told where
 *   there is an `onUpdate`
 * @property {boolean} [highlight]  mark the words that matched; true unless told
 * @property {boolean} [explain]  say for each result which word of the query met which word of the text
 * @property {string} [lang]   of the query; the page's unless told
 * @property {AbortSignal} [signal]  aborts this query alone
 * @property {(answer: import("./answers.js").Answer) => void} [onUpdate]  hears answers that are about to be refined
 */

/**
 * What a query asks for, as both tiers need it.
 * @typedef {object} Wish
 * @property {string} text
 * @property {number} limit
 * @property {Record<string, string[]>} filters
 * @property {boolean} typing   the last word may be unfinished
 * @property {boolean} highlight
 * @property {boolean} explain
 * @property {string} [lang]
 * @property {AbortSignal} [signal]
 */

/**
 * @param {string} text
 * @param {QueryOptions} options
 * @returns {Wish}
 * @throws {LatefindError} `usage`
 */
export function makeWish(text, { limit = 10, mode = "hybrid", filters = {}, onUpdate, ...others }) {
  checkOptions(limit, mode);
  const lists = Object.entries(filters).map(([key, values]) => [key, [values].flat()]);
  const { typing = onUpdate !== undefined, highlight = true, explain = false, lang, signal } = others;
  return { text: wellFormed(text), limit, filters: Object.fromEntries(lists), typing, highlight, explain, lang, signal };
}

/**
 * @param {number} limit
 * @param {string} mode
 */
function checkOptions(limit, mode) {
  if (!Number.isInteger(limit) || limit < 1) {
    throw LatefindError.expected("usage", "limit", "an integer from 1 on", `${limit}`, "Leave it out for 10.");
  }
  if (!["hybrid", "semantic", "lexical"].includes(mode)) {
    const modes = '"hybrid", "semantic" or "lexical"';
    throw LatefindError.expected("usage", "mode", modes, JSON.stringify(mode), "Leave it out.");
  }
}
