/**
 * @file The encoder's own worker. The page starts it beside the search worker, so that onnxruntime-web starts
 * on one processor while Python does on another: a worker that the search worker starts would have to wait for
 * Python. It speaks to the search worker, by the messages of `remote-encoder.js`.
 */

import { encoderOrder, startEncoder } from "./encoder-start.js";
import { toWire } from "./protocol.js";
import { stages, timed } from "./stages.js";

/** @typedef {import("./encoder.js").Encoder} Encoder */
/** @typedef {import("./protocol.js").EncoderBoot} EncoderBoot */
/** @typedef {import("./remote-encoder.js").EncoderRequest} EncoderRequest */
/** @typedef {import("./remote-encoder.js").EncoderReport} EncoderReport */

self.addEventListener("message", (/** @type {MessageEvent<EncoderBoot>} */ { data }) => {
  const { port } = data;
  const encoder = timed("encoder", () => start(data));
  encoder.then(
    () => post(port, { type: "started", stages }),
    (error) => refuse(port, 0, error),
  );
  port.onmessage = ({ data: request }) => void encode(port, encoder, request);
});

/** @param {EncoderBoot} boot */
function start({ port, manifest, manifestUrl }) {
  const advance = (/** @type {string} */ path, /** @type {number} */ loaded) =>
    post(port, { type: "progress", path, loaded });
  return startEncoder(encoderOrder(manifest, manifestUrl), { advance });
}

/**
 * @param {MessagePort} port
 * @param {Promise<Encoder>} encoder
 * @param {EncoderRequest} request
 */
async function encode(port, encoder, { id, ids, mask }) {
  try {
    const vectors = await (await encoder).encode(ids, mask);
    post(port, { type: "vectors", id, vectors }, [vectors.buffer]);
  } catch (error) {
    refuse(port, id, error);
  }
}

/**
 * @param {MessagePort} port
 * @param {number} id  of the request; 0 is the start
 * @param {unknown} error
 */
function refuse(port, id, error) {
  post(port, { type: "refused", id, error: toWire(error), trapped: error instanceof WebAssembly.RuntimeError });
}

/**
 * @param {MessagePort} port
 * @param {EncoderReport} report
 * @param {Transferable[]} [transfer]
 */
function post(port, report, transfer = []) {
  port.postMessage(report, transfer);
}
