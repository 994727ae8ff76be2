/**
 * @file Starts everything that a search by meaning needs. Nothing waits for what it does not need: Python and
 * the encoder start side by side, each as soon as its own files are there, while the index is still on its way.
 */

import { unpack } from "./archive.js";
import { encoderOrder, startEncoder } from "./encoder-start.js";
import { Kept } from "./kept.js";
import { incomplete, initialIndexParts, initialParts, parseManifest } from "./manifest.js";
import { ANSWERING, PartLoader, Progress } from "./parts.js";
import { Python, importPyodide } from "./python.js";
import { RemoteEncoder } from "./remote-encoder.js";
import { checkWasm, guardLoading, watchResources } from "./runtime.js";
import { encode } from "./serve.js";
import { Shards } from "./shards.js";
import { STDLIB, readSnapshot } from "./snapshot.js";
import { timed } from "./stages.js";

/** @typedef {import("./protocol.js").BootRequest} BootRequest */
/** @typedef {import("./manifest.js").Part} Part */
/** @typedef {import("./manifest.js").Manifest} Manifest */
/** @typedef {import("./encoder.js").Encodes} Encodes */
/** @typedef {import("./parts.js").Bytes} Bytes */

/**
 * @typedef {object} Engine
 * @property {Python} python
 * @property {Encodes} encoder
 * @property {Shards} shards
 * @property {string} siteUrl
 * @property {Kept | null} kept  where starts are kept, if they are
 * @property {boolean} restored  whether this one was
 */

/** When a start is written to the disk (ms after it is ready): not while the first answer is made. */
const KEEP_AFTER = 1_500;

/**
 * @param {BootRequest} request
 * @param {(bytesLoaded: number, bytesTotal: number) => void} report
 * @returns {Promise<Engine>}
 */
export async function boot({ manifestUrl, manifest: text, encoder: port, keepStart: keeps }, report) {
  const kept = keeps ? new Kept(manifestUrl, text) : null;
  const finding = kept?.find() ?? Promise.resolve(null);
  await checkWasm();
  const manifest = parseManifest(text);
  const initial = initialParts(manifest);
  const progress = new Progress(initial, report);
  progress.flush();
  const loader = new PartLoader(manifestUrl, progress);
  const [{ python, restored }, encoder] = await Promise.all([
    startPython(manifest, text, loader, progress, finding, kept),
    port ? RemoteEncoder.start(port, progress) : startEncoder(encoderOrder(text, manifestUrl), progress),
  ]);
  const addShard = (/** @type {string} */ path, /** @type {Uint8Array} */ bytes) => void python.addPart(path, bytes);
  const shards = new Shards(manifest.parts, new PartLoader(manifestUrl, null, ANSWERING), addShard);
  const started = { python, encoder, shards, siteUrl: resolve(manifest.base, manifestUrl), kept, restored };
  await timed("warm up", () => warmUp(started));
  progress.complete(initial);
  progress.flush();
  return started;
}

/**
 * Keep what was started for the next time; call it before the first question.
 * @param {Engine} engine
 */
export function keepStart({ python, kept, restored }) {
  if (!kept || restored) return;
  try {
    const pieces = python.snapshot();
    setTimeout(() => void kept.keep(pieces), KEEP_AFTER);
  } catch {
    // Nobody waits for it: the next start is as this one was.
  }
}

/**
 * Python with the index in it: as an earlier start has left it, or started, imported and filled anew.
 * @param {Manifest} manifest
 * @param {string} text
 * @param {PartLoader} loader
 * @param {Progress} progress
 * @param {Promise<Bytes | null>} finding
 * @param {Kept | null} kept
 * @returns {Promise<{python: Python, restored: boolean}>}
 */
function startPython(manifest, text, loader, progress, finding, kept) {
  const { parts, runtime } = manifest;
  const folder = loader.resolve(runtime.pyodide);
  const code = parts.filter(({ role }) => role === "pyodide");
  watchResources(new Map(code.map((part) => [loader.url(part), part])), progress);
  /** @type {Map<string, Promise<Bytes>>} */
  const own = new Map();
  const stdlib = `${folder}python_stdlib.zip`; // As Pyodide asks for it.
  const broken = guardLoading(`${folder}pyodide.asm.wasm`, own);
  const importing = importPyodide(folder);
  importing.catch(() => {}); // Told where it is awaited.
  return Promise.race([broken, start()]);

  async function start() {
    const bytes = await finding;
    if (bytes) {
      try {
        const snapshot = readSnapshot(bytes);
        own.set(stdlib, Promise.resolve(snapshot.files.get(STDLIB) ?? new Uint8Array()));
        const python = await timed("python", async () => Python.restore(await importing, snapshot));
        own.clear(); // Nothing holds the snapshot any more.
        return { python, restored: true };
      } catch {
        await kept?.drop();
      }
    }
    const files = fetchFiles(parts, loader);
    own.set(stdlib, files.then((found) => found.get("python_stdlib.zip") ?? new Uint8Array()));
    const starting = timed("python", async () => Python.start(await importing, files, text));
    // A file of ours that cannot be had explains what Python says about it.
    const [python] = await Promise.all([starting, fillIndex(initialIndexParts(manifest), loader, starting), files]);
    return { python, restored: false };
  }
}

/**
 * Begin to fetch and verify what Python reads ourselves. Modules and WebAssembly are left to the browser, which
 * compiles while it downloads and keeps the compiled code.
 * @param {Part[]} parts
 * @param {PartLoader} loader
 * @returns {Promise<Map<string, Bytes>>}
 */
async function fetchFiles(parts, loader) {
  const part = parts.find(({ role }) => role === "package");
  if (!part) throw incomplete("what Python reads");
  return unpack(await loader.fetchVerified(part), loader.url(part));
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
