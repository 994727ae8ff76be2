/**
 * @file What is fetched before it is needed, so that the first answer takes few round trips: modules in one,
 * instead of import by import, and the manifest beside them.
 */

/**
 * The modules that the first answer needs and that are not here yet, relative to this one. The build fills them
 * in from the modules' own imports; without them the browser finds each when another one imports it.
 * @type {readonly string[]}
 */
const MODULES = [];

/** Longest wait for an idle moment, ms. */
const IDLE_TIMEOUT = 3_000;

/** Fetch every module at once; the browser keeps them for whoever imports them. */
export function fetchModules() {
  // What cannot be had is told where it is imported.
  for (const path of MODULES) import(new URL(path, import.meta.url).href).catch(() => undefined);
}

/**
 * @param {string | undefined} base  URL of the search folder; by default the one of this module
 * @returns {Promise<Response>} the manifest
 */
export function fetchManifest(base) {
  const folder = new URL(base ?? new URL("..", import.meta.url), document.baseURI);
  if (!folder.pathname.endsWith("/")) folder.pathname += "/";
  const coming = fetch(new URL("manifest.json", folder), { cache: "no-cache" });
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
