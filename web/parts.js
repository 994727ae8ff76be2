/**
 * @file Fetches the parts of an index: bounded concurrency, progress, integrity, and errors that say which
 * file, what was expected and what came. Runs in the worker.
 */

import { checkStatus } from "./http.js";
import { LatefindError, describe } from "./protocol.js";

/** @typedef {import("./manifest.js").Part} Part */
/** @typedef {Uint8Array<ArrayBuffer>} Bytes */

/**
 * What hears how much of a part is there.
 * @typedef {{advance: (path: string, loaded: number) => void}} Counter
 */

/**
 * How patient and how greedy a loader is.
 * @typedef {object} Pace
 * @property {number} concurrency  downloads at a time
 * @property {number} silence      a download that brings no byte for this long (ms) has failed
 * @property {RequestPriority} priority  beside the other requests of the page, those of the word index above all
 */

/**
 * While everything starts. HTTP/1.1 allows six connections to a host: the WebAssembly of Pyodide and of
 * onnxruntime-web, whose start-up takes longest, has one each, the model has one, and one stays free for the
 * words that somebody types.
 * @type {Pace}
 */
const STARTING = { concurrency: 2, silence: 60_000, priority: "low" };

/**
 * While somebody waits for an answer: all shards of a query at once, and not long for one that does not come.
 * @type {Pace}
 */
export const ANSWERING = { concurrency: 6, silence: 20_000, priority: "auto" };

/** The browser's own, taken before runtime.js wraps it for Pyodide. */
const browserFetch = self.fetch.bind(self);

/** Progress reports at most every so many ms. */
const REPORT_INTERVAL = 100;

/** Counts the bytes of all parts and reports them: never more than the total, never falling. */
export class Progress {
  /** @type {Map<string, number>} */
  #loaded = new Map();
  /** @type {Map<string, Part>} */
  #parts;
  #sum = 0;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #timer;
  #report;

  /**
   * @param {Part[]} parts
   * @param {(loaded: number, total: number) => void} report
   */
  constructor(parts, report) {
    this.#parts = new Map(parts.map((part) => [part.path, part]));
    this.total = parts.reduce((sum, part) => sum + part.bytes, 0);
    this.#report = report;
  }

  /**
   * @param {string} path
   * @param {number} loaded  bytes of this part so far; a second attempt never counts back
   */
  advance(path, loaded) {
    const before = this.#loaded.get(path) ?? 0;
    const now = Math.min(loaded, this.#parts.get(path)?.bytes ?? 0);
    if (now <= before) return;
    this.#loaded.set(path, now);
    this.#sum += now - before;
    this.#timer ??= setTimeout(() => this.flush(), REPORT_INTERVAL);
  }

  /**
   * Count parts as complete.
   * @param {Part[]} parts
   */
  complete(parts) {
    for (const part of parts) this.advance(part.path, part.bytes);
  }

  /** Report now. */
  flush() {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#report(this.#sum, this.total);
  }
}

/** Fetches parts, a few at a time, in the order in which they are asked for. */
export class PartLoader {
  #running = 0;
  /** @type {(() => void)[]} */
  #waiting = [];
  /**
   * Paths of parts that once could not be had.
   * @type {Set<string>}
   */
  #failed = new Set();
  #manifestUrl;
  #progress;
  #pace;

  /**
   * @param {string} manifestUrl
   * @param {Counter | null} progress  where the bytes count, if they do
   * @param {Pace} [pace]
   */
  constructor(manifestUrl, progress, pace = STARTING) {
    this.#manifestUrl = manifestUrl;
    this.#progress = progress;
    this.#pace = pace;
  }

  /**
   * @param {Part} part
   * @returns {string}
   */
  url(part) {
    return this.resolve(part.path);
  }

  /**
   * @param {string} path  relative to the manifest
   * @returns {string}
   */
  resolve(path) {
    return new URL(path, this.#manifestUrl).href;
  }

  /**
   * Fetch a part and check its SHA-256.
   * @param {Part} part
   * @returns {Promise<Bytes>}
   */
  fetchVerified(part) {
    return this.#fetchTwice(part, async (bytes) => {
      await this.#verify(part, bytes);
      return bytes;
    });
  }

  /**
   * Fetch a part and hand it to `accept`, which does the verifying: it throws an `integrity` error where the
   * bytes are not those of the manifest.
   * @param {Part} part
   * @param {(bytes: Bytes) => Promise<void>} accept
   * @param {AbortSignal} [signal]
   * @returns {Promise<void>}
   */
  fetchInto(part, accept, signal) {
    return this.#fetchTwice(part, accept, signal);
  }

