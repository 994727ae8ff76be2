/**
 * @file Starts Pyodide and speaks to `latefind.bridge`. Values cross as plain numbers, strings, JSON and
 * byte buffers, so no Python proxy outlives a call but the bridge's functions themselves.
 */

import { LatefindError, describe, fromWire } from "./protocol.js";
import { importModule } from "./runtime.js";
import { SITE, placeFile, prepareModule, takeSnapshot } from "./snapshot.js";
import { timed } from "./stages.js";

/** @typedef {import("./protocol.js").WireError} WireError */
/** @typedef {import("./protocol.js").Found} Found */
/** @typedef {import("./protocol.js").Scored} Scored */
/** @typedef {import("pyodide").PyodideAPI} PyodideAPI */
/** @typedef {typeof import("pyodide")} PyodideModule */
/** @typedef {NonNullable<import("pyodide").PyodideConfig["createPyodideModule"]>} CreateModule */
/** @typedef {import("./snapshot.js").Snapshot} Snapshot */
/** @typedef {import("./snapshot.js").Module} Module */
/** @typedef {import("./parts.js").Bytes} Bytes */

/**
 * Pyodide's two modules, imported: what starts it and what makes its memory.
 * @typedef {object} Pyodide
 * @property {string} folder  URL of its files
 * @property {PyodideModule["loadPyodide"]} load
 * @property {CreateModule} create
 */

/** @typedef {{ids: number[], mask: number[], scored: boolean[]}} Plan */
/** @typedef {import("./protocol.js").Highlighted} Highlighted */

/** @typedef {{plan: Plan, vectors: Float32Array}} Encoded  one row of vectors a token of the plan */

/**
 * @typedef {object} SearchOptions
 * @property {string} text
 * @property {number} limit
 * @property {Record<string, string[]>} filters
 * @property {number[]} candidates
 */

/**
 * @typedef {object} SearchAnswer
 * @property {Found["results"]} results
 * @property {Found["scores"]} scores
 * @property {Found["others"]} others
 * @property {Found["ranking"]} ranking
 * @property {number} total
 * @property {string[]} missing  shards that the query wanted and that are not in memory
 * @property {{candidates: number, rerank: number}} timings
 */

/** @typedef {{ranked: Scored[], unknown: string[]}} RankAnswer */

/**
 * The functions of `py/latefind/bridge.py`; each returns JSON, `{"error": WireError}` where it refuses.
 * @typedef {object} Bridge
 * @property {(manifest: string) => string} boot
 * @property {(path: string, data: Uint8Array) => string} add_part
 * @property {(text: string) => string} plan
 * @property {(vectors: Uint8Array, scored: string, candidates: string) => string} needs
 * @property {(vectors: Uint8Array, scored: string, options: string) => string} search
 * @property {(vectors: Uint8Array, scored: string, number: number) => string} plan_passage
 * @property {(vectors: Uint8Array, scored: string, text: string, number: number,
 *   passage: Uint8Array, passageScored: string) => string} highlight
 * @property {(names: string) => string} rank_needs
 * @property {(vectors: Uint8Array, scored: string, names: string) => string} rank
 */

/** Of what Python reads: its lock file, which says which Pyodide it is for, and where packages are. */
const LOCK = "pyodide-lock.json";
const PACKAGES = "site-packages/";

/** Where the lock file is in Python's files, and so in a snapshot. */
const KEPT_LOCK = `${SITE}/${LOCK}`;

/** Lines of Python's stderr that an error carries as its detail. */
const KEPT_LINES = 40;

export class Python {
  #pyodide;
  #bridge;

  /**
   * @param {PyodideAPI} pyodide
   * @param {Bridge} bridge
   */
  constructor(pyodide, bridge) {
    this.#pyodide = pyodide;
    this.#bridge = bridge;
  }

