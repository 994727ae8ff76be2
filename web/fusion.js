/**
 * @file Fusion: one order out of two signals, the words of a query (BM25) and its meaning (MaxSim). The same
 * arithmetic in the same order as `py/latefind/fusion.py`, which says why; a test compares the two.
 */

/** Best sections of each signal that are considered. */
export const CANDIDATES = 100;

/** A best BM25 score as low as this counts half. */
const DOUBT = 3;

/** Weights of MaxSim: for several words, for a single one, for what looks like an identifier. */
const WEIGHTS = { text: 0.7, word: 0.35, identifier: 0.2 };

const SPACE = /[ \t\n\r\f\v\u00a0\u3000]+/;
const QUOTED = /^["'`“”„«»]+|[?!,;"'`“”„«».]+$/g;
const IDENTIFIER = /[_\\/=@#$%&*+<>()[\]{}~^|:0-9.]|^-|[a-z][A-Z]|[A-Z]{2}/;

/**
 * A section found by one signal or both.
 * @typedef {object} Candidate
 * @property {number} number           of the section in the index
 * @property {number} lexical          BM25; 0 for a section without any of the words
 * @property {number | null} semantic  MaxSim; `null` where it is not known, since a shard is not in memory
 */

/** @typedef {Candidate & {score: number}} Fused */

/**
 * What a query looks like, which decides how much each signal counts.
 * @param {string} text
 * @returns {"text" | "word" | "identifier"}
 */
export function kindOf(text) {
  const words = text.split(SPACE).filter(Boolean);
  if (words.length > 1) return "text";
  return IDENTIFIER.test(words.join("").replace(QUOTED, "")) ? "identifier" : "word";
}

/**
 * The weight of MaxSim for a query, from 0 to 1; BM25 has the rest.
 * @param {string} text
 */
export function semanticWeight(text) {
  return WEIGHTS[kindOf(text)];
}

/**
 * Order the candidates of both signals, best first; equal ones by number.
 * @param {string} text
 * @param {Candidate[]} candidates  each section once
 * @returns {Fused[]}
 */
export function fuse(text, candidates) {
  const weight = semanticWeight(text);
  const lexical = byBest(candidates.map((candidate) => candidate.lexical), DOUBT);
  const semantic = byBest(fill(candidates), 0);
  return candidates
    .map((candidate, at) => ({
      ...candidate,
      score: (1 - weight) * (lexical[at] ?? 0) + weight * (semantic[at] ?? 0),
    }))
    .sort((a, b) => b.score - a.score || a.number - b.number);
}

/**
 * MaxSim of all: an unknown one counts as the mean of those that have any of the words and are known, or else as
 * the worst known.
 * @param {Candidate[]} candidates
 * @returns {number[]}
 */
function fill(candidates) {
  const known = candidates.flatMap(({ semantic }) => (semantic === null ? [] : [semantic]));
  const alike = candidates.flatMap(({ lexical, semantic }) => (semantic === null || lexical <= 0 ? [] : [semantic]));
  const worst = known.length ? Math.min(...known) : 0;
  const standIn = alike.length ? alike.reduce((sum, score) => sum + score, 0) / alike.length : worst;
  return candidates.map(({ semantic }) => semantic ?? standIn);
}

/**
 * Scores divided by the best (and `doubt`), never below 0.
 * @param {number[]} scores
 * @param {number} doubt
 */
function byBest(scores, doubt) {
  const best = Math.max(0, ...scores);
  if (best <= 0) return scores.map(() => 0);
  return scores.map((score) => Math.max(score, 0) / (best + doubt));
}