  /**
   * Wrong bytes are most often an old or damaged copy in a cache: ask once more, past it. So may be a refusal:
   * some hosts let browsers keep those too, so what failed before is asked for past the caches at once.
   * @template T
   * @param {Part} part
   * @param {(bytes: Bytes) => Promise<T>} accept
   * @param {AbortSignal} [signal]
   * @returns {Promise<T>}
   */
  async #fetchTwice(part, accept, signal) {
    const first = this.#failed.has(part.path) ? "reload" : "default";
    try {
      return await accept(await this.#inTurn(() => this.#download(part, first, signal)));
    } catch (error) {
      if (!(error instanceof LatefindError)) throw error;
      this.#failed.add(part.path);
      if (error.code !== "integrity") throw error;
      return await accept(await this.#inTurn(() => this.#download(part, "reload", signal)));
    }
  }

  /**
   * @template T
   * @param {() => Promise<T>} work
   * @returns {Promise<T>}
   */
  async #inTurn(work) {
    if (this.#running >= this.#pace.concurrency) {
      await new Promise((/** @type {(value: void) => void} */ resolve) => this.#waiting.push(resolve));
    }
    this.#running += 1;
    try {
      return await work();
    } finally {
      this.#running -= 1;
      this.#waiting.shift()?.();
    }
  }

  /**
   * @param {Part} part
   * @param {RequestCache} cache
   * @param {AbortSignal} [signal]
   * @returns {Promise<Bytes>}
   */
  async #download(part, cache, signal) {
    signal?.throwIfAborted();
    const { silence, priority } = this.#pace;
    const url = this.url(part);
    const bytes = new Uint8Array(part.bytes);
    const watch = new AbortController();
    const stop = () => watch.abort(signal?.reason);
    const timeout = () => watch.abort(new Error(`nothing more for ${silence / 1000} seconds`));
    signal?.addEventListener("abort", stop, { once: true });
    let timer = setTimeout(timeout, silence);
    let got = 0;
    try {
      const options = { cache, priority, signal: watch.signal, ...subresourceIntegrity(part) };
      const response = await browserFetch(url, options);
      checkStatus(response, url);
      const reader = readerOf(response);
      for (let chunk = await reader.read(); !chunk.done; chunk = await reader.read()) {
        clearTimeout(timer);
        timer = setTimeout(timeout, silence);
        if (got + chunk.value.length <= bytes.length) bytes.set(chunk.value, got);
        got += chunk.value.length;
        this.#progress?.advance(part.path, got);
      }
    } catch (error) {
      signal?.throwIfAborted();
      throw error instanceof LatefindError ? error : interrupted(url, part, got, error);
    } finally {
      clearTimeout(timer);
      signal?.removeEventListener("abort", stop);
    }
    if (got !== part.bytes) {
      throw LatefindError.expected(
        "integrity",
        url,
        `${part.bytes} bytes`,
        `${got}`,
        "Upload the file again, or build the index again.",
      );
    }
    return bytes;
  }

  /**
   * @param {Part} part
   * @param {Bytes} bytes
   */
  async #verify(part, bytes) {
    if (!self.isSecureContext) return; // Then the browser has checked it: subresourceIntegrity.
    const found = toHex(await crypto.subtle.digest("SHA-256", bytes));
    if (found === part.sha256) return;
    throw LatefindError.expected(
      "integrity",
      this.url(part),
      `SHA-256 ${part.sha256.slice(0, 12)}…`,
      `${found.slice(0, 12)}…`,
      "Upload the file again, or build the index again.",
    );
  }
}

/** @param {Response} response */
function readerOf(response) {
  return (response.body ?? new ReadableStream({ start: (controller) => controller.close() })).getReader();
}

/**
 * `crypto.subtle` is missing on plain HTTP (except localhost); there the browser itself can check a part,
 * though it then says no more than that the fetch failed.
 * @param {Part} part
 * @returns {RequestInit}
 */
function subresourceIntegrity(part) {
  if (self.isSecureContext) return {};
  const bytes = part.sha256.match(/../g)?.map((pair) => String.fromCharCode(parseInt(pair, 16))) ?? [];
  return { integrity: `sha256-${btoa(bytes.join(""))}` };
}

/**
 * @param {string} url
 * @param {Part} part
 * @param {number} got
 * @param {unknown} error
 */
function interrupted(url, part, got, error) {
  const advice = "Check the connection and the file on the server, then try again.";
  const told = `${got}, then "${describe(error)}"`;
  if (self.isSecureContext || got) {
    return LatefindError.expected("network", url, `${part.bytes} bytes`, told, advice, String(error));
  }
  // Checked by the browser, a wrong hash looks like this too, and deserves the second attempt.
  const expected = `${part.bytes} bytes with SHA-256 ${part.sha256.slice(0, 12)}…`;
  return LatefindError.expected("integrity", url, expected, told, advice, String(error));
}

/** @param {ArrayBuffer} buffer */
function toHex(buffer) {
  return Array.from(new Uint8Array(buffer), (byte) => byte.toString(16).padStart(2, "0")).join("");
}
