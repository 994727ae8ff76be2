/**
 * @file Starts everything that a search by meaning needs. Nothing waits for what it does not need: Python and
 * the encoder start side by side, each as soon as its own files are there, while the index is still on its way.
 */

import { encoderOrder, startEncoder } from "./encoder-start.js";
import { incomplete, initialIndexParts, initialParts, parseManifest } from "./manifest.js";
import { ANSWERING, PartLoader, Progress } from "./parts.js";
import { Python } from "./python.js";
import { RemoteEncoder } from "./remote-encoder.js";
import { checkWasm, guardLoading, watchResources } from "./runtime.js";
import { encode } from "./serve.js";
import { Shards } from "./shards.js";
import { timed } from "./stages.js";

/** @typedef {import("./protocol.js").BootRequest} BootRequest */
/** @typedef {import("./manifest.js").Part} Part */
/** @typedef {import("./manifest.js").Manifest} Manifest */
/** @typedef {import("./encoder.js").Encodes} Encodes */

/** @typedef {{python: Python, encoder: Encodes, shards: Shards, siteUrl: string}} Engine */

/**
 * @param {BootRequest} request
 * @param {(bytesLoaded: number, bytesTotal: number) => void} report
 * @returns {Promise<Engine>}
 */
export async function boot({ manifestUrl, manifest: text, encoder: port }, report) {
  await checkWasm();
  const manifest = parseManifest(text);
  const initial = initialParts(manifest);
  const progress = new Progress(initial, report);
  progress.flush();
  const loader = new PartLoader(manifestUrl, progress);
  const starting = startPython(manifest, text, loader, progress);
  const [python, encoder] = await Promise.all([
    starting,
    port ? RemoteEncoder.start(port, progress) : startEncoder(encoderOrder(text, manifestUrl), progress),
    fillIndex(initialIndexParts(manifest), loader, starting),
  ]);
  const addShard = (/** @type {string} */ path, /** @type {Uint8Array} */ bytes) => void python.addPart(path, bytes);
  const shards = new Shards(manifest.parts, new PartLoader(manifestUrl, null, ANSWERING), addShard);
  const started = { python, encoder, shards, siteUrl: resolve(manifest.base, manifestUrl) };
  await timed("warm up", () => warmUp(started));
  progress.complete(initial);
  progress.flush();
  return started;
}

/**
 * Begin to fetch and verify the data that Python needs ourselves. Modules and WebAssembly are left to the
 * browser, which compiles while it downloads and keeps the compiled code.
 * @param {Manifest} manifest
 * @param {string} text
 * @param {PartLoader} loader
 * @param {Progress} progress
 * @returns {Promise<Python>}
 */
function startPython({ parts, runtime }, text, loader, progress) {
  const folder = loader.resolve(runtime.pyodide);
  const files = parts.filter(({ role }) => role === "pyodide");
  const code = files.filter(({ path }) => /\.(mjs|wasm)$/.test(path));
  watchResources(new Map(code.map((part) => [loader.url(part), part])), progress);
  const own = new Map(files.filter((part) => !code.includes(part)).map((part) => [loader.url(part), loader.fetchVerified(part)]));
  const wheels = parts.filter(({ role }) => role === "package").map((part) => loader.fetchVerified(part));
  const broken = guardLoading(`${folder}pyodide.asm.wasm`, own);
  const started = timed("python", () => Python.start(folder, Promise.all(wheels), text));
  // A file of ours that cannot be had explains what Python says about it.
  return Promise.race([Promise.all([started, ...own.values()]).then(([python]) => python), broken]);
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
        const python = await starting;
        ready = await timed(part.role, () => python.addPart(part.path, bytes));
      }),
    ),
  );
  if (!ready) throw incomplete("every part of an index");
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
 * @param {string} path
 * @param {string} base
 * @returns {string}
 */
function resolve(path, base) {
  return new URL(path, base).href;
}
