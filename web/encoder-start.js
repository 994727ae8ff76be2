/**
 * @file Starts the encoder in the worker that this runs in: its own (`encoder-worker.js`), or that of the search
 * where the page has started no other.
 */

import { Encoder, WASM } from "./encoder.js";
import { incomplete, parseManifest } from "./manifest.js";
import { PartLoader } from "./parts.js";
import { checkWasm, guardLoading, watchResources } from "./runtime.js";

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
 * @param {string} manifest  its text
 * @param {string} manifestUrl
 * @returns {EncoderOrder}
 */
export function encoderOrder(manifest, manifestUrl) {
  const { parts, runtime } = parseManifest(manifest);
  const model = parts.find(({ role }) => role === "encoder");
  if (!model) throw incomplete("an encoder");
  const files = parts.filter(({ role }) => role === "onnxruntime");
  return { folder: new URL(runtime.onnxruntime, manifestUrl).href, manifestUrl, model, runtime: files };
}

/**
 * @param {EncoderOrder} order
 * @param {Counter} counter
 * @returns {Promise<Encoder>}
 */
export async function startEncoder({ folder, manifestUrl, model, runtime }, counter) {
  await checkWasm();
  const broken = guardLoading(folder + WASM);
  const loader = new PartLoader(manifestUrl, counter);
  watchResources(new Map(runtime.map((part) => [loader.url(part), part])), counter);
  return Promise.race([Encoder.start(folder, loader.fetchVerified(model), model.path), broken]);
}
