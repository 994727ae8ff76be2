/**
 * @file Ranges of a text become `<mark>` nodes. The ranges are data of the index: whatever they say, every
 * character of the text is shown once, as text.
 */

import { build } from "./dom.js";

/** @typedef {import("./types.js").Highlight} Highlight */

/** Strengths are shown in this many steps, each a class: a style attribute would need a laxer policy. */
const STEPS = 3;

/**
 * @param {string} text
 * @param {readonly (Highlight | [number, number])[]} [ranges]
 * @returns {(string | HTMLElement)[]} the text in order, its ranges as marks
 */
export function markRanges(text, ranges = []) {
  /** @type {(string | HTMLElement)[]} */
  const pieces = [];
  let at = 0;
  for (const { start, end, weight } of clean(text, ranges)) {
    if (start < at) continue;
    if (start > at) pieces.push(text.slice(at, start));
    const step = Math.min(STEPS, Math.max(1, Math.ceil(weight * STEPS)));
    pieces.push(build("mark", { className: `strength-${step}`, textContent: text.slice(start, end) }));
    at = end;
  }
  if (at < text.length) pieces.push(text.slice(at));
  return pieces;
}

/**
 * @param {string} text
 * @param {readonly (Highlight | [number, number])[]} [ranges]
 * @returns {string[]} what the ranges cover, each word once, in order
 */
export function markedWords(text, ranges = []) {
  const words = clean(text, ranges).flatMap(({ start, end }) => text.slice(start, end).split(/\s+/u));
  return [...new Set(words.map((word) => word.toLowerCase()).filter(Boolean))];
}

/**
 * @param {string} text
 * @param {readonly (Highlight | [number, number])[]} ranges
 * @returns {Required<Highlight>[]} those that lie inside the text, in order; no half of a surrogate pair
 */
function clean(text, ranges) {
  const read = ranges.map((range) => {
    const [start, end] = Array.isArray(range) ? range : [range.start, range.end];
    const weight = Array.isArray(range) ? 1 : Number(range.weight ?? 1);
    return { start: widen(text, start, -1), end: widen(text, end, 1), weight: Number.isFinite(weight) ? weight : 1 };
  });
  const inside = read.filter(({ start, end }) => start >= 0 && start < end && end <= text.length);
  const whole = inside.filter(({ start, end }) => Number.isInteger(start) && Number.isInteger(end));
  return whole.sort((a, b) => a.start - b.start || b.end - a.end);
}

/**
 * @param {string} text
 * @param {number} at
 * @param {number} step
 */
function widen(text, at, step) {
  const inPair = /[\uD800-\uDBFF]/.test(text.charAt(at - 1)) && /[\uDC00-\uDFFF]/.test(text.charAt(at));
  return inPair ? at + step : at;
}
