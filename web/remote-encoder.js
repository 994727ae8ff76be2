/**
 * @file The encoder as the search worker sees it: in a worker of its own, behind a port that the page made.
 */

import { fromWire } from "./protocol.js";
import { stages } from "./stages.js";

/** @typedef {import("./parts.js").Counter} Counter */
/** @typedef {import("./protocol.js").WireError} WireError */
/** @typedef {import("./stages.js").Stage} Stage */

/** @typedef {{id: number, ids: number[], mask: number[]}} EncoderRequest */

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

export class RemoteEncoder {
  /** @type {Map<number, Waiting>} */
  #waiting = new Map();
  #lastId = START;
  #port;
  #counter;

  /**
   * @param {MessagePort} port
   * @param {Counter} counter
   */
  constructor(port, counter) {
    this.#port = port;
    this.#counter = counter;
  }

  /**
   * Wait until the encoder has started.
   * @param {MessagePort} port
   * @param {Counter} counter
   * @returns {Promise<RemoteEncoder>}
   */
  static async start(port, counter) {
    const encoder = new RemoteEncoder(port, counter);
    const started = encoder.#wait(START);
    port.onmessage = ({ data }) => encoder.#receive(data);
    await started;
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
    this.#port.postMessage({ id, ids, mask });
    return this.#wait(id);
  }

  /**
   * @param {number} id
   * @returns {Promise<Float32Array>}
   */
  #wait(id) {
    return new Promise((resolve, reject) => this.#waiting.set(id, { resolve, reject }));
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
}

/**
 * @param {WireError} error
 * @param {boolean} trapped
 */
function revive(error, trapped) {
  return trapped ? new WebAssembly.RuntimeError(error.message) : fromWire(error);
}
