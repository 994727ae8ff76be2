/**
 * @file Typing errors: the words of the index within one edit of a word.
 */

import { compareBytes, toBytes } from "./lexical-format.js";
import { isAscii, plain } from "./lexical-words.js";

/** @typedef {import("./lexical-format.js").Words} Words */

/**
 * @param {string} text
 * @returns {string} its code points in reverse
 */
export function reverse(text) {
  return [...text.normalize("NFC")].reverse().join("");
}

/**
 * Words within one edit of `word`: by their documents, most first, then sorted.
 * @param {string} word  without accents
 * @param {Words | null} forward   the file of words that can hold it
 * @param {Words | null} backward  the file of reversed words that can hold it reversed
 * @returns {string[]}
 */
export function similarWords(word, forward, backward) {
  const points = [...word];
  /** @type {Map<string, number>} */
  const found = new Map();
  const collect = (/** @type {string} */ key, /** @type {number} */ count) => {
    // Before the costly comparison: an edit changes the length by one code point at most.
    const slack = isAscii(key) && isAscii(word) ? 1 : 6;
    if (Math.abs(key.length - word.length) > slack) return;
    if (isOneEdit(points, [...plain(key)])) found.set(key, count);
  };
  forward?.words.forEach((key, at) => collect(key, forward.counts[at] ?? 0));
  backward?.words.forEach((key, at) => collect(reverse(key), backward.counts[at] ?? 0));
  const bytes = (/** @type {string} */ key) => toBytes(key);
  return [...found]
    .sort(([left, more], [right, less]) => less - more || compareBytes(bytes(left), bytes(right)))
    .map(([key]) => key);
}

/**
 * Whether two words are equal, or one code point more, less or other, or two neighbours swapped make them so.
 * @param {string[]} left
 * @param {string[]} right
 */
export function isOneEdit(left, right) {
  if (Math.abs(left.length - right.length) > 1) return false;
  let start = 0;
  while (start < left.length && start < right.length && left[start] === right[start]) start += 1;
  let end = 0;
  const shorter = Math.min(left.length, right.length) - start;
  while (end < shorter && left.at(-1 - end) === right.at(-1 - end)) end += 1;
  const differing = left.slice(start, left.length - end);
  const other = right.slice(start, right.length - end);
  if (differing.length <= 1 && other.length <= 1) return true;
  const [a, b] = differing;
  return differing.length === 2 && other.length === 2 && a === other[1] && b === other[0];
}
