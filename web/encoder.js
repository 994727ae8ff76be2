/**
 * @file The query encoder: onnxruntime-web, one thread, so that no special headers are needed.
 */

import { gunzip } from "./archive.js";
import { memoryError, ranOut } from "./memory.js";
import { LatefindError, describe } from "./protocol.js";
import { importModule } from "./runtime.js";
import { timed } from "./stages.js";

/** @typedef {typeof import("onnxruntime-web/wasm")} Ort */
/** @typedef {import("onnxruntime-web/wasm").InferenceSession} InferenceSession */
/** @typedef {import("onnxruntime-web/wasm").Tensor} Tensor */

/** Whatever encodes, here or in a worker of its own. @typedef {Pick<Encoder, "encode">} Encodes */

/** The runtime's WebAssembly, in its folder. */
export const WASM = "ort-wasm-simd-threaded.wasm";

/** The runtime's one module: the loader of its WebAssembly is in it. */
const MODULE = "ort.wasm.bundle.min.mjs";

/** Bytes of a page of WebAssembly's memory. */
const PAGE = 65_536;

/**
 * Most memory of the encoder, in pages. The npm build reserves what WebAssembly can address at most, 4 GB, and
 * as it is shared memory, phones refuse that or end the page. The model that ships, 23 MB, takes 78 MB, and 93
 * once it has read 512 tokens.
 */
const MEMORY_PAGES = (256 * 1024 * 1024) / PAGE;

/** A larger model may take this multiple of its size. */
const MEMORY_SHARE = 4;

export class Encoder {
  #ort;
  #session;
  #pages;

  /**
   * @param {Ort} ort
   * @param {InferenceSession} session
   * @param {number} pages  most memory
   */
  constructor(ort, session, pages) {
    this.#ort = ort;
    this.#session = session;
    this.#pages = pages;
  }

  /**
   * @param {string} folder  URL of onnxruntime-web's files
   * @param {Promise<Uint8Array<ArrayBuffer>>} model  the ONNX file, in gzip or as it is, fetched meanwhile
   * @param {string} where   the model's name in errors
   * @param {number} [most]  memory in pages, in place of what suits the model
   * @returns {Promise<Encoder>}
   */
  static async start(folder, model, where, most) {
    const { module } = await importModule(folder + MODULE);
    const ort = /** @type {Ort} */ (module);
    ort.env.logLevel = "error";
    ort.env.wasm.numThreads = 1;
    ort.env.wasm.wasmPaths = { wasm: folder + WASM };
    const bytes = await timed("model", async () => gunzip(await model, where));
    const pages = most ?? Math.max(MEMORY_PAGES, Math.ceil((MEMORY_SHARE * bytes.length) / PAGE));
    const restore = limitSharedMemory(pages);
    try {
      const options = { executionProviders: ["wasm"], logSeverityLevel: /** @type {const} */ (3) };
      const session = await timed("session", () => ort.InferenceSession.create(bytes, options));
      return new Encoder(ort, session, pages);
    } catch (error) {
      if (ranOut(error)) throw tooLarge(error, pages);
      throw LatefindError.expected(
        "model",
        where,
        "an encoder that onnxruntime-web loads",
        `"${describe(error)}"`,
        "Export the model again, then build the index again.",
        String(error),
      );
    } finally {
      restore();
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
    const outputs = await this.#session.run(feeds).catch((error) => {
      throw ranOut(error) ? tooLarge(error, this.#pages) : error;
    });
    const [output] = Object.values(outputs);
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

/**
 * onnxruntime-web makes its memory itself and has no setting for it, so shared memory that is made meanwhile
 * is limited where it is made. WebAssembly accepts an import with a lower maximum than it declares.
 * @param {number} pages
 * @returns {() => void} ends that
 */
function limitSharedMemory(pages) {
  const Native = WebAssembly.Memory;
  WebAssembly.Memory = class extends Native {
    /** @param {WebAssembly.MemoryDescriptor} descriptor */
    constructor(descriptor) {
      const { shared, maximum } = descriptor;
      super(shared && maximum ? { ...descriptor, maximum: Math.min(maximum, pages) } : descriptor);
    }
  };
  return () => void (WebAssembly.Memory = Native);
}

/**
 * @param {unknown} error
 * @param {number} pages
 */
function tooLarge(error, pages) {
  return memoryError(error, `an encoder within ${Math.round((pages * PAGE) / 2 ** 20)} MB`);
}
