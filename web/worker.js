/**
 * @file The search worker: starts Python and the encoder, fills the index, then answers one request after
 * the other. It is started by `latefind.js` and speaks the messages of `protocol.js`.
 */

import { Encoder } from "./encoder.js";
import { INDEX_ROLES, parseManifest } from "./manifest.js";
import { PartLoader, Progress } from "./parts.js";
import { LatefindError, toWire } from "./protocol.js";
import { Python } from "./python.js";
import { checkWasm, guardLoading, watchResources } from "./runtime.js";

/** @typedef {import("./protocol.js").Request} Request */
/** @typedef {import("./protocol.js").BootRequest} BootRequest */
/** @typedef {import("./protocol.js").QueryRequest} QueryRequest */
/** @typedef {import("./protocol.js").RankRequest} RankRequest */
/** @typedef {import("./protocol.js").Report} Report */
/** @typedef {import("./protocol.js").Found} Found */
/** @typedef {import("./protocol.js").Ranked} Ranked */
/** @typedef {import("./manifest.js").Part} Part */
/** @typedef {import("./manifest.js").Manifest} Manifest */
/** @typedef {{python: Python, encoder: Encoder, siteUrl: string}} Engine */

/** @type {(report: Report) => void} */
const post = (report) => self.postMessage(report);

/** @type {Promise<Engine> | undefined} */
let engine;
/** The requests before; each waits for it, so that answers come in order. */
let queue = Promise.resolve();
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
    default:
      wanted.add(data.id);
      queue = queue.then(() => serve(data));
  }
});
self.addEventListener("unhandledrejection", ({ reason }) => fail(reason));

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
  const progress = new Progress(manifest.parts, (bytesLoaded, bytesTotal) =>
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
      fillIndex(manifest.parts, loader, starting),
      ...runtimeFiles.fetched,
    ]),
    runtimeFiles.broken,
  ]);
  const started = { python, encoder, siteUrl: resolve(manifest.base, manifestUrl) };
  // One query before the first: it checks that encoder and index fit, and the first real one is not slower.
  await search(started, { type: "query", id: 0, text: "warm up", limit: 1, filters: {} });
  progress.complete(manifest.parts);
  progress.flush();
  return started;
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
 * Fetch the parts of the index, and hand each to Python (which verifies it) once both are there.
 * @param {Part[]} parts
 * @param {PartLoader} loader
 * @param {Promise<Python>} starting
 * @returns {Promise<void>}
 */
async function fillIndex(parts, loader, starting) {
  let ready = false;
  await Promise.all(
    INDEX_ROLES.flatMap((role) => parts.filter((part) => part.role === role)).map((part) =>
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
 * Answer one request; never rejects, so that the queue goes on.
 * @param {QueryRequest | RankRequest} request
 * @returns {Promise<void>}
 */
async function serve(request) {
  // Nothing below waits for anything but computation: let the messages in that may cancel this request.
  if (wanted.size > 1) await new Promise((resolve) => setTimeout(resolve));
  if (!wanted.delete(request.id)) return;
  try {
    if (!engine) throw LatefindError.expected("internal", "worker", "boot first", request.type, "Report it.");
    const started = await engine;
    if (request.type === "query") {
      post({ type: "found", id: request.id, found: await search(started, request) });
    } else {
      post({ type: "ranked", id: request.id, ranked: await rank(started, request) });
    }
  } catch (error) {
    // WebAssembly that has trapped cannot be used again: give up this worker, not just this request.
    if (error instanceof WebAssembly.RuntimeError) fail(error);
    else post({ type: "refused", id: request.id, error: toWire(error) });
  }
}

/**
 * @param {Engine} engine
 * @param {QueryRequest} request
 * @returns {Promise<Found>}
 */
async function search({ python, encoder, siteUrl }, { text, limit, filters }) {
  const start = performance.now();
  const plan = python.plan(text);
  const tokenized = performance.now();
  const vectors = await encoder.encode(plan.ids, plan.mask);
  const encoded = performance.now();
  const { results, total, timings } = python.search(vectors, plan, { text, limit, filters });
  for (const result of results) {
    if (result.url) result.url = new URL(result.url, siteUrl).href;
  }
  return {
    results,
    total,
    timings: {
      tokenize: tokenized - start,
      encode: encoded - tokenized,
      candidates: timings.candidates,
      rerank: timings.rerank,
      fetch: 0, // All parts are in memory.
      total: performance.now() - start,
    },
  };
}

/**
 * @param {Engine} engine
 * @param {RankRequest} request
 * @returns {Promise<Ranked[]>}
 */
async function rank({ python, encoder }, { text, names }) {
  const plan = python.plan(text);
  return python.rank(await encoder.encode(plan.ids, plan.mask), plan, names);
}

/**
 * @param {string} path
 * @param {string} base
 * @returns {string}
 */
function resolve(path, base) {
  return new URL(path, base).href;
}
