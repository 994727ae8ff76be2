/**
 * @file Starts the encoder in the worker that this runs in: its own (`encoder-worker.js`), or where a worker
 * may not start another, that of the search.
 */

import { Encoder, WASM } from "./encoder.js";
import { PartLoader } from "./parts.js";
import { guardLoading, watchResources } from "./runtime.js";

/** @typedef {import("./manifest.js").Part} Part */
/** @typedef {import("./parts.js").Counter} Counter */

/**
 * What the encoder needs.
 * @typedef {object} EncoderOrder
 * @property {string} folder  URL of onnxruntime-web's files
 * @property {string} manifestUrl
 * @property {Part} model
 * @property {Part[]} runtime  the files of onnxruntime-web
 */

/**
 * @param {EncoderOrder} order
 * @param {Counter} counter
 * @returns {Promise<Encoder>}
 */
export function startEncoder({ folder, manifestUrl, model, runtime }, counter) {
  const broken = guardLoading(folder + WASM);
  const loader = new PartLoader(manifestUrl, counter);
  watchResources(new Map(runtime.map((part) => [loader.url(part), part])), counter);
  return Promise.race([Encoder.start(folder, loader.fetchVerified(model), model.path), broken]);
}
