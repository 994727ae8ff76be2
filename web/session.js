/**
 * @file The life of the search worker: started when first wanted, watched while it loads, asked, ended when
 * nobody has asked for long, started again by the next question, and once more when it crashes. Speaks the
 * messages of `protocol.js`; `worker.js` is the other end.
 */

import { memoryError, ranOut } from "./memory.js";
import { LatefindError, describe, fromWire, toWire } from "./protocol.js";
import { Rest } from "./rest.js";
import { showStages } from "./stages.js";

/** @typedef {import("./protocol.js").Report} Report */
/** @typedef {import("./protocol.js").FoundReport} FoundReport */
/** @typedef {import("./protocol.js").RankedReport} RankedReport */
/** @typedef {import("./protocol.js").QueryRequest} QueryRequest */
/** @typedef {import("./protocol.js").RankRequest} RankRequest */
/** @typedef {import("./protocol.js").HighlightRequest} HighlightRequest */
/** @typedef {import("./protocol.js").HighlightedReport} HighlightedReport */
/** @typedef {import("./protocol.js").Highlighted} Highlighted */
/** @typedef {Omit<QueryRequest, "id"> | Omit<RankRequest, "id"> | Omit<HighlightRequest, "id">} Wish */
/** @typedef {FoundReport | RankedReport | HighlightedReport} Reply */

/**
 * What a session says of itself.
 * @typedef {object} SessionStatus
 * @property {"idle" | "loading" | "ready" | "failed"} semantic
 * @property {number} bytesLoaded
 * @property {number} bytesTotal
 * @property {LatefindError | null} error
 */

/**
 * How a worker is cared for.
 * @typedef {object} Care
 * @property {number} idle        how long (ms) it is kept without a question
 * @property {boolean} keepStart  whether the browser keeps Python's memory for a quicker start next time
 */

/**
 * @template T
 * @typedef {{resolve: (value: T) => void, reject: (error: unknown) => void}} Waiting
 */

/** @typedef {Waiting<Reply> & {wish: Wish, onHighlight: (highlight: Highlighted) => void}} Request */

/**
 * Loading has stalled when nothing was heard for this long (ms) beyond the time that the bytes still missing
 * take on the slowest connection we plan for; files that the browser fetches for Pyodide and onnxruntime-web
 * report only when they are complete.
 */
const SILENCE = 120_000;

/** Bytes per ms of that connection, about 0.25 Mbit/s. */
const SLOWEST = 32;

/** Crashes that are answered by a new worker; then the visitor is told. */
const RESTARTS = 1;

export class Session {
  /** @type {Worker | undefined} */
  #worker;
  /** The encoder's. @type {Worker | undefined} */
  #encoder;
  /** @type {Promise<void> | undefined} */
  #loading;
  /** @type {Waiting<void> | undefined} */
  #boot;
  /** Requests that wait for an answer, by id. @type {Map<number, Request>} */
  #waiting = new Map();
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #stall;
  /** @type {SessionStatus} */
  #status;
  #manifestUrl;
  #manifest;
  #tell;
  /** Why the worker was ended. @type {LatefindError | undefined} */
  #ended;
  #lastId = 0;
  #crashes = 0;
  #rest;
  #keepStart;
  /** Whether the worker was ended for want of questions: what it said of itself still holds. */
  #resting = false;

  /**
   * @param {string} manifestUrl
   * @param {string} manifest    its text
   * @param {number} bytesTotal  what it will load
   * @param {Care} care
   * @param {(changes: Partial<SessionStatus>) => void} tell  hears of every change
   */
  constructor(manifestUrl, manifest, bytesTotal, { idle, keepStart }, tell) {
    this.#manifestUrl = manifestUrl;
    this.#manifest = manifest;
    this.#status = { semantic: "idle", bytesLoaded: 0, bytesTotal, error: null };
    this.#tell = tell;
    this.#keepStart = keepStart;
    this.#rest = new Rest(idle, () => this.#sleep());
  }

