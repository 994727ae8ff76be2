/**
 * @file Tells errors that mean "no memory left" from others, and says so.
 */

import { LatefindError } from "./protocol.js";

/** How browsers, WebAssembly, onnxruntime and Python say that memory ran out. */
const OUT_OF_MEMORY =
  /out of memory|memoryerror|bad_alloc|\bOOM\b|allocation failed|(?:could not|failed to) allocate|cannot enlarge memory/i;

/**
 * @param {unknown} error
 * @returns {string | undefined} its words that say so
 */
export function ranOut(error) {
  return OUT_OF_MEMORY.exec(error instanceof Error ? `${error.message}\n${error.stack}` : String(error))?.[0];
}

/**
 * @param {unknown} error
 * @param {string} [expected]
 */
export function memoryError(error, expected = "enough memory") {
  return LatefindError.expected(
    "memory",
    "semantic search",
    expected,
    `"${ranOut(error) ?? error}"`,
    "Close other tabs or pages, then try again.",
    String(error),
  );
}
