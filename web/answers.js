/**
 * @file Puts answers together: from words alone, from meaning alone, and from both.
 */

import { CANDIDATES, fuse } from "./fusion.js";
import { toWire } from "./protocol.js";

/** @typedef {import("./lexical.js").Lexical} Lexical */
/** @typedef {Awaited<ReturnType<Lexical["search"]>>} Hits */
/** @typedef {import("./protocol.js").Found} Found */
/** @typedef {import("./protocol.js").Result} Result */
/** @typedef {import("./protocol.js").Timings} Timings */
/** @typedef {import("./protocol.js").WireError} WireError */
/** @typedef {import("./fusion.js").Candidate} Candidate */
/** @typedef {import("./wish.js").Wish} Wish */

/**
 * @typedef {object} Answer
 * @property {string} query
 * @property {"lexical" | "semantic" | "hybrid"} mode  which signals answered
 * @property {Result[]} results
 * @property {number} total
 * @property {Timings & {lexical: number}} timings     `lexical`: until the words had answered; 0 if not asked
 * @property {WireError[]} warnings                    why the answer may be less than it could be
 * @property {Record<string, string>} [corrected]      words of the query that were taken for others
 */

/** @typedef {Omit<Answer, "query">} Content  an answer but for the query as it was given */

/** A signal's hits, and ms since the query until they were there. @typedef {{hits: Hits, time: number}} Words */

const NO_TIME = { lexical: 0, tokenize: 0, encode: 0, candidates: 0, rerank: 0, fetch: 0, total: 0 };

/**
 * @param {"lexical" | "semantic" | "hybrid"} mode
 * @returns {Content}
 */
export function emptyAnswer(mode) {
  return { mode, results: [], total: 0, timings: { ...NO_TIME }, warnings: [] };
}

/**
 * @param {Lexical} lexical
 * @param {Wish} wish
 * @returns {Promise<Words>}
 */
export async function searchWords(lexical, { text, limit, filters, typing, lang, signal }) {
  const start = performance.now();
  const hits = await lexical.search(text, { limit, filters, typing, lang, signal });
  return { hits, time: performance.now() - start };
}

/**
 * @param {Lexical} lexical
 * @param {Words} words
 * @param {Wish} wish
 * @param {{snippets: boolean}} [options]
 * @returns {Promise<Content>}
 */
export async function answerByWords(lexical, { hits, time }, { text, limit, signal }, { snippets } = { snippets: true }) {
  const start = performance.now();
  const described = await lexical.describe(hits.documents.slice(0, limit), text, { snippets, signal });
  const results = described.map((result, at) => ({ ...result, score: hits.scores[at] ?? 0 }));
  const total = time + performance.now() - start;
  const content = { ...emptyAnswer("lexical"), results, total: hits.total };
  return { ...content, timings: { ...NO_TIME, lexical: time, total }, ...correctedOf(hits) };
}

/**
 * @param {Found} found
 * @param {Wish} wish
 * @returns {Content}
 */
export function answerByMeaning({ results, total, timings, warnings }, { limit }) {
  return {
    mode: "semantic",
    results: results.slice(0, limit),
    total,
    timings: { ...timings, lexical: 0 },
    warnings: [...warnings],
  };
}

/**
 * Fuse what both signals found.
 * @param {Lexical} lexical
 * @param {Words} words
 * @param {Found} found     asked with {@link candidatesOf} the words
 * @param {Wish} wish
 * @returns {Promise<Content>}
 */
export async function answerByBoth(lexical, { hits, time }, found, { text, limit, signal }) {
  const best = fuse(text, unite(hits, found)).slice(0, limit);
  const known = new Map([...found.results, ...found.others].map((result) => [result.number, result]));
  const absent = best.filter(({ number }) => !known.has(number)).map(({ number }) => number);
  const warnings = [...found.warnings];
  if (absent.length) {
    try {
      const described = await lexical.describe(absent, text, { signal });
      for (const result of described) known.set(result.number, { ...result, score: 0 });
    } catch (error) {
      signal?.throwIfAborted();
      warnings.push(toWire(error));
    }
  }
  const results = best.flatMap(({ number, score }) => {
    const result = known.get(number);
    return result ? [{ ...result, score }] : [];
  });
  const timings = { ...found.timings, lexical: time, total: found.timings.total + time };
  const total = Math.max(hits.total, found.total);
  return { mode: "hybrid", results, total, timings, warnings, ...correctedOf(hits) };
}

/**
 * Keep what is shown of a section, with the words of it that the query has, until the meaning has marked its own:
 * what the visitor reads does not change twice.
 * @param {Content} content  by both signals
 * @param {Content} shown    by words
 * @returns {Content}
 */
export function keepMarks(content, shown) {
  const known = new Map(shown.results.map((result) => [result.number, result]));
  const results = content.results.map((result) => {
    const { snippet, highlights } = known.get(result.number) ?? result;
    return highlights.length ? { ...result, snippet, highlights } : result;
  });
  return { ...content, results };
}

/**
 * The sections that the words propose to the engine, best first.
 * @param {Hits} hits
 * @returns {number[]}
 */
export function candidatesOf({ documents }) {
  return [...documents.slice(0, CANDIDATES)];
}

/**
 * @param {Hits} hits
 * @param {Found} found
 * @returns {Candidate[]}
 */
function unite(hits, found) {
  /** @type {Map<number, Candidate>} */
  const candidates = new Map();
  candidatesOf(hits).forEach((number, at) => {
    candidates.set(number, { number, lexical: hits.scores[at] ?? 0, semantic: found.scores[at] ?? null });
  });
  for (const [number, semantic] of found.ranking) {
    candidates.set(number, { number, lexical: candidates.get(number)?.lexical ?? 0, semantic });
  }
  return [...candidates.values()];
}

/** @param {Hits} hits */
function correctedOf({ corrected }) {
  return corrected && Object.keys(corrected).length ? { corrected } : {};
}
