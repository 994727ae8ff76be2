/**
 * @file Fetches the files of the lexical index: a few at a time, each once however many searches want it,
 * unpacked from gzip, with errors that say which file, what was expected and what came. A file that failed is
 * asked for once more past the caches, and again by the next search that wants it. Knows nothing of what is
 * in the files; runs wherever `fetch` and `DecompressionStream` do.
 */

import { checkStatus, unreachable } from "./http.js";
import { LatefindError, describe } from "./protocol.js";

/** @typedef {Uint8Array<ArrayBuffer>} Bytes */

/**
 * What was transferred.
 * @typedef {object} Traffic
 * @property {number} requests
 * @property {number} bytes  as they came, compressed; headers not counted
 */

/**
 * A file that is kept, or on its way.
 * @typedef {object} Entry
 * @property {Promise<unknown>} content
 * @property {number} weight   bytes unpacked; 0 until it is there
 * @property {number} waiting  searches that wait for it
 */

/** HTTP/1.1 allows so many connections to a host. */
const CONCURRENCY = 6;

/** A download that brings no byte for this long (ms) has failed: somebody waits for it. */
const SILENCE = 20_000;

/** What is kept of unpacked files, in bytes. */
const KEPT = 48 * 2 ** 20;

/** No file of an index is as large as this, unpacked: what claims to be is not one. */
const LARGEST = 64 * 2 ** 20;

export class LexicalFiles {
  /** @type {Map<string, Entry>} */
  #entries = new Map();
  /** @type {(() => void)[]} */
  #queue = [];
  #running = 0;
  #base;

  /** Everything transferred so far. @type {Traffic} */
  traffic = { requests: 0, bytes: 0 };

  /** @param {string} base  URL that paths are relative to */
  constructor(base) {
    this.#base = base;
  }

  /**
   * Fetch a file and read it, unless that is done already.
   * @template T
   * @param {string} path
   * @param {(bytes: Bytes, url: string) => T | Promise<T>} read  throws where the bytes are not such a file
   * @param {AbortSignal} [signal]  ends the waiting; a download that has begun goes on, for the next search
   * @returns {Promise<T>}
   * @throws {LatefindError} `network` or `integrity`, or what `read` throws
   */
  async get(path, read, signal) {
    signal?.throwIfAborted();
    const entry = this.#entries.get(path) ?? this.#begin(path, read);
    // The most recently used file is the last to go.
    this.#entries.delete(path);
    this.#entries.set(path, entry);
    entry.waiting += 1;
    try {
      return /** @type {T} */ (await untilAborted(entry.content, signal));
    } finally {
      entry.waiting -= 1;
    }
  }

  /**
   * Read a file that came along with something else, in base64; fetch it where that is damaged.
   * @template T
   * @param {string} data
   * @param {string} path
   * @param {(bytes: Bytes, url: string) => T | Promise<T>} read
   * @param {AbortSignal} [signal]
   * @returns {Promise<T>}
   * @throws {LatefindError} as {@link get}
   */
  async getFrom(data, path, read, signal) {
    const url = new URL(path, this.#base).href;
    try {
      return await read(await gunzip(fromBase64(data, url), url), url);
    } catch (error) {
      if (!(error instanceof LatefindError) || error.code !== "integrity") throw error;
      return await this.get(path, read, signal);
    }
  }

  /**
   * @template T
   * @param {string} path
   * @param {(bytes: Bytes, url: string) => T | Promise<T>} read
   * @returns {Entry}
   */
  #begin(path, read) {
    /** @type {Entry} */
    const entry = { content: Promise.resolve(), weight: 0, waiting: 0 };
    const forget = () => {
      if (this.#entries.get(path) === entry) this.#entries.delete(path);
    };
    entry.content = this.#inTurn(() => this.#fetchTwice(path, entry, read)).catch((error) => {
      forget();
      throw error;
    });
    // Handles the rejection too, for searches that no longer wait.
    entry.content.then(() => this.#trim(), forget);
    return entry;
  }

  /**
   * What fails is most often an old or damaged copy in a cache, or a refusal that was kept: ask past them.
   * @template T
   * @param {string} path
   * @param {Entry} entry
   * @param {(bytes: Bytes, url: string) => T | Promise<T>} read
   * @returns {Promise<T>}
   */
  async #fetchTwice(path, entry, read) {
    const url = new URL(path, this.#base).href;
    const attempt = async (/** @type {RequestCache} */ cache) => {
      const stored = await this.#download(url, cache);
      await verify(stored, url);
      const bytes = await gunzip(stored, url);
      entry.weight = bytes.length;
      return await read(bytes, url);
    };
    // Nobody waits any more: the next search will ask for what it wants.
    if (!entry.waiting) throw new DOMException("no search waits for it", "AbortError");
    try {
      return await attempt("default");
    } catch (error) {
      if (!(error instanceof LatefindError)) throw error;
      return await attempt("reload");
    }
  }

