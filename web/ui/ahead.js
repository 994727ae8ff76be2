/**
 * @file What is fetched before it is needed, so that the first answer takes few round trips: what is behind the
 * field, and the manifest.
 */

import { fetchManifest as askFor } from "../manifest-copy.js";
import { searchFolder } from "../place.js";

/** Longest wait for an idle moment, ms. */
const IDLE_TIMEOUT = 3_000;

/** Fetch what is behind the field; the browser keeps it for whoever imports it. */
export function fetchInside() {
  // What cannot be had is told where it is imported.
  import("../inside.js").catch(() => undefined);
}

/**
 * @param {{base: string | undefined, edition: string | undefined}} settings
 * @returns {Promise<Response>} the manifest
 */
export function fetchManifest({ base, edition }) {
  const coming = askFor(searchFolder(base), edition);
  coming.catch(() => undefined); // Told by whoever reads it, if anybody does.
  return coming;
}

/**
 * Run `work` when the page has loaded and has nothing else to do; not for visitors who save data.
 * @param {() => void} work
 */
export function whenIdle(work) {
  if (savesData()) return;
  const wait = () => {
    if (typeof requestIdleCallback === "function") requestIdleCallback(work, { timeout: IDLE_TIMEOUT });
    else setTimeout(work, 200);
  };
  if (document.readyState === "complete") wait();
  else addEventListener("load", wait, { once: true });
}

export function savesData() {
  const { connection } = /** @type {Navigator & {connection?: {saveData?: boolean}}} */ (navigator);
  return connection?.saveData === true;
}
