/**
 * @file Asks for the manifest. The one at the fixed address has to be asked for each time; a page that was built
 * with the index names a copy whose name carries its hash, and which the browser keeps.
 */

/**
 * @param {URL} folder      the search folder
 * @param {string} [edition]  path of the copy in it
 * @returns {Promise<Response>}
 */
export async function fetchManifest(folder, edition) {
  const copy = edition ? await fetch(new URL(edition, folder)).catch(() => undefined) : undefined;
  // Gone where the page is older than the site; some hosts have a page to say so with status 200.
  if (copy?.ok && !copy.headers.get("content-type")?.startsWith("text/html")) return copy;
  return fetch(new URL("manifest.json", folder), { cache: "no-cache" });
}
