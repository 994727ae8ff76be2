/**
 * @file The search worker: starts Python and the encoder, fills the index, then computes one answer after
 * the other; while one waits for shards of a large index, the next begins. It is started by `latefind.js`
 * and speaks the messages of `protocol.js`.
 */

import { Encoder } from "./encoder.js";
import { highlight } from "./highlighter.js";
import { initialIndexParts, initialParts, parseManifest } from "./manifest.js";
import { ANSWERING, PartLoader, Progress } from "./parts.js";
import { LatefindError, toWire } from "./protocol.js";
import { Python } from "./python.js";
import { checkWasm, guardLoading, watchResources } from "./runtime.js";
import { Shards } from "./shards.js";

/** @typedef {import("./protocol.js").Request} Request */
/** @typedef {import("./protocol.js").BootRequest} BootRequest */
/** @typedef {import("./protocol.js").QueryRequest} QueryRequest */
/** @typedef {import("./protocol.js").HighlightRequest} HighlightRequest */
/** @typedef {import("./protocol.js").RankRequest} RankRequest */
/** @typedef {import("./protocol.js").Report} Report */
/** @typedef {import("./protocol.js").Found} Found */
/** @typedef {import("./protocol.js").Ranked} Ranked */
/** @typedef {import("./protocol.js").Scored} Scored */
/** @typedef {import("./manifest.js").Part} Part */
/** @typedef {import("./manifest.js").Manifest} Manifest */
/** @typedef {import("./python.js").Plan} Plan */
/** @typedef {import("./shards.js").IsWanted} IsWanted */

/** @typedef {{python: Python, encoder: Encoder, shards: Shards, siteUrl: string}} Engine */

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

/** @type {(report: Report) => void} */
const post = (report) => self.postMessage(report);

/** @type {Promise<Engine> | undefined} */
let engine;
/** The requests before, up to the encoder, which runs once at a time. */
let queue = Promise.resolve();
/**
 * The last queries, by text.
 * @type {Map<string, {plan: Plan, vectors: Float32Array}>}
 */
const recent = new Map();
/**
 * Requests that still want an answer.
 * @type {Set<number>}
 */
const wanted = new Set();

self.addEventListener("message", (/** @type {MessageEvent<Request>} */ { data }) => {
  switch (data.type) {
    case "boot":
      engine = boot(data);
      engine.then(() => post({ type: "ready" }), fail);
      break;
    case "cancel":
      wanted.delete(data.id);
      break;
    case "highlight":
      wanted.add(data.id);
      void mark(data);
      break;
    default:
      wanted.add(data.id);
      void inTurn(() => serve(data));
  }
});
self.addEventListener("unhandledrejection", ({ reason }) => fail(reason));

/**
 * @template T
 * @param {() => Promise<T>} work  what runs the encoder
 * @returns {Promise<T>} its result, once everything that was asked before is done
 */
function inTurn(work) {
  const done = queue.then(work);
  queue = done.then(
    () => undefined,
    () => undefined, // Whoever asked is told.
  );
  return done;
}

/** @param {unknown} error */
function fail(error) {
  post({ type: "failed", error: toWire(error) });
}

/**
 * Everything that a search needs, in stages. What does not depend on each other runs at the same time.
 * @param {BootRequest} request
 * @returns {Promise<Engine>}
 */
async function boot({ manifestUrl, manifest: text }) {
  await checkWasm();
  const manifest = parseManifest(text);
  const initial = initialParts(manifest);
  const progress = new Progress(initial, (bytesLoaded, bytesTotal) =>
    post({ type: "progress", bytesLoaded, bytesTotal }),
  );
  progress.flush();
  const loader = new PartLoader(manifestUrl, progress);
  const runtimeFiles = prepareRuntime(manifest.parts, loader, progress);
  const starting = Python.start(resolve(manifest.runtime.pyodide, manifestUrl), manifest.runtime.packages, text);
  const [python, encoder] = await Promise.race([
    Promise.all([
      starting,
      startEncoder(manifest, manifestUrl, loader),
      fillIndex(initialIndexParts(manifest), loader, starting),
      ...runtimeFiles.fetched,
    ]),
    runtimeFiles.broken,
  ]);
  const addShard = (/** @type {string} */ path, /** @type {Uint8Array} */ bytes) => void python.addPart(path, bytes);
  const shards = new Shards(manifest.parts, new PartLoader(manifestUrl, null, ANSWERING), addShard);
  const started = { python, encoder, shards, siteUrl: resolve(manifest.base, manifestUrl) };
  await warmUp(started);
  progress.complete(initial);
  progress.flush();
  return started;
}

/**
 * Ask once before the first query: that checks that encoder and index fit, and the first one is not slower.
 * @param {Engine} engine
 */
async function warmUp(engine) {
  const { plan, vectors } = await encode(engine, "warm up");
  engine.python.needs(vectors, plan, []); // Not fetched: nobody waits for the answer.
  engine.python.search(vectors, plan, { text: "warm up", limit: 1, filters: {}, candidates: [] });
}

