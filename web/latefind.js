/**
 * @file The public API: `createSearch`. It reads the manifest, starts a worker when semantic search is first
 * wanted, and passes requests to it. See `docs/javascript-api.md`.
 */

import { checkStatus, unreachable } from "./http.js";
import { initialParts, parseManifest } from "./manifest.js";
import { namesOf, wellFormed } from "./names.js";
import { LatefindError, describe, fromWire, toWire } from "./protocol.js";

export { LatefindError };

/** @typedef {import("./protocol.js").Report} Report */
/** @typedef {import("./protocol.js").FoundReport} FoundReport */
/** @typedef {import("./protocol.js").RankedReport} RankedReport */
/** @typedef {import("./protocol.js").Found} Found */
/** @typedef {import("./protocol.js").Ranked} Ranked */
/** @typedef {import("./protocol.js").Result} Result */
/** @typedef {import("./protocol.js").Timings} Timings */
/** @typedef {import("./protocol.js").QueryRequest} QueryRequest */
/** @typedef {import("./protocol.js").RankRequest} RankRequest */
/** @typedef {Omit<QueryRequest, "id"> | Omit<RankRequest, "id">} Wish */
/** @typedef {import("./manifest.js").Manifest} Manifest */

/**
 * @typedef {object} Status
 * @property {"unavailable"} lexical  this version has no lexical tier yet
 * @property {"idle" | "loading" | "ready" | "failed"} semantic
 * @property {number} bytesLoaded     never falls while loading
 * @property {number} bytesTotal      of everything that is loaded before the first answer, uncompressed
 * @property {LatefindError | null} error  why `semantic` is "failed"
 */

/**
 * @typedef {object} QueryOptions
 * @property {number} [limit]  most results, from 1 on; 10 unless told
 * @property {"hybrid" | "semantic" | "lexical"} [mode]  "hybrid" (the default) answers with what works
 * @property {Record<string, string | string[]>} [filters]  for each facet the values that may pass
 * @property {AbortSignal} [signal]  aborts this query alone
 */

/** @typedef {Found & {query: string, mode: "semantic"}} Answer */

/**
 * @template T
 * @typedef {{resolve: (value: T) => void, reject: (error: unknown) => void}} Waiting
 */

/**
 * Loading has stalled when nothing was heard for this long (ms) beyond the time that the bytes still missing
 * take on the slowest connection we plan for; files that the browser fetches for Pyodide and onnxruntime-web
 * report only when they are complete.
 */
const SILENCE = 120_000;

/** What an answer to no question has of what a combined order would need. */
const NOTHING = { scores: [], others: [], ranking: [] };

/** Bytes per ms of that connection, about 0.25 Mbit/s. */
const SLOWEST = 32;

/**
 * Open the index of a site. Resolves once its manifest is read and checked; nothing else is loaded yet.
 * @param {{base?: string | URL}} [options]  `base`: URL of the latefind folder; by default this module's own
 * @returns {Promise<Search>}
 * @throws {LatefindError} `network`, `format` or `version`
 */
export async function createSearch({ base = new URL(".", import.meta.url) } = {}) {
  const folder = new URL(base, document.baseURI);
  if (!folder.pathname.endsWith("/")) folder.pathname += "/";
  const manifestUrl = new URL("manifest.json", folder).href;
  return new Search(manifestUrl, await fetchManifest(manifestUrl));
}

/** An open index. Dispatches "status" whenever {@link Search.status} changes. */
export class Search extends EventTarget {
  /** @type {Worker | undefined} */
  #worker;
  /** @type {Promise<void> | undefined} */
  #loading;
  /** @type {Waiting<void> | undefined} */
  #boot;
  /** @type {Map<number, Waiting<FoundReport | RankedReport>>} */
  #waiting = new Map();
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #stall;
  /** @type {string | undefined} */
  #manifest;
  /** @type {Status} */
  #status;
  #manifestUrl;
  #siteUrl;
  #lastId = 0;
  #closed = false;

  /**
   * @param {string} manifestUrl
   * @param {{text: string, manifest: Manifest}} fetched
   */
  constructor(manifestUrl, { text, manifest }) {
    super();
    this.#manifestUrl = manifestUrl;
    this.#manifest = text;
    this.#siteUrl = new URL(manifest.base, manifestUrl).href;
    const bytesTotal = initialParts(manifest).reduce((sum, part) => sum + part.bytes, 0);
    this.#status = { lexical: "unavailable", semantic: "idle", bytesLoaded: 0, bytesTotal, error: null };
  }

  /** @returns {Readonly<Status>} */
  get status() {
    return this.#status;
  }

