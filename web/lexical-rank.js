/**
 * @file The ranking: sums of impacts by document, in integers, so that Python's order is the same. See "Weight
 * and score" in `docs/lexical-format.md`.
 */

import { keysOf } from "./lexical-query.js";

/** @typedef {import("./lexical-query.js").Slot} Slot */
/** @typedef {import("./lexical-query.js").Query} Query */

/**
 * The postings of one key.
 * @typedef {{documents: Uint32Array, impacts: Uint8Array}} Posting
 */

/** @typedef {(key: string) => Posting | undefined} Lookup */

/** What the score of an impact is multiplied with: 8 of the factor, 256 of the weight. */
const SCALE = 2048;

/**
 * @param {number} sections
 * @param {number} df
 * @returns {number} Lucene's inverse document frequency, in 256ths, at least one
 */
export function weightOf(sections, df) {
  return Math.max(1, Math.floor(256 * Math.log(1 + (sections - df + 0.5) / (df + 0.5)) + 0.5));
}

/**
 * @param {Query} query
 * @param {Lookup} lookup
 * @param {{sections: number, levels: number}} root
 * @returns {Float64Array} the score of each document, in integers
 */
export function scoreAll({ slots, titles }, lookup, { sections, levels }) {
  const scores = new Float64Array(sections);
  const scratch = new Float64Array(sections);
  for (const slot of slots) addSlot(scores, scratch, slot, lookup);
  for (const title of titles) {
    const posting = lookup(title.key);
    if (!posting) continue;
    const most = mostOf(title.slots, lookup, sections) * levels;
    const { documents, impacts } = posting;
    for (let at = 0; at < documents.length; at += 1) {
      const document = documents[at] ?? 0;
      scores[document] = (scores[document] ?? 0) + Math.floor((most * (impacts[at] ?? 0)) / levels);
    }
  }
  return scores;
}

/**
 * @param {Float64Array} scores
 * @param {Float64Array} scratch  as long; all 0 before and after
 * @param {Slot} slot
 * @param {Lookup} lookup
 */
function addSlot(scores, scratch, slot, lookup) {
  const found = keysOf(slot).flatMap(({ key, factor }) => {
    const posting = lookup(key);
    return posting ? [{ ...posting, worth: slot.count * factor * weightOf(scores.length, posting.documents.length) }] : [];
  });
  // Of several alternatives the best counts for a document, so they are gathered before they are added.
  const into = found.length > 1 ? scratch : scores;
  for (const { documents, impacts, worth } of found) {
    for (let at = 0; at < documents.length; at += 1) {
      const document = documents[at] ?? 0;
      const value = worth * (impacts[at] ?? 0);
      const before = into[document] ?? 0;
      into[document] = into === scores ? before + value : Math.max(before, value);
    }
  }
  if (into === scores) return;
  for (let document = 0; document < scores.length; document += 1) {
    scores[document] = (scores[document] ?? 0) + (scratch[document] ?? 0);
  }
  scratch.fill(0);
}

/**
 * @param {Slot[]} slots
 * @param {Lookup} lookup
 * @param {number} sections
 * @returns {number} the highest score that slots can give, for an impact of 1
 */
function mostOf(slots, lookup, sections) {
  let most = 0;
  for (const slot of slots) {
    const weights = keysOf(slot).map(({ key, factor }) => {
      const posting = lookup(key);
      return posting ? factor * weightOf(sections, posting.documents.length) : 0;
    });
    most += slot.count * Math.max(0, ...weights);
  }
  return most;
}

/**
 * The best documents, highest score first, then by number.
 * @param {Float64Array} scores
 * @param {Uint8Array | null} allowed  1 where a document may be a result
 * @param {number} limit
 * @param {number} levels
 * @returns {{total: number, documents: Uint32Array, scores: Float32Array}}
 */
export function selectBest(scores, allowed, limit, levels) {
  const documents = new Uint32Array(limit);
  const best = new Float64Array(limit);
  let kept = 0;
  let total = 0;
  for (let document = 0; document < scores.length; document += 1) {
    const score = scores[document] ?? 0;
    if (!score || (allowed && !allowed[document])) continue;
    total += 1;
    // Documents come by number, so an equal score stays behind.
    if (kept === limit && score <= (best[limit - 1] ?? 0)) continue;
    const place = placeOf(best, kept, score);
    best.copyWithin(place + 1, place, Math.min(kept, limit - 1));
    documents.copyWithin(place + 1, place, Math.min(kept, limit - 1));
    best[place] = score;
    documents[place] = document;
    kept = Math.min(kept + 1, limit);
  }
  const shown = Float32Array.from(best.subarray(0, kept), (score) => score / (SCALE * levels));
  return { total, documents: documents.slice(0, kept), scores: shown };
}

/**
 * @param {Float64Array} best  falling
 * @param {number} kept
 * @param {number} score
 * @returns {number} the first place with a lower score
 */
function placeOf(best, kept, score) {
  let low = 0;
  let high = kept;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((best[middle] ?? 0) >= score) low = middle + 1;
    else high = middle;
  }
  return low;
}