  /**
   * @template T
   * @param {() => Promise<T>} work
   * @returns {Promise<T>}
   */
  async #inTurn(work) {
    // Not at once: `get` has to count itself among those who wait first.
    await Promise.resolve();
    if (this.#running >= CONCURRENCY) {
      await new Promise((/** @type {(value: void) => void} */ resolve) => this.#queue.push(resolve));
    }
    this.#running += 1;
    try {
      return await work();
    } finally {
      this.#running -= 1;
      this.#queue.shift()?.();
    }
  }

  /**
   * @param {string} url
   * @param {RequestCache} cache
   * @returns {Promise<Bytes>}
   */
  async #download(url, cache) {
    const watch = new AbortController();
    const giveUp = () => watch.abort(new Error(`nothing more for ${SILENCE / 1000} seconds`));
    let timer = setTimeout(giveUp, SILENCE);
    this.traffic.requests += 1;
    try {
      const response = await fetch(url, { cache, signal: watch.signal });
      checkStatus(response, url);
      return await readAll(response.body, LARGEST, url, (length) => {
        clearTimeout(timer);
        timer = setTimeout(giveUp, SILENCE);
        this.traffic.bytes += length;
      });
    } catch (error) {
      throw error instanceof LatefindError ? error : unreachable(url, "a file of the index", error);
    } finally {
      clearTimeout(timer);
    }
  }

  /** Forget the files that were not used for longest, until the others are not too much. */
  #trim() {
    let kept = 0;
    for (const { weight } of this.#entries.values()) kept += weight;
    for (const [path, { weight, waiting }] of this.#entries) {
      if (kept <= KEPT) return;
      if (!weight || waiting) continue;
      this.#entries.delete(path);
      kept -= weight;
    }
  }
}

/**
 * @param {string} data
 * @param {string} url  to be named where it is none
 * @returns {Bytes}
 * @throws {LatefindError} `integrity`
 */
function fromBase64(data, url) {
  try {
    return Uint8Array.from(atob(data), (char) => char.charCodeAt(0));
  } catch {
    throw damaged(url, "base64 in the manifest", "something else");
  }
}

/** @param {Uint8Array} bytes */
function isGzip(bytes) {
  return bytes[0] === 0x1f && bytes[1] === 0x8b;
}

/**
 * Hold a file against the hash in its name. Not on plain HTTP (except localhost), where browsers have no
 * `crypto.subtle`, and not what a host has unpacked (`Content-Encoding`): there gzip's checksum and the file's own
 * header have to do.
 * @param {Bytes} bytes
 * @param {string} url
 * @throws {LatefindError} `integrity`
 */
async function verify(bytes, url) {
  const expected = /-([0-9a-f]{8,64})\.bin$/.exec(new URL(url).pathname)?.[1];
  if (!expected || !isGzip(bytes) || !globalThis.crypto?.subtle) return;
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));
  const found = Array.from(digest, (byte) => byte.toString(16).padStart(2, "0")).join("").slice(0, expected.length);
  if (found !== expected) throw damaged(url, `SHA-256 ${expected}…`, `${found}…`);
}

/**
 * Unpack gzip; its checksum finds damage. A host may have unpacked the file already (`Content-Encoding`).
 * @param {Bytes} bytes
 * @param {string} url
 * @returns {Promise<Bytes>}
 */
async function gunzip(bytes, url) {
  if (!isGzip(bytes)) return bytes;
  const unpacked = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
  try {
    return await readAll(unpacked, LARGEST, url, () => {});
  } catch (error) {
    if (error instanceof LatefindError) throw error;
    throw damaged(url, "a whole gzip file", `"${describe(error)}"`);
  }
}

/**
 * @param {ReadableStream<Uint8Array> | null} stream
 * @param {number} largest
 * @param {string} url
 * @param {(length: number) => void} report  called for each piece
 * @returns {Promise<Bytes>}
 */
async function readAll(stream, largest, url, report) {
  /** @type {Uint8Array[]} */
  const pieces = [];
  let length = 0;
  const reader = stream?.getReader();
  for (let piece = await reader?.read(); piece && !piece.done; piece = await reader?.read()) {
    pieces.push(piece.value);
    length += piece.value.length;
    report(piece.value.length);
    if (length > largest) {
      await reader?.cancel();
      throw damaged(url, `at most ${largest} bytes`, "more");
    }
  }
  const bytes = new Uint8Array(length);
  let at = 0;
  for (const piece of pieces) {
    bytes.set(piece, at);
    at += piece.length;
  }
  return bytes;
}

/**
 * The error for a file that is not what its name promises.
 * @param {string} url
 * @param {string} expected
 * @param {string} got
 */
export function damaged(url, expected, got) {
  return LatefindError.expected(
    "integrity",
    url,
    expected,
    got,
    "Upload the file again, or build the index again.",
  );
}

/**
 * @template T
 * @param {Promise<T>} promise
 * @param {AbortSignal} [signal]
 * @returns {Promise<T>} as `promise`, but rejects as soon as `signal` aborts
 */
function untilAborted(promise, signal) {
  if (!signal) return promise;
  return new Promise((resolve, reject) => {
    const abort = () => reject(signal.reason);
    signal.addEventListener("abort", abort, { once: true });
    promise.then(resolve, reject).finally(() => signal.removeEventListener("abort", abort));
  });
}