  /**
   * Load what semantic search needs: once, however often it is called; afresh after a failure.
   * @returns {Promise<void>}
   */
  loadSemantic() {
    if (this.#closed) return Promise.reject(closedError());
    this.#loading ??= this.#load();
    return this.#loading;
  }

  /**
   * @param {string} text
   * @param {QueryOptions} [options]
   * @returns {Promise<Answer>}
   * @throws {LatefindError | DOMException} a DOMException "AbortError" where `signal` aborts
   */
  async query(text, { limit = 10, mode = "hybrid", filters = {}, signal } = {}) {
    signal?.throwIfAborted();
    checkOptions(limit, mode);
    const query = wellFormed(text);
    if (!query.trim()) {
      const timings = { tokenize: 0, encode: 0, candidates: 0, rerank: 0, fetch: 0, total: 0 };
      return { query: text, mode: "semantic", results: [], timings, total: 0, warnings: [], ...NOTHING };
    }
    const lists = Object.entries(filters).map(([key, values]) => [key, [values].flat()]);
    const report = await this.#ask({ type: "query", text: query, limit, filters: Object.fromEntries(lists) }, signal);
    if (report.type !== "found") throw unexpected(report);
    return { query: text, mode: "semantic", ...report.found };
  }

  /**
   * Order sections by MaxSim alone.
   * @param {string} text
   * @param {string[]} idsOrUrls  URLs as in results, or relative to the site or the page's origin
   * @returns {Promise<Ranked[]>} best first, `id` as given; at the end those that the index does not hold
   * @throws {LatefindError} also where a section's shard cannot be had: an order needs all scores
   */
  async rank(text, idsOrUrls) {
    const names = idsOrUrls.map((name) => namesOf(name, this.#siteUrl));
    const report = await this.#ask({ type: "rank", text: wellFormed(text), names });
    if (report.type !== "ranked") throw unexpected(report);
    return report.ranked;
  }

  /** Stop the worker and free its memory; whoever waits is refused with code "closed". */
  close() {
    this.#closed = true;
    this.#stop(closedError());
    this.#set({ semantic: "idle", bytesLoaded: 0, error: null });
  }

  async #load() {
    this.#set({ semantic: "loading", bytesLoaded: 0, error: null });
    try {
      // After a failure the manifest is read again: the site may have been published anew meanwhile.
      const text = this.#manifest ?? (await fetchManifest(this.#manifestUrl)).text;
      this.#manifest = undefined;
      if (this.#closed) throw closedError();
      await this.#startWorker(text);
    } catch (error) {
      if (!this.#closed) this.#giveUp(error);
      throw this.#status.error ?? error;
    }
    this.#set({ semantic: "ready", bytesLoaded: this.#status.bytesTotal });
  }

  /**
   * @param {string} manifest
   * @returns {Promise<void>}
   */
  #startWorker(manifest) {
    return new Promise((resolve, reject) => {
      this.#boot = { resolve, reject };
      const worker = openWorker();
      this.#worker = worker;
      worker.addEventListener("message", ({ data }) => this.#receive(data));
      worker.addEventListener("error", (event) => this.#fail(workerError(event)));
      worker.addEventListener("messageerror", (event) => this.#fail(workerError(event)));
      this.#watch();
      worker.postMessage({ type: "boot", manifestUrl: this.#manifestUrl, manifest });
    });
  }

  /**
   * Send a request once the worker is ready.
   * @param {Wish} wish
   * @param {AbortSignal} [signal]
   * @returns {Promise<FoundReport | RankedReport>}
   */
  async #ask(wish, signal) {
    await untilAborted(this.loadSemantic(), signal);
    const id = (this.#lastId += 1);
    const cancel = () => {
      this.#worker?.postMessage({ type: "cancel", id });
      this.#waiting.get(id)?.reject(signal?.reason);
    };
    signal?.addEventListener("abort", cancel, { once: true });
    try {
      return await new Promise((resolve, reject) => {
        if (!this.#worker) throw closedError();
        this.#waiting.set(id, { resolve, reject });
        this.#worker.postMessage({ ...wish, id });
      });
    } finally {
      signal?.removeEventListener("abort", cancel);
      this.#waiting.delete(id);
    }
  }

  /** @param {Report} report */
  #receive(report) {
    switch (report.type) {
      case "progress":
        this.#watch();
        this.#set({ bytesLoaded: report.bytesLoaded, bytesTotal: report.bytesTotal });
        break;
      case "ready":
        clearTimeout(this.#stall);
        this.#boot?.resolve();
        this.#boot = undefined;
        break;
      case "failed":
        this.#fail(fromWire(report.error));
        break;
      case "refused":
        this.#waiting.get(report.id)?.reject(fromWire(report.error));
        break;
      case "highlight":
      case "highlighted":
        break; // Not asked for yet.
      default:
        this.#waiting.get(report.id)?.resolve(report);
    }
  }

  /** Start the time anew after which loading counts as stalled. */
  #watch() {
    clearTimeout(this.#stall);
    const { bytesLoaded, bytesTotal } = this.#status;
    const patience = SILENCE + (bytesTotal - bytesLoaded) / SLOWEST;
    this.#stall = setTimeout(() => this.#fail(stalledError(this.#status)), patience);
  }

  /**
   * The worker failed: while it starts that is for `#load` to handle.
   * @param {LatefindError} error
   */
  #fail(error) {
    if (this.#boot) this.#boot.reject(error);
    else this.#giveUp(error);
  }

  /** @param {unknown} error */
  #giveUp(error) {
    const coded = error instanceof LatefindError ? error : fromWire(toWire(error));
    this.#stop(coded);
    this.#set({ semantic: "failed", error: coded });
  }

  /**
   * End the worker, refuse whoever waits, and let the next call load afresh.
   * @param {LatefindError} error
   */
  #stop(error) {
    clearTimeout(this.#stall);
    this.#worker?.terminate();
    this.#worker = undefined;
    this.#loading = undefined;
    this.#boot?.reject(error);
    this.#boot = undefined;
    for (const { reject } of this.#waiting.values()) reject(error);
  }

  /** @param {Partial<Status>} changes */
  #set(changes) {
    this.#status = { ...this.#status, ...changes };
    this.dispatchEvent(new Event("status"));
  }
}

/**
 * @param {string} url
 * @returns {Promise<{text: string, manifest: Manifest}>}
 */
async function fetchManifest(url) {
  const response = await fetch(url, { cache: "no-cache" }).catch((error) => {
    throw unreachable(url, "the manifest of an index", error);
  });
  checkStatus(response, url);
  const text = await response.text();
  return { text, manifest: parseManifest(text) };
}

function openWorker() {
  try {
    return new Worker(new URL("./worker.js", import.meta.url), { type: "module", name: "latefind" });
  } catch (error) {
    throw workerError(error);
  }
}

/** @param {unknown} reason  an exception, an ErrorEvent, or an event that tells nothing */
function workerError(reason) {
  const told = reason instanceof ErrorEvent ? reason.message : reason instanceof Event ? "" : describe(reason);
  const at = reason instanceof ErrorEvent && reason.filename ? `${reason.filename}:${reason.lineno}` : "";
  return LatefindError.expected(
    "worker-failed",
    new URL("./worker.js", import.meta.url).href,
    "a module worker that starts",
    told ? `"${told}"` : "an error without a reason",
    "Check that the file is there and served as text/javascript, that the Content-Security-Policy has " +
      "worker-src 'self', and that the browser is up to date.",
    at,
  );
}

/** @param {Report} report */
function unexpected({ type }) {
  return LatefindError.expected("internal", "worker", "the answer that was asked for", type, "Please report it.");
}

/** @param {Status} status */
function stalledError({ bytesLoaded, bytesTotal }) {
  return LatefindError.expected(
    "stalled",
    "loading",
    "progress",
    `none since ${bytesLoaded} of ${bytesTotal} bytes`,
    "Check the connection, then try again.",
  );
}

function closedError() {
  return LatefindError.expected("closed", "search", "an open search", "a closed one", "Call createSearch again.");
}

/**
 * @param {number} limit
 * @param {string} mode
 */
function checkOptions(limit, mode) {
  if (!Number.isInteger(limit) || limit < 1) {
    throw LatefindError.expected("usage", "limit", "an integer from 1 on", `${limit}`, "Leave it out for 10.");
  }
  if (mode === "lexical") {
    throw LatefindError.expected(
      "lexical-unavailable",
      "mode",
      '"hybrid" or "semantic"',
      '"lexical"',
      "This index has no lexical tier.",
    );
  }
  if (mode !== "hybrid" && mode !== "semantic") {
    throw LatefindError.expected("usage", "mode", '"hybrid" or "semantic"', JSON.stringify(mode), "Leave it out.");
  }
}

/**
 * @template T
 * @param {Promise<T>} promise
 * @param {AbortSignal} [signal]
 * @returns {Promise<T>} as `promise`, but rejects as soon as `signal` aborts
 */
function untilAborted(promise, signal) {
  return new Promise((resolve, reject) => {
    const abort = () => reject(signal?.reason);
    signal?.addEventListener("abort", abort, { once: true });
    promise.then(resolve, reject).finally(() => signal?.removeEventListener("abort", abort));
  });
}
