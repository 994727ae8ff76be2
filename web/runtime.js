/**
 * @file What Pyodide and onnxruntime-web need from the worker before they start: modules that import even
 * from a host that serves `.mjs` with the wrong type, files that we have fetched and verified ourselves, and
 * failures that reach us. Pyodide logs a WebAssembly file that fails to load and then never settles; so
 * `fetch` and `WebAssembly.instantiateStreaming` of this worker are wrapped.
 */

import { checkStatus, unreachable } from "./http.js";
import { LatefindError, describe } from "./protocol.js";

/** @typedef {import("./parts.js").Bytes} Bytes */
/** @typedef {import("./manifest.js").Part} Part */

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
 * Wrap this worker's `fetch` and `WebAssembly.instantiateStreaming`.
 * @param {Map<string, Promise<Bytes>>} own  files that are fetched by us, by URL
 * @returns {Promise<never>} rejects when a WebAssembly file cannot be loaded; never resolves
 */
export function guardLoading(own) {
  serveOwn(own);
  return new Promise((_, reject) => catchWasmFailures(reject));
}

/** @param {Map<string, Promise<Bytes>>} own */
function serveOwn(own) {
  const nativeFetch = self.fetch.bind(self);
  self.fetch = async (input, init) => {
    const url = new URL(input instanceof Request ? input.url : input, self.location.href).href;
    const ours = own.get(url);
    if (ours) return new Response(await ours);
    return nativeFetch(input, init);
  };
}

/** @param {(error: LatefindError) => void} fail */
function catchWasmFailures(fail) {
  const nativeInstantiate = WebAssembly.instantiateStreaming.bind(WebAssembly);
  WebAssembly.instantiateStreaming = async (source, imports) => {
    let where = "WebAssembly";
    try {
      const response = await source;
      where = response.url;
      checkStatus(response, where);
      // The response itself, not a copy: only then does the browser keep the compiled code.
      if (isType(response, "application/wasm")) return await nativeInstantiate(response, imports);
      return await WebAssembly.instantiate(await response.arrayBuffer(), imports);
    } catch (error) {
      const isOurs = error instanceof LatefindError;
      const failure = isOurs ? error : unreachable(where, "a WebAssembly file that loads", error);
      fail(failure);
      throw failure;
    }
  };
}

/**
 * Count files that are fetched by others when the browser reports them complete.
 * @param {Map<string, Part>} parts  by URL
 * @param {import("./parts.js").Progress} progress
 */
export function watchResources(parts, progress) {
  const observer = new PerformanceObserver((list) => {
    for (const { name } of list.getEntries()) {
      const part = parts.get(name);
      if (part) progress.complete([part]);
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