  /**
   * @param {Pyodide} runtime
   * @param {Promise<Map<string, Bytes>>} files  what Python reads, fetched and verified meanwhile
   * @param {string} manifest  text of manifest.json
   * @returns {Promise<Python>}
   */
  static async start(runtime, files, manifest) {
    // Some of JavaScript's objects are wrapped then, so that a snapshot can name them.
    const lock = files.then((found) => textOf(found.get(LOCK)));
    const pyodide = await timed("pyodide", () => loadPyodide(runtime, lock, { _makeSnapshot: true }));
    const log = keepLog(pyodide);
    // Not `loadPackage`: that imports a resolver and reads metadata for what we know already.
    await timed("packages", async () => install(pyodide, await files));
    const python = new Python(pyodide, await timed("import", () => importBridge(pyodide, log)));
    answer(python.#bridge.boot(manifest));
    return python;
  }

  /**
   * Start where the snapshot of another start was taken, the index included.
   * @param {Pyodide} runtime
   * @param {Snapshot} snapshot
   * @returns {Promise<Python>}
   */
  static async restore(runtime, snapshot) {
    const create = async (/** @type {any} */ settings) => {
      const module = await runtime.create(settings);
      await prepareModule(/** @type {Module} */ (/** @type {unknown} */ (module)), snapshot);
      return module;
    };
    const lock = Promise.resolve(textOf(snapshot.files.get(KEPT_LOCK)));
    const options = { _loadSnapshot: new Uint8Array(), createPyodideModule: create };
    const pyodide = await timed("restore", () => loadPyodide(runtime, lock, options));
    return new Python(pyodide, importBridge(pyodide, keepLog(pyodide)));
  }

  /** @returns {Uint8Array<ArrayBuffer>[]} the pieces of a snapshot for {@link restore} */
  snapshot() {
    return takeSnapshot(this.#pyodide);
  }

  /**
   * @param {string} path
   * @param {Uint8Array} data
   * @returns {boolean} whether all parts are in that must be there before the first query
   */
  addPart(path, data) {
    return /** @type {{ready: boolean}} */ (answer(this.#bridge.add_part(path, data))).ready;
  }

  /**
   * @param {string} text
   * @returns {Plan}
   */
  plan(text) {
    return /** @type {Plan} */ (answer(this.#bridge.plan(text)));
  }

  /**
   * @param {Float32Array} vectors  one row a token of the plan
   * @param {Plan} plan
   * @param {number[]} candidates
   * @returns {string[]} paths of the shards that the query wants and that are not in memory
   */
  needs(vectors, plan, candidates) {
    const reply = this.#bridge.needs(bytesOf(vectors), JSON.stringify(plan.scored), JSON.stringify(candidates));
    return partsOf(reply);
  }

  /**
   * @param {Float32Array} vectors
   * @param {Plan} plan
   * @param {SearchOptions} options
   * @returns {SearchAnswer}
   */
  search(vectors, plan, options) {
    const reply = this.#bridge.search(bytesOf(vectors), JSON.stringify(plan.scored), JSON.stringify(options));
    return /** @type {SearchAnswer} */ (answer(reply));
  }

  /**
   * @param {Encoded} query
   * @param {number} number  of a section
   * @returns {Plan | null} what to encode before {@link highlight}; nothing, or nothing any more
   */
  planPassage({ plan, vectors }, number) {
    const reply = this.#bridge.plan_passage(bytesOf(vectors), JSON.stringify(plan.scored), number);
    return /** @type {{plan: Plan | null}} */ (answer(reply)).plan;
  }

  /**
   * @param {Encoded} query
   * @param {string} text
   * @param {number} number
   * @param {Encoded | null} passage  of {@link planPassage}, called just before
   * @returns {Highlighted | null} `null` where the section is not in memory or has no vectors
   */
  highlight({ plan, vectors }, text, number, passage) {
    const bytes = passage ? bytesOf(passage.vectors) : new Uint8Array();
    const counted = JSON.stringify(passage?.plan.scored ?? []);
    const scored = JSON.stringify(plan.scored);
    const reply = this.#bridge.highlight(bytesOf(vectors), scored, text, number, bytes, counted);
    return /** @type {{highlighted: Highlighted | null}} */ (answer(reply)).highlighted;
  }

  /**
   * @param {string[][]} names  for each section the names that it may have
   * @returns {string[]} paths of the parts that ranking them wants next; none once all are in memory
   */
  rankNeeds(names) {
    return partsOf(this.#bridge.rank_needs(JSON.stringify(names)));
  }

  /**
   * @param {Float32Array} vectors
   * @param {Plan} plan
   * @param {string[][]} names
   * @returns {RankAnswer}
   */
  rank(vectors, plan, names) {
    const reply = this.#bridge.rank(bytesOf(vectors), JSON.stringify(plan.scored), JSON.stringify(names));
    return /** @type {RankAnswer} */ (answer(reply));
  }
}

/**
 * @param {string} folder  URL of Pyodide's files
 * @returns {Promise<Pyodide>}
 */
export async function importPyodide(folder) {
  // Importing the second module here, not inside Pyodide, lets it profit from importModule's fallback too.
  const [pyodide, compiled] = await Promise.all([
    importModule(`${folder}pyodide.mjs`),
    importModule(`${folder}pyodide.asm.mjs`),
  ]);
  const { loadPyodide: load } = /** @type {PyodideModule} */ (pyodide.module);
  const { default: create } = /** @type {{default: CreateModule}} */ (compiled.module);
  return { folder, load, create };
}

/**
 * @param {Pyodide} runtime
 * @param {Promise<string>} lock  text of its lock file
 * @param {import("pyodide").PyodideConfig} options
 * @returns {Promise<PyodideAPI>}
 */
function loadPyodide({ folder, load, create }, lock, options) {
  lock.catch(() => {}); // Told by whoever fetches the file that it is in.
  return load({ indexURL: folder, lockFileContents: lock, createPyodideModule: create, ...options });
}

/**
 * @param {PyodideAPI} pyodide
 * @param {Map<string, Bytes>} files
 */
function install({ FS: fs }, files) {
  for (const [path, data] of files) {
    if (path.startsWith(PACKAGES)) placeFile(fs, `${SITE}/${path}`, data);
  }
  placeFile(fs, KEPT_LOCK, files.get(LOCK) ?? new Uint8Array());
}

/** @param {Bytes} [bytes] */
function textOf(bytes) {
  return new TextDecoder().decode(bytes);
}

/**
 * @param {PyodideAPI} pyodide
 * @returns {string[]} the last lines that Python wrote, kept up to date
 */
function keepLog(pyodide) {
  /** @type {string[]} */
  const log = [];
  const keep = (/** @type {string} */ line) => void log.splice(0, Math.max(0, log.push(line) - KEPT_LINES));
  pyodide.setStderr({ batched: keep });
  pyodide.setStdout({ batched: keep });
  return log;
}

/**
 * @param {PyodideAPI} pyodide
 * @param {string[]} log
 * @returns {Bridge}
 */
function importBridge(pyodide, log) {
  try {
    return /** @type {Bridge} */ (pyodide.pyimport("latefind.bridge"));
  } catch (error) {
    throw LatefindError.expected(
      "runtime",
      "latefind.bridge",
      "packages that import",
      `"${describe(error)}"`,
      "Build the index again and upload the whole folder.",
      [...log, String(error)].join("\n"),
    );
  }
}

/**
 * @param {string} json
 * @returns {unknown}
 */
function answer(json) {
  const value = /** @type {{error?: WireError}} */ (JSON.parse(json));
  if (value.error) throw fromWire(value.error);
  return value;
}

/** @param {string} json */
function partsOf(json) {
  return /** @type {{parts: string[]}} */ (answer(json)).parts;
}

/** @param {Float32Array} vectors */
function bytesOf(vectors) {
  return new Uint8Array(vectors.buffer, vectors.byteOffset, vectors.byteLength);
}
