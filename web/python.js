/**
 * @file Starts Pyodide and speaks to `latefind.bridge`. Values cross as plain numbers, strings, JSON and
 * byte buffers, so no Python proxy outlives a call but the bridge's functions themselves.
 */

import { LatefindError, describe, fromWire } from "./protocol.js";
import { importModule } from "./runtime.js";
import { timed } from "./stages.js";

/** @typedef {import("./protocol.js").WireError} WireError */
/** @typedef {import("./protocol.js").Found} Found */
/** @typedef {import("./protocol.js").Scored} Scored */
/** @typedef {import("pyodide").PyodideAPI} PyodideAPI */
/** @typedef {typeof import("pyodide")} PyodideModule */

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

/** Lines of Python's stderr that an error carries as its detail. */
const KEPT_LINES = 40;

export class Python {
  #bridge;

  /** @param {Bridge} bridge */
  constructor(bridge) {
    this.#bridge = bridge;
  }

  /**
   * @param {string} folder  URL of Pyodide's files
   * @param {Promise<Uint8Array[]>} wheels  what to install, fetched and verified meanwhile
   * @param {string} manifest  text of manifest.json
   * @returns {Promise<Python>}
   */
  static async start(folder, wheels, manifest) {
    const pyodide = await timed("pyodide", () => loadPyodide(folder));
    /** @type {string[]} */
    const log = [];
    const keep = (/** @type {string} */ line) => void log.splice(0, Math.max(0, log.push(line) - KEPT_LINES));
    pyodide.setStderr({ batched: keep });
    pyodide.setStdout({ batched: keep });
    const archives = await wheels;
    // Not `loadPackage`: that imports a resolver and reads metadata for what we know already.
    await timed("packages", () => archives.forEach((archive) => pyodide.unpackArchive(archive, "wheel")));
    const python = new Python(await timed("import", () => importBridge(pyodide, log)));
    answer(python.#bridge.boot(manifest));
    return python;
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
 * @param {string} folder
 * @returns {Promise<PyodideAPI>}
 */
async function loadPyodide(folder) {
  // Importing the second module here, not inside Pyodide, lets it profit from importModule's fallback too.
  const [pyodide, compiled] = await Promise.all([
    importModule(`${folder}pyodide.mjs`),
    importModule(`${folder}pyodide.asm.mjs`),
  ]);
  const { loadPyodide: load } = /** @type {PyodideModule} */ (pyodide.module);
  const { default: createPyodideModule } =
    /** @type {{default: NonNullable<import("pyodide").PyodideConfig["createPyodideModule"]>}} */ (compiled.module);
  return load({ indexURL: folder, lockFileURL: `${folder}pyodide-lock.json`, createPyodideModule });
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
