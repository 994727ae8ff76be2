/**
 * @file What Pyodide and onnxruntime-web need from a worker before they start: modules that import even from a
 * host that serves `.mjs` with the wrong type, files that we have fetched and verified ourselves, WebAssembly
 * that is compiled while they are still being imported, and failures that reach us. Pyodide logs a WebAssembly
 * file that fails to load and then never settles. So `fetch` and `WebAssembly.instantiateStreaming` of the
 * worker are wrapped.
 */

import { checkStatus, unreachable } from "./http.js";
import { LatefindError, describe } from "./protocol.js";

/** @typedef {import("./parts.js").Bytes} Bytes */
/** @typedef {import("./parts.js").Counter} Counter */
/** @typedef {import("./manifest.js").Part} Part */

/** A WebAssembly file on its way. @typedef {{response: Promise<Response>, module: Promise<WebAssembly.Module>}} Ahead */

/** The smallest module: magic and version. */
const EMPTY_MODULE = new Uint8Array([0, 0x61, 0x73, 0x6d, 1, 0, 0, 0]);

/**
 * Raise `wasm-blocked` unless this worker may compile WebAssembly.
 * @returns {Promise<void>}
 */
export async function checkWasm() {
  try {
    await WebAssembly.compile(EMPTY_MODULE);
  } catch (error) {
    throw LatefindError.expected(
      "wasm-blocked",
      "WebAssembly",
      "leave to compile",
      `"${describe(error)}"`,
      "Add 'wasm-unsafe-eval' to script-src in the Content-Security-Policy that worker.js is served with.",
      String(error),
    );
  }
}

/**
 * Import a module of the runtime.
 * @param {string} url
 * @returns {Promise<{module: unknown, url: string}>} with the URL from which it did import
 */
export async function importModule(url) {
  try {
    return { module: await import(url), url };
  } catch (error) {
    // The reason is not told apart by the browser: ask for the file to learn it.
    const response = await fetch(url);
    checkStatus(response, url);
    if (isType(response, "text/javascript", "application/javascript")) {
      throw LatefindError.expected(
        "runtime",
        url,
        "a module that imports",
        `"${describe(error)}"`,
        "Upload the file again, or build the index again.",
        String(error),
      );
    }
    // Hosts that do not know `.mjs` serve it as something else, which no browser imports.
    const copy = URL.createObjectURL(new Blob([await response.arrayBuffer()], { type: "text/javascript" }));
    return { module: await import(copy), url: copy };
  }
}

/**
 * Wrap this worker's `fetch` and `WebAssembly.instantiateStreaming`, and begin to compile.
 * @param {string} wasm  URL of the WebAssembly file that will be asked for
 * @param {Map<string, Promise<Bytes>>} [own]  files that are fetched by us, by URL
 * @returns {Promise<never>} rejects when a WebAssembly file cannot be loaded; never resolves
 */
export function guardLoading(wasm, own = new Map()) {
  const nativeFetch = self.fetch.bind(self);
  const response = nativeFetch(wasm, { credentials: "same-origin" });
  const ahead = { response, module: response.then((body) => compile(body, wasm)) };
  giveOut(nativeFetch, wasm, ahead, own);
  return new Promise((_, reject) => {
    const fail = (/** @type {unknown} */ error) => {
      const isOurs = error instanceof LatefindError;
      reject(isOurs ? error : unreachable(wasm, "a WebAssembly file that loads", error));
    };
    ahead.module.catch(fail);
    instantiateAhead(ahead, fail);
  });
}

/**
 * @param {Response} response
 * @param {string} url
 * @returns {Promise<WebAssembly.Module>}
 */
async function compile(response, url) {
  checkStatus(response, url);
  // The response itself, not a copy: only then does the browser keep the compiled code.
  if (isType(response, "application/wasm")) return WebAssembly.compileStreaming(response);
  return WebAssembly.compile(await response.arrayBuffer());
}

/**
 * @param {typeof self.fetch} nativeFetch
 * @param {string} wasm
 * @param {Ahead} ahead
 * @param {Map<string, Promise<Bytes>>} own
 */
function giveOut(nativeFetch, wasm, { response }, own) {
  let given = false;
  self.fetch = async (input, init) => {
    const url = new URL(input instanceof Request ? input.url : input, self.location.href).href;
    if (url === wasm && !given) {
      given = true; // It is read; whoever asks again wants another.
      return response;
    }
    const ours = own.get(url);
    if (ours) return new Response(await ours);
    return nativeFetch(input, init);
  };
}

/**
 * @param {Ahead} ahead
 * @param {(error: unknown) => void} fail
 */
function instantiateAhead(ahead, fail) {
  const native = WebAssembly.instantiateStreaming.bind(WebAssembly);
  WebAssembly.instantiateStreaming = async (source, imports) => {
    try {
      const response = await source;
      if (response !== (await ahead.response)) return await native(response, imports);
      const module = await ahead.module;
      return { module, instance: await WebAssembly.instantiate(module, imports) };
    } catch (error) {
      fail(error);
      throw error;
    }
  };
}

/**
 * Count files that are fetched by others when the browser reports them complete.
 * @param {Map<string, Part>} parts  by URL
 * @param {Counter} counter
 */
export function watchResources(parts, counter) {
  const observer = new PerformanceObserver((list) => {
    for (const { name } of list.getEntries()) {
      const part = parts.get(name);
      if (part) counter.advance(part.path, part.bytes);
    }
  });
  observer.observe({ type: "resource", buffered: true });
}

/**
 * @param {Response} response
 * @param {...string} types
 */
function isType(response, ...types) {
  const type = response.headers.get("content-type")?.split(";")[0]?.trim().toLowerCase() ?? "";
  return types.includes(type);
}