  /** @returns {Readonly<SessionStatus>} */
  get status() {
    return this.#status;
  }

  /**
   * Start the worker: once, however often it is called; afresh after a failure.
   * @returns {Promise<void>}
   */
  start() {
    this.#loading ??= this.#load();
    return this.#loading;
  }

  /**
   * Send a request once the worker is ready.
   * @param {Wish} wish
   * @param {AbortSignal} [signal]
   * @param {(highlight: Highlighted) => void} [onHighlight]  hears the parts of an answer that comes in parts
   * @returns {Promise<Reply>}
   */
  async ask(wish, signal, onHighlight = () => {}) {
    signal?.throwIfAborted();
    await untilAborted(this.start(), signal);
    const id = (this.#lastId += 1);
    const cancel = () => {
      this.#worker?.postMessage({ type: "cancel", id });
      this.#waiting.get(id)?.reject(signal?.reason);
    };
    signal?.addEventListener("abort", cancel, { once: true });
    try {
      return await new Promise((resolve, reject) => {
        if (!this.#worker) throw this.#ended ?? closedError();
        this.#waiting.set(id, { wish, resolve, reject, onHighlight });
        this.#worker.postMessage({ ...wish, id });
        this.#rouse();
      });
    } finally {
      signal?.removeEventListener("abort", cancel);
      this.#waiting.delete(id);
      this.#rouse();
    }
  }

  /**
   * End the worker and refuse whoever waits; the next call may start it again.
   * @param {LatefindError} error
   */
  stop(error) {
    this.#end(error);
    this.#set({ semantic: "idle", bytesLoaded: 0, error: null });
  }

  /** Count the time without a question anew, where there is none and somebody to wait. */
  #rouse() {
    if (this.#worker && !this.#boot && !this.#waiting.size) this.#rest.wait();
    else this.#rest.stop();
  }

  /** Give the worker's memory back until the next question; what the status says stays true. */
  #sleep() {
    this.#terminate();
    this.#loading = undefined;
    this.#resting = true;
  }

  /** @param {LatefindError} error */
  #end(error) {
    clearTimeout(this.#stall);
    this.#rest.stop();
    this.#resting = false;
    this.#ended = error;
    this.#terminate();
    this.#loading = undefined;
    this.#boot?.reject(error);
    this.#boot = undefined;
    for (const { reject } of this.#waiting.values()) reject(error);
  }

  async #load() {
    if (!this.#resting) this.#set({ semantic: "loading", bytesLoaded: 0, error: null });
    try {
      await this.#startWorker();
    } catch (error) {
      // Stopped meanwhile: that is for whoever stopped it to tell.
      if (this.#status.semantic === "loading" || this.#resting) this.#giveUp(error);
      throw this.#status.error ?? error;
    }
    if (!this.#resting) this.#set({ semantic: "ready", bytesLoaded: this.#status.bytesTotal });
    this.#resting = false;
    for (const [id, { wish }] of this.#waiting) this.#worker?.postMessage({ ...wish, id });
    this.#rouse();
  }

  /** @returns {Promise<void>} */
  #startWorker() {
    return new Promise((resolve, reject) => {
      this.#boot = { resolve, reject };
      this.#worker = this.#open("worker.js");
      this.#encoder = this.#open("encoder-worker.js");
      this.#worker.addEventListener("message", ({ data }) => this.#receive(data));
      this.#watch();
      const { port1, port2 } = new MessageChannel();
      const files = { manifestUrl: this.#manifestUrl, manifest: this.#manifest };
      this.#encoder.postMessage({ ...files, port: port1 }, [port1]);
      this.#worker.postMessage({ type: "boot", ...files, encoder: port2, keepStart: this.#keepStart }, [port2]);
    });
  }

  /**
   * @param {string} name  of a worker's module
   * @returns {Worker}
   */
  #open(name) {
    const worker = openWorker(name);
    for (const type of ["error", "messageerror"]) {
      worker.addEventListener(type, (event) => this.#fail(workerError(name, event)));
    }
    return worker;
  }

  #terminate() {
    this.#worker?.terminate();
    this.#encoder?.terminate();
    this.#worker = this.#encoder = undefined;
  }

  /** @param {Report} report */
  #receive(report) {
    switch (report.type) {
      case "progress":
        this.#watch();
        if (!this.#resting) this.#set({ bytesLoaded: report.bytesLoaded, bytesTotal: report.bytesTotal });
        break;
      case "ready":
        clearTimeout(this.#stall);
        showStages(report.stages ?? []);
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
        this.#waiting.get(report.id)?.onHighlight(report.highlight);
        break;
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
   * The worker failed. While it starts, that is for `#load` to handle; later it is a crash.
   * @param {LatefindError} error
   */
  #fail(error) {
    if (this.#boot) {
      this.#boot.reject(error);
      this.#boot = undefined;
    } else if (this.#crashes < RESTARTS) {
      this.#crashes += 1;
      this.#terminate();
      this.#loading = this.#load(); // Who waits is asked for again once the new one is ready.
      this.#loading.catch(() => {}); // `#load` has told it, and refused who waits.
    } else {
      this.#giveUp(crashedError(error));
    }
  }

  /** @param {unknown} error */
  #giveUp(error) {
    const coded = explain(error);
    this.#end(coded);
    this.#set({ semantic: "failed", error: coded });
  }

  /** @param {Partial<SessionStatus>} changes */
  #set(changes) {
    this.#status = { ...this.#status, ...changes };
    this.#tell(changes);
  }
}

/** @param {string} name */
function openWorker(name) {
  try {
    return new Worker(new URL(name, import.meta.url), { type: "module", name: `latefind ${name}` });
  } catch (error) {
    throw workerError(name, error);
  }
}

/**
 * @param {unknown} error
 * @returns {LatefindError}
 */
function explain(error) {
  const coded = error instanceof LatefindError ? error : fromWire(toWire(error));
  const told = `${coded.message}\n${coded.detail}`;
  return ["internal", "crashed"].includes(coded.code) && ranOut(told) ? memoryError(told) : coded;
}

/** @param {LatefindError} error */
function crashedError({ message, detail }) {
  return LatefindError.expected(
    "crashed",
    "search worker",
    "a worker that keeps running",
    "a second crash",
    "Reload the page to try again.",
    `${message}\n${detail}`,
  );
}

/**
 * @param {string} name
 * @param {unknown} reason  an exception, an ErrorEvent, or an event that tells nothing
 */
function workerError(name, reason) {
  const told = reason instanceof ErrorEvent ? reason.message : reason instanceof Event ? "" : describe(reason);
  const at = reason instanceof ErrorEvent && reason.filename ? `${reason.filename}:${reason.lineno}` : "";
  return LatefindError.expected(
    "worker-failed",
    new URL(name, import.meta.url).href,
    "a module worker that starts",
    told ? `"${told}"` : "an error without a reason",
    "Check that the file is there and served as text/javascript, that the Content-Security-Policy has " +
      "worker-src 'self', and that the browser is up to date.",
    at,
  );
}

/** @param {SessionStatus} status */
function stalledError({ bytesLoaded, bytesTotal }) {
  return LatefindError.expected(
    "stalled",
    "loading",
    "progress",
    `none since ${bytesLoaded} of ${bytesTotal} bytes`,
    "Check the connection, then try again.",
  );
}

export function closedError() {
  return LatefindError.expected("closed", "search", "an open search", "a closed one", "Call createSearch again.");
}

/**
 * @template T
 * @param {Promise<T>} promise
 * @param {AbortSignal} [signal]
 * @returns {Promise<T>} as `promise`, but rejects as soon as `signal` aborts
 */
export function untilAborted(promise, signal) {
  return new Promise((resolve, reject) => {
    const abort = () => reject(signal?.reason);
    signal?.addEventListener("abort", abort, { once: true });
    promise.then(resolve, reject).finally(() => signal?.removeEventListener("abort", abort));
  });
}
