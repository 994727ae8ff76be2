/**
 * @file Fetches parts of a large index while requests wait for them. A part that two requests want is
 * fetched once; one that nobody wants any more gives way to those that somebody does; one that failed is
 * tried again when it is next wanted. Runs in the worker.
 */

import { LatefindError } from "./protocol.js";

/** @typedef {import("./manifest.js").Part} Part */
/** @typedef {import("./parts.js").PartLoader} PartLoader */

/** @typedef {() => boolean} IsWanted  whether a request still wants its answer */

/**
 * A part on its way, and the requests that asked for it.
 * @typedef {object} Download
 * @property {Promise<void>} done
 * @property {AbortController} controller
 * @property {IsWanted[]} claims
 */

export class Shards {
  /** @type {Map<string, Download>} */
  #running = new Map();
  /** @type {Map<string, Part>} */
  #parts;
  #loader;
  #add;

  /**
   * @param {Part[]} parts
   * @param {PartLoader} loader
   * @param {(path: string, bytes: Uint8Array) => void} add  verifies the bytes and takes them
   */
  constructor(parts, loader, add) {
    this.#parts = new Map(parts.map((part) => [part.path, part]));
    this.#loader = loader;
    this.#add = add;
  }

  /**
   * Fetch parts, all at the same time.
   * @param {string[]} paths
   * @param {IsWanted} isWanted
   * @returns {Promise<Map<string, LatefindError>>} why parts could not be had, by path; empty if all could
   */
  async load(paths, isWanted) {
    this.#dropUnwanted(paths);
    /** @type {Map<string, LatefindError>} */
    const failed = new Map();
    const load = async (/** @type {string} */ path) => {
      try {
        await this.#fetch(path, isWanted);
      } catch (error) {
        if (!(error instanceof LatefindError)) throw error;
        failed.set(path, error);
      }
    };
    await Promise.all(paths.map(load));
    return failed;
  }

  /**
   * Stop what only abandoned requests asked for. Not before the next request says what it wants: that is
   * mostly the same, since it is the same question with a few more letters.
   * @param {string[]} paths  of that next request
   */
  #dropUnwanted(paths) {
    for (const [path, { controller, claims }] of this.#running) {
      if (paths.includes(path) || claims.some((isWanted) => isWanted())) continue;
      this.#running.delete(path);
      controller.abort();
    }
  }

  /**
   * @param {string} path
   * @param {IsWanted} isWanted
   * @returns {Promise<void>}
   */
  #fetch(path, isWanted) {
    const running = this.#running.get(path);
    if (running) {
      running.claims.push(isWanted);
      return running.done;
    }
    const part = this.#parts.get(path);
    if (!part) throw LatefindError.expected("internal", path, "a part of the manifest", "another", "Please report it.");
    const controller = new AbortController();
    const add = async (/** @type {Uint8Array} */ bytes) => this.#add(path, bytes);
    const download = { done: this.#loader.fetchInto(part, add, controller.signal), controller, claims: [isWanted] };
    this.#running.set(path, download);
    const forget = () => {
      if (this.#running.get(path) === download) this.#running.delete(path);
    };
    download.done.then(forget, forget);
    return download.done;
  }
}
