/**
 * @file The encoder as the search worker sees it: in a worker of its own, by messages.
 */

import { startEncoder } from "./encoder-start.js";
import { LatefindError, fromWire } from "./protocol.js";
import { stages } from "./stages.js";

/** @typedef {import("./encoder.js").Encodes} Encodes */
/** @typedef {import("./encoder-start.js").EncoderOrder} EncoderOrder */
/** @typedef {import("./parts.js").Counter} Counter */
/** @typedef {import("./protocol.js").WireError} WireError */
/** @typedef {import("./stages.js").Stage} Stage */

/**
 * @typedef {{type: "start", order: EncoderOrder} | {type: "encode", id: number, ids: number[], mask: number[]}}
 *   EncoderRequest
 */

/**
 * `refused` with id 0: it did not start. `trapped`: its WebAssembly cannot be used again.
 * @typedef {{type: "progress", path: string, loaded: number}
 *   | {type: "started", stages: Stage[]}
 *   | {type: "vectors", id: number, vectors: Float32Array}
 *   | {type: "refused", id: number, error: WireError, trapped: boolean}} EncoderReport
 */

/** @typedef {{resolve: (vectors: Float32Array) => void, reject: (error: Error) => void}} Waiting */

/** The id under which the start waits. */
const START = 0;

/**
 * Start the encoder beside this worker, or in it, where the browser lets workers start none.
 * @param {EncoderOrder} order
 * @param {Counter} counter
 * @returns {Promise<Encodes>}
 */
export function startBeside(order, counter) {
  return typeof Worker === "function" ? RemoteEncoder.start(order, counter) : startEncoder(order, counter);
}

class RemoteEncoder {
  /** @type {Map<number, Waiting>} */
  #waiting = new Map();
  #lastId = START;
  /** @type {Error | undefined} */
  #broken;
  #worker;
  #counter;

  /** @param {Counter} counter */
  constructor(counter) {
    this.#counter = counter;
    this.#worker = new Worker(workerUrl(), { type: "module", name: "latefind encoder" });
    this.#worker.addEventListener("message", ({ data }) => this.#receive(data));
    this.#worker.addEventListener("error", (event) => this.#break(event));
    this.#worker.addEventListener("messageerror", (event) => this.#break(event));
  }

  /**
   * @param {EncoderOrder} order
   * @param {Counter} counter
   * @returns {Promise<RemoteEncoder>}
   */
  static async start(order, counter) {
    const encoder = new RemoteEncoder(counter);
    await encoder.#ask(START, { type: "start", order });
    return encoder;
  }

  /**
   * As {@link import("./encoder.js").Encoder.encode}.
   * @param {number[]} ids
   * @param {number[]} mask
   * @returns {Promise<Float32Array>}
   */
  encode(ids, mask) {
    const id = (this.#lastId += 1);
    return this.#ask(id, { type: "encode", id, ids, mask });
  }

  /**
   * @param {number} id
   * @param {EncoderRequest} request
   * @returns {Promise<Float32Array>}
   */
  #ask(id, request) {
    return new Promise((resolve, reject) => {
      if (this.#broken) throw this.#broken;
      this.#waiting.set(id, { resolve, reject });
      this.#worker.postMessage(request);
    });
  }

  /** @param {EncoderReport} report */
  #receive(report) {
    switch (report.type) {
      case "progress":
        this.#counter.advance(report.path, report.loaded);
        break;
      case "started":
        stages.push(...report.stages);
        this.#settle(START)?.resolve(new Float32Array());
        break;
      case "vectors":
        this.#settle(report.id)?.resolve(report.vectors);
        break;
      case "refused":
        this.#settle(report.id)?.reject(revive(report.error, report.trapped));
    }
  }

  /** @param {number} id */
  #settle(id) {
    const waiting = this.#waiting.get(id);
    this.#waiting.delete(id);
    return waiting;
  }

  /** @param {Event} event */
  #break(event) {
    const told = event instanceof ErrorEvent ? event.message : "";
    const started = !this.#waiting.has(START);
    // Like WebAssembly that has trapped: the whole search worker is to begin again.
    this.#broken = started ? new WebAssembly.RuntimeError(told || "the encoder's worker broke") : startError(told);
    for (const { reject } of this.#waiting.values()) reject(this.#broken);
    this.#waiting.clear();
  }
}

/**
 * @param {WireError} error
 * @param {boolean} trapped
 */
function revive(error, trapped) {
  return trapped ? new WebAssembly.RuntimeError(error.message) : fromWire(error);
}

/** @param {string} told */
function startError(told) {
  return LatefindError.expected(
    "worker-failed",
    workerUrl().href,
    "a module worker that starts",
    told ? `"${told}"` : "an error without a reason",
    "Check that the file is there and served as text/javascript, and that the Content-Security-Policy of " +
      "worker.js has worker-src 'self'.",
  );
}

function workerUrl() {
  return new URL("./encoder-worker.js", import.meta.url);
}
