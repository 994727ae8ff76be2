/**
 * @file Where the page's modules are. As they are written they lie in the search folder; joined, in a folder
 * below it whose name carries their hash.
 */

/** The folder of the modules, with their styles, `strings/`, `stem/` and the workers. */
export const CODE = new URL(".", import.meta.url);

/** The search folder, with the manifest. */
export const SEARCH_FOLDER = new URL(CODE.href.replace(/runtime\/code-[0-9a-f]+\/$/, ""));

/**
 * @param {string | URL} [base]  URL of a search folder, as pages name it; by default the one of the modules
 * @returns {URL} ends with a slash
 */
export function searchFolder(base = SEARCH_FOLDER) {
  const folder = new URL(base, document.baseURI);
  if (!folder.pathname.endsWith("/")) folder.pathname += "/";
  return folder;
}
