/**
 * @file Keeps the snapshot of a start (`snapshot.js`) in the browser's cache storage, one a site. It holds what
 * was downloaded and nothing of what was asked: it is taken before the first question. Keeping is a favour: what
 * goes wrong here is never told, and costs no more than the time that it would have saved.
 */

/** @typedef {import("./parts.js").Bytes} Bytes */

/** Of all sites of this origin that have a search. */
const CACHE = "latefind-start";

/** Name of an entry, beside the manifest; what it depends on follows as a query. */
const ENTRY = "kept-start";

/** How much room (times the snapshot's size) a browser must have left. */
const ROOM = 10;

/** Larger ones are not worth their place on the disk. */
const LARGEST = 128 * 2 ** 20;

export class Kept {
  /** Never rejects; `null` where this page may not keep anything. @type {Promise<string | null>} */
  #url;

  /**
   * @param {string} manifestUrl
   * @param {string} manifest  its text: it names every file that a start reads, with its hash
   */
  constructor(manifestUrl, manifest) {
    this.#url = address(manifestUrl, manifest).catch(() => null);
  }

  /** @returns {Promise<Bytes | null>} what an earlier start with the same files has kept; never rejects */
  async find() {
    try {
      const url = await this.#url;
      const response = url && (await caches.match(url, { cacheName: CACHE }));
      return response ? new Uint8Array(await response.arrayBuffer()) : null;
    } catch {
      return null; // Forbidden, or damaged: then there is none.
    }
  }

  /**
   * Keep a snapshot in the place of an older one; never rejects.
   * @param {Uint8Array<ArrayBuffer>[]} pieces
   */
  async keep(pieces) {
    try {
      const url = await this.#url;
      const size = pieces.reduce((sum, { length }) => sum + length, 0);
      if (!url || size > LARGEST || !(await hasRoom(size))) return;
      const cache = await caches.open(CACHE);
      await cache.delete(url, { ignoreSearch: true });
      await cache.put(url, new Response(new Blob(pieces)));
    } catch {
      await this.drop(); // The browser has no room, or the visitor has forbidden it.
    }
  }

  /** Forget it; never rejects. */
  async drop() {
    const url = await this.#url;
    if (url) await forgetStart(url);
  }
}

/**
 * Delete what was kept of a start; never rejects.
 * @param {string} neighbour  URL of the manifest, or of anything else beside it
 */
export async function forgetStart(neighbour) {
  try {
    if (!(await caches.has(CACHE))) return;
    const cache = await caches.open(CACHE);
    await cache.delete(new URL(ENTRY, neighbour), { ignoreSearch: true });
    if (!(await cache.keys()).length) await caches.delete(CACHE);
  } catch {
    // Then there is none.
  }
}

/**
 * @param {string} manifestUrl
 * @param {string} manifest
 * @returns {Promise<string | null>}
 */
async function address(manifestUrl, manifest) {
  if (typeof caches === "undefined" || !self.isSecureContext) return null;
  // Another browser, or another version of one, may number the functions of Pyodide in another way.
  const depends = [manifest, import.meta.url, navigator.userAgent].join("\n");
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", new TextEncoder().encode(depends)));
  const url = new URL(ENTRY, manifestUrl);
  url.search = Array.from(digest.subarray(0, 8), (byte) => byte.toString(16).padStart(2, "0")).join("");
  return url.href;
}

/** @param {number} size */
async function hasRoom(size) {
  const { quota, usage } = (await navigator.storage?.estimate?.()) ?? {};
  return quota === undefined || quota - (usage ?? 0) > ROOM * size;
}
