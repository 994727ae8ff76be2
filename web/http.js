/**
 * @file Errors of fetching that name the file: shared by the page, which reads the manifest, and the worker.
 */

import { LatefindError, describe } from "./protocol.js";

/**
 * @param {Response} response
 * @param {string} url
 * @throws {LatefindError} `network`, unless the status is a success
 */
export function checkStatus(response, url) {
  if (response.ok) return;
  throw LatefindError.expected(
    "network",
    url,
    "HTTP status 200",
    `${response.status}`,
    "Check that the whole latefind folder was uploaded, then reload the page.",
  );
}

/**
 * @param {string} url
 * @param {string} expected
 * @param {unknown} error  what `fetch` or the reading of a body threw
 */
export function unreachable(url, expected, error) {
  return LatefindError.expected(
    "network",
    url,
    expected,
    `"${describe(error)}"`,
    "Check the connection and the file on the server, then try again.",
    String(error),
  );
}