/**
 * Begin to fetch and verify the runtime's data files ourselves. Modules and WebAssembly are left to the
 * browser, which compiles while it downloads and keeps the compiled code.
 * @param {Part[]} parts
 * @param {PartLoader} loader
 * @param {Progress} progress
 */
function prepareRuntime(parts, loader, progress) {
  const runtime = parts.filter(({ role }) => ["pyodide", "onnxruntime", "package"].includes(role));
  const code = runtime.filter(({ path }) => /\.(mjs|wasm)$/.test(path));
  watchResources(new Map(code.map((part) => [loader.url(part), part])), progress);
  const data = runtime.filter((part) => !code.includes(part));
  const own = new Map(data.map((part) => [loader.url(part), loader.fetchVerified(part)]));
  return { fetched: [...own.values()], broken: guardLoading(own) };
}

/**
 * @param {Manifest} manifest
 * @param {string} manifestUrl
 * @param {PartLoader} loader
 * @returns {Promise<Encoder>}
 */
function startEncoder({ parts, runtime }, manifestUrl, loader) {
  const part = parts.find(({ role }) => role === "encoder");
  if (!part) throw incomplete("an encoder");
  return Encoder.start(resolve(runtime.onnxruntime, manifestUrl), loader.fetchVerified(part), part.path);
}

/**
 * Fetch the initial parts of the index, and hand each to Python (which verifies it) once both are there.
 * @param {Part[]} parts
 * @param {PartLoader} loader
 * @param {Promise<Python>} starting
 * @returns {Promise<void>}
 */
async function fillIndex(parts, loader, starting) {
  let ready = false;
  await Promise.all(
    parts.map((part) =>
      loader.fetchInto(part, async (bytes) => {
        ready = (await starting).addPart(part.path, bytes);
      }),
    ),
  );
  if (!ready) throw incomplete("every part of an index");
}

/** @param {string} expected */
function incomplete(expected) {
  return LatefindError.expected("format", "manifest.json: parts", expected, "some", "Build the index again.");
}

/**
 * Take up one request; never rejects, so that the queue goes on.
 * @param {QueryRequest | RankRequest} request
 * @returns {Promise<void>} settles when the next request may begin
 */
async function serve(request) {
  // Nothing up to the fetching of shards waits for anything but computation: let the messages in that may
  // cancel this request.
  if (wanted.size > 1) await new Promise((resolve) => setTimeout(resolve));
  if (!wanted.has(request.id)) return;
  try {
    const started = await booted(request.type);
    void finish(started, request, await encode(started, request.text));
  } catch (error) {
    refuse(request.id, error);
  }
}

/**
 * @param {string} asked
 * @returns {Promise<Engine>}
 */
async function booted(asked) {
  if (!engine) throw LatefindError.expected("internal", "worker", "boot first", asked, "Report it.");
  return engine;
}

/**
 * Answer a request that has been encoded; never rejects.
 * @param {Engine} engine
 * @param {QueryRequest | RankRequest} request
 * @param {Encoded} encoded
 * @returns {Promise<void>}
 */
async function finish(engine, request, encoded) {
  const { id, type } = request;
  const isWanted = () => wanted.has(id);
  try {
    if (type === "query") {
      const found = await search(engine, request, encoded, isWanted);
      if (found) post({ type: "found", id, found });
    } else {
      const ranked = await rank(engine, request, encoded, isWanted);
      if (ranked) post({ type: "ranked", id, ranked });
    }
    wanted.delete(id);
  } catch (error) {
    refuse(id, error);
  }
}

/**
 * @param {number} id
 * @param {unknown} error
 */
function refuse(id, error) {
  // WebAssembly that has trapped cannot be used again: give up this worker, not just this request.
  if (error instanceof WebAssembly.RuntimeError) fail(error);
  else if (wanted.delete(id)) post({ type: "refused", id, error: toWire(error) });
}

/**
 * @param {Engine} engine
 * @param {string} text
 * @returns {Promise<Encoded>}
 */
async function encode({ python, encoder }, text) {
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
 * Answer a request for highlights, a section at a time; never rejects.
 * @param {HighlightRequest} request
 * @returns {Promise<void>}
 */
async function mark(request) {
  const { id, text } = request;
  try {
    const started = await booted(request.type);
    const absent = await highlight(started, request, () => encode(started, text), {
      inTurn,
      isWanted: () => wanted.has(id),
      report: (highlighted) => post({ type: "highlight", id, highlight: highlighted }),
    });
    if (wanted.delete(id)) post({ type: "highlighted", id, absent });
  } catch (error) {
    refuse(id, error);
  }
}

/**
 * @param {Engine} engine
 * @param {QueryRequest} request
 * @param {Encoded} encoded
 * @param {IsWanted} isWanted
 * @returns {Promise<Found | null>} `null` where nobody wants it any more
 */
async function search({ python, shards, siteUrl }, request, encoded, isWanted) {
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
async function rank({ python, shards }, { names }, { plan, vectors }, isWanted) {
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

/**
 * @param {string} path
 * @param {string} base
 * @returns {string}
 */
function resolve(path, base) {
  return new URL(path, base).href;
}
