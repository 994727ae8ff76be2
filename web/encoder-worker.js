/**
 * @file The encoder's own worker. The search worker starts it, so that onnxruntime-web starts on one processor
 * while Python does on another; a passage is encoded while Python answers another question. Speaks the
 * messages of `remote-encoder.js`.
 */

import { startEncoder } from "./encoder-start.js";
import { toWire } from "./protocol.js";
import { stages } from "./stages.js";

/** @typedef {import("./encoder.js").Encoder} Encoder */
/** @typedef {import("./remote-encoder.js").EncoderRequest} EncoderRequest */
/** @typedef {import("./remote-encoder.js").EncoderReport} EncoderReport */

/** @type {Promise<Encoder> | undefined} */
let encoder;

self.addEventListener("message", (/** @type {MessageEvent<EncoderRequest>} */ { data }) => {
  if (data.type === "start") {
    const advance = (/** @type {string} */ path, /** @type {number} */ loaded) => post({ type: "progress", path, loaded });
    encoder = startEncoder(data.order, { advance });
    encoder.then(() => post({ type: "started", stages }), (error) => refuse(0, error));
  } else void encode(data.id, data.ids, data.mask);
});

/**
 * @param {number} id
 * @param {number[]} ids
 * @param {number[]} mask
 */
async function encode(id, ids, mask) {
  try {
    const vectors = await /** @type {Promise<Encoder>} */ (encoder).then((started) => started.encode(ids, mask));
    post({ type: "vectors", id, vectors }, [vectors.buffer]);
  } catch (error) {
    refuse(id, error);
  }
}

/**
 * @param {number} id  of the request; 0 is the start
 * @param {unknown} error
 */
function refuse(id, error) {
  post({ type: "refused", id, error: toWire(error), trapped: error instanceof WebAssembly.RuntimeError });
}

/**
 * @param {EncoderReport} report
 * @param {Transferable[]} [transfer]
 */
function post(report, transfer = []) {
  self.postMessage(report, transfer);
}
