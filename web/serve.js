/**
 * @file Computes answers: encodes a text, asks Python, fetches the shards of a large index that an answer
 * wants. Runs in the worker.
 */

import { LatefindError, toWire } from "./protocol.js";

/** @typedef {import("./boot.js").Engine} Engine */
/** @typedef {import("./protocol.js").QueryRequest} QueryRequest */
/** @typedef {import("./protocol.js").RankRequest} RankRequest */
/** @typedef {import("./protocol.js").Found} Found */
/** @typedef {import("./protocol.js").Ranked} Ranked */
/** @typedef {import("./protocol.js").Scored} Scored */
/** @typedef {import("./python.js").Plan} Plan */
/** @typedef {import("./python.js").Python} Python */
/** @typedef {import("./shards.js").IsWanted} IsWanted */
/** @typedef {import("./shards.js").Shards} Shards */

/**
 * A query as the encoder sees it; when that began, and ms of its steps.
 * @typedef {object} Encoded
 * @property {Plan} plan
 * @property {Float32Array} vectors
 * @property {number} start
 * @property {{tokenize: number, encode: number}} timings
 */

/**
 * Sections ranked at a time: their shards, a good megabyte each, fit into the engine's memory for shards
 * together (CACHE_BYTES in py/latefind/shards.py), even where no two share one.
 */
const RANKED_AT_ONCE = 20;

/** Queries whose vectors are kept: the one that is shown, and those of a few tabs of thought before it. */
const QUERIES_KEPT = 4;

/**
 * The last queries, by text.
 * @type {Map<string, {plan: Plan, vectors: Float32Array}>}
 */
const recent = new Map();

/**
 * @param {Engine} engine
 * @param {string} text
 * @returns {Promise<Encoded>}
 */
export async function encode({ python, encoder }, text) {
  const start = performance.now();
  const known = recent.get(text);
  if (known) return { ...known, start, timings: { tokenize: 0, encode: 0 } };
  const plan = python.plan(text);
  const tokenized = performance.now();
  const vectors = await encoder.encode(plan.ids, plan.mask);
  const timings = { tokenize: tokenized - start, encode: performance.now() - tokenized };
  recent.set(text, { plan, vectors });
  for (const oldest of [...recent.keys()].slice(0, -QUERIES_KEPT)) recent.delete(oldest);
  return { plan, vectors, start, timings };
}

/**
 * @param {Engine} engine
 * @param {QueryRequest} request
 * @param {Encoded} encoded
 * @param {IsWanted} isWanted
 * @returns {Promise<Found | null>} `null` where nobody wants it any more
 */
export async function search({ python, shards, siteUrl }, request, encoded, isWanted) {
  const { text, limit, filters, candidates = [] } = request;
  const { plan, vectors, start } = encoded;
  const asked = performance.now();
  const needed = python.needs(vectors, plan, candidates);
  const chosen = performance.now();
  const failed = await shards.load(needed, isWanted);
  const fetched = performance.now();
  if (!isWanted()) return null;
  const options = { text, limit, filters, candidates };
  const { missing, timings, ...found } = python.search(vectors, plan, options);
  for (const result of [...found.results, ...found.others]) {
    if (result.url) result.url = new URL(result.url, siteUrl).href;
  }
  return {
    ...found,
    timings: {
      ...encoded.timings,
      candidates: chosen - asked + timings.candidates,
      rerank: timings.rerank,
      fetch: fetched - chosen,
      total: performance.now() - start,
    },
    warnings: missing.map((path) => toWire(failed.get(path) ?? absent(path))),
  };
}

/**
 * @param {Engine} engine
 * @param {RankRequest} request
 * @param {Encoded} encoded
 * @param {IsWanted} isWanted
 * @returns {Promise<Ranked[] | null>} `null` where nobody wants it any more
 */
export async function rank({ python, shards }, { names }, { plan, vectors }, isWanted) {
  /** @type {Scored[]} */
  const ranked = [];
  /** @type {string[]} */
  const unknown = [];
  for (let start = 0; start < names.length; start += RANKED_AT_ONCE) {
    const some = names.slice(start, start + RANKED_AT_ONCE);
    await loadNamed(python, shards, some, isWanted);
    if (!isWanted()) return null;
    const answer = python.rank(vectors, plan, some);
    ranked.push(...answer.ranked);
    unknown.push(...answer.unknown);
  }
  ranked.sort((a, b) => b.score - a.score);
  return [...ranked, ...unknown.map((id) => /** @type {const} */ ({ id, score: null, unknown: true }))];
}

/**
 * Load what ranking some sections wants: the names of a large index, which tell the shards, then those. A
 * shard that was there may have had to go meanwhile, hence a third time.
 * @param {Python} python
 * @param {Shards} shards
 * @param {string[][]} names
 * @param {IsWanted} isWanted
 * @throws {LatefindError} a part cannot be had: an order without it would leave out sections in silence
 */
async function loadNamed(python, shards, names, isWanted) {
  let needed = python.rankNeeds(names);
  for (let round = 0; needed.length && round < 3; round += 1) {
    const [failure] = (await shards.load(needed, isWanted)).values();
    if (failure) throw failure;
    needed = python.rankNeeds(names);
  }
  if (needed[0]) throw absent(needed[0]);
}

/**
 * A part that was in memory and had to make room for those of other requests.
 * @param {string} path
 */
function absent(path) {
  return LatefindError.expected("internal", path, "the part in memory", "none", "Ask again.");
}
