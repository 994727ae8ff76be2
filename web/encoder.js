/**
 * @file The query encoder: onnxruntime-web, one thread, so that no special headers are needed.
 */

import { LatefindError, describe } from "./protocol.js";
import { importModule } from "./runtime.js";

/** @typedef {typeof import("onnxruntime-web/wasm")} Ort */
/** @typedef {import("onnxruntime-web/wasm").InferenceSession} InferenceSession */
/** @typedef {import("onnxruntime-web/wasm").Tensor} Tensor */

export class Encoder {
  #ort;
  #session;

  /**
   * @param {Ort} ort
   * @param {InferenceSession} session
   */
  constructor(ort, session) {
    this.#ort = ort;
    this.#session = session;
  }

  /**
   * @param {string} folder  URL of onnxruntime-web's files
   * @param {Promise<Uint8Array>} model  the ONNX file, fetched meanwhile
   * @param {string} where   the model's name in errors
   * @returns {Promise<Encoder>}
   */
  static async start(folder, model, where) {
    const [{ module }, { url: mjs }] = await Promise.all([
      importModule(`${folder}ort.wasm.min.mjs`),
      importModule(`${folder}ort-wasm-simd-threaded.mjs`),
    ]);
    const ort = /** @type {Ort} */ (module);
    ort.env.logLevel = "error";
    ort.env.wasm.numThreads = 1;
    ort.env.wasm.wasmPaths = { mjs, wasm: `${folder}ort-wasm-simd-threaded.wasm` };
    const bytes = await model;
    try {
      const session = await ort.InferenceSession.create(bytes, { executionProviders: ["wasm"], logSeverityLevel: 3 });
      return new Encoder(ort, session);
    } catch (error) {
      throw LatefindError.expected(
        "model",
        where,
        "an encoder that onnxruntime-web loads",
        `"${describe(error)}"`,
        "Export the model again, then build the index again.",
        String(error),
      );
    }
  }

  /**
   * Encode one text.
   * @param {number[]} ids
   * @param {number[]} mask  attention, as long as `ids`
   * @returns {Promise<Float32Array>} one vector an id, row after row
   */
  async encode(ids, mask) {
    const shape = [1, ids.length];
    const values = new Map([
      ["input_ids", ids],
      ["attention_mask", mask],
    ]);
    /** @type {Record<string, Tensor>} */
    const feeds = {};
    for (const name of this.#session.inputNames) {
      // Token types, the one input that a plan does not have, are 0 for a single text.
      const row = values.get(name) ?? ids.map(() => 0);
      feeds[name] = new this.#ort.Tensor("int64", BigInt64Array.from(row, BigInt), shape);
    }
    const [output] = Object.values(await this.#session.run(feeds));
    if (!(output?.data instanceof Float32Array) || output.dims[1] !== ids.length) {
      throw LatefindError.expected(
        "model",
        "encoder",
        `a float32 vector for each of ${ids.length} tokens`,
        `${output?.type} of shape ${output?.dims.join(" × ")}`,
        "Export the model again.",
      );
    }
    return output.data;
  }
}
