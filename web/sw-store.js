/**
 * @file The offline copy of a site: one cache, in which versions share the files that they have in common. A
 * classic script of the service worker, loaded by `sw-core.js`.
 *
 * A file whose name carries its hash is kept under its own URL, so that the browser finds the code that it
 * compiled of it; any other under its URL and its hash. Responses are stored and given out as they came.
 * `state.json` in the cache says which version is whole ("active"), which is on its way ("pending"), and which
 * open pages still live on an older one. It changes in one write, so a version is there or it is not.
 */
"use strict";

/**
 * @typedef {object} LatefindFile
 * @property {string} url      where it is fetched
 * @property {string} key      what it is kept under
 * @property {number} bytes
 * @property {string} sha256   hex
 * @property {boolean} strict  of the search itself: must be what was built; hosts may rewrite pages
 * @property {boolean} page    of the site, not of the search
 */

/**
 * @typedef {object} LatefindState
 * @property {1} format
 * @property {boolean} wanted         the visitor wants the site offline
 * @property {string | null} active   the version that is whole and given out
 * @property {string | null} pending  the version that is being fetched
 * @property {number | null} gone     since when (ms) the host has no list any more
 * @property {Record<string, string>} clients  pages and workers that live on another version than the active
 */

/** A client may take this long (ms) from its first response to its appearance among the clients. */
const LATEFIND_BIRTH = 60_000;

/** What the search verifies itself whenever it loads it; everything else we do. */
const LATEFIND_VERIFIED_BY_SEARCH = /\.(bin|onnx|whl|zip)$/;

/** One version of the site, from its list `precache.json`. */
class LatefindVersion {
  /**
   * By decoded pathname.
   * @type {Map<string, LatefindFile>}
   */
  #files = new Map();

  /**
   * @param {string} text
   * @param {string} base  URL of the search folder
   * @throws {Error} `text` is no such list
   */
  constructor(text, base) {
    const list = JSON.parse(text);
    if (list.format !== 1) throw new Error(`a list of format ${list.format}`);
    /** @type {string} */
    this.id = list.version;
    const root = new URL(list.root, base).href;
    this.#add(list.hashed, base, { strict: true, page: false }, true);
    this.#add(list.search, base, { strict: true, page: false });
    this.#add(list.site, root, { strict: false, page: true });
  }

  /**
   * @param {[string, number, string][]} rows
   * @param {string} folder
   * @param {{strict: boolean, page: boolean}} kind
   * @param {boolean} [hashed]
   */
  #add(rows, folder, kind, hashed = false) {
    for (const [path, bytes, sha256] of rows) {
      const encoded = path.split("/").map(encodeURIComponent).join("/");
      const full = new URL(encoded, folder);
      const url = full.href.replace(/\/index\.html$/, "/");
      const key = hashed ? url : `${url}?latefind=${sha256.slice(0, 16)}`;
      this.#files.set(decodeURIComponent(full.pathname), { url, key, bytes, sha256, ...kind });
    }
  }

  get files() {
    return [...this.#files.values()];
  }

  /**
   * @param {string} pathname  of a request; hosts differ in how they name pages
   * @returns {LatefindFile | undefined}
   */
  find(pathname) {
    let path = pathname;
    try {
      path = decodeURIComponent(pathname);
    } catch {
      // Not UTF-8 after decoding: no name of ours, but a name all the same.
    }
    if (path.endsWith("/")) return this.#files.get(`${path}index.html`);
    return this.#files.get(path) ?? this.#files.get(`${path}.html`);
  }

  /**
   * @param {string} pathname
   * @returns {boolean} whether it names a folder with a page, its slash forgotten
   */
  isFolder(pathname) {
    return !this.find(pathname) && this.find(`${pathname}/`) !== undefined;
  }
}

class LatefindStore {
  /** @type {Promise<LatefindState> | undefined} */
  #loading;
  /** @type {LatefindState | undefined} */
  #state;
  /** The writes of the state, one after the other. */
  #writing = Promise.resolve();
  /** @type {Map<string, LatefindVersion>} */
  #versions = new Map();
  /**
   * Clients that a response was given to and that may not be listed yet.
   * @type {Map<string, {version: string, at: number}>}
   */
  #born = new Map();
  /**
   * Keys of files that were found sound since this worker started.
   * @type {Set<string>}
   */
  #sound = new Set();

  /**
   * @param {string} base   URL of the search folder
   * @param {string} scope  of the service worker; each has a copy of its own
   */
  constructor(base, scope) {
    this.base = base;
    this.name = `latefind-offline ${new URL(scope).pathname}`;
    this.listUrl = `${base}precache.json`;
  }

  /** Whether it is known, without waiting, that there is no offline copy and none is wanted. */
  get isOff() {
    return this.#state !== undefined && !this.#state.wanted;
  }

  /** @returns {Promise<LatefindState>} */
  state() {
    this.#loading ??= this.#load().catch((error) => {
      this.#loading = undefined;
      throw error;
    });
    return this.#loading;
  }

  async #load() {
    /** @type {LatefindState} */
    const empty = { format: 1, wanted: false, active: null, pending: null, gone: null, clients: {} };
    // Only where a cache exists already: whoever did not ask for an offline copy gets none, not even empty.
    const stored = (await caches.has(this.name)) && (await (await this.cache()).match(this.#stateKey));
    /** @type {LatefindState} */
    const read = stored ? await stored.json() : empty;
    const state = read.format === 1 ? { ...empty, ...read } : empty;
    this.#state = state;
    return state;
  }

  get #stateKey() {
    return `${this.base}state.json?latefind`;
  }

  cache() {
    return caches.open(this.name);
  }

  /**
   * @param {Partial<LatefindState>} changes
   * @returns {Promise<LatefindState>}
   */
  async change(changes) {
    const state = Object.assign(await this.state(), changes);
    const write = async () => (await this.cache()).put(this.#stateKey, new Response(JSON.stringify(state)));
    this.#writing = this.#writing.then(write, write);
    await this.#writing;
    return state;
  }

  /** Forget everything and free its storage. */
  async remove() {
    // File by file: a cache that is deleted whole keeps its room until the last who opened it is gone.
    const cache = await this.cache();
    await Promise.all((await cache.keys()).map((request) => cache.delete(request, { ignoreVary: true })));
    await caches.delete(this.name);
    this.#state = undefined;
    this.#loading = undefined;
    this.#versions.clear();
    this.#sound.clear();
    this.#born.clear();
    await this.state();
  }

  /**
   * Keep a list, so that its version can be given out and taken up again.
   * @param {string} text
   * @returns {Promise<LatefindVersion>}
   */
  async keepList(text) {
    const version = new LatefindVersion(text, this.base);
    const kept = await this.version(version.id);
    if (kept) return kept;
    await (await this.cache()).put(this.#listKey(version.id), new Response(text));
    this.#versions.set(version.id, version);
    return version;
  }

  /** @param {string} id */
  #listKey(id) {
    return `${this.listUrl}?latefind=${id}`;
  }

  /**
   * @param {string} id
   * @returns {Promise<LatefindVersion | undefined>}
   */
  async version(id) {
    const known = this.#versions.get(id);
    if (known) return known;
    const stored = await (await this.cache()).match(this.#listKey(id));
    if (!stored) return undefined; // Deleted by hand, or by the browser.
    const version = new LatefindVersion(await stored.text(), this.base);
    this.#versions.set(id, version);
    return version;
  }

  /**
   * @param {LatefindFile} file
   * @param {Response} response  stored as it is, unless the cache or a page could not take it
   */
  async put(file, response) {
    this.#sound.delete(file.key);
    const varies = response.headers.get("vary")?.includes("*");
    let stored = response;
    if (response.redirected || varies) {
      const headers = new Headers(response.headers);
      headers.delete("vary");
      stored = new Response(response.body, { status: response.status, headers });
    }
    await (await this.cache()).put(file.key, stored);
  }

  /** @param {LatefindFile} file */
  async drop(file) {
    this.#sound.delete(file.key);
    await (await this.cache()).delete(file.key, { ignoreVary: true });
  }

  /**
   * @param {LatefindFile} file
   * @returns {Promise<boolean>} whether it is there and, if that is ours to say, what was built
   */
  async isSound(file) {
    const stored = await (await this.cache()).match(file.key, { ignoreVary: true });
    if (!stored) return false;
    if (!file.strict) return true;
    const bytes = await stored.arrayBuffer().catch(() => new ArrayBuffer(0)); // Damaged on the disk.
    if (bytes.byteLength !== file.bytes) return false;
    const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));
    const found = Array.from(digest, (byte) => byte.toString(16).padStart(2, "0")).join("");
    if (found === file.sha256) this.#sound.add(file.key);
    return found === file.sha256;
  }

  /**
   * @param {LatefindFile} file
   * @returns {Promise<Response | undefined>} as it was stored; none where it is missing, damaged or not published
   */
  async match(file) {
    const unchecked = file.strict && !LATEFIND_VERIFIED_BY_SEARCH.test(file.url) && !this.#sound.has(file.key);
    if (unchecked && !(await this.isSound(file))) {
      await this.drop(file);
      return undefined;
    }
    const stored = await (await this.cache()).match(file.key, { ignoreVary: true });
    return stored?.ok ? stored : undefined;
  }

  /**
   * @param {LatefindVersion} version
   * @param {boolean} withPages  whether every page belongs to it
   * @returns {Promise<LatefindFile[]>} what is not there, by name alone
   */
  async missing(version, withPages) {
    const there = await this.#keys();
    return version.files.filter(({ key, page }) => !there.has(key) && (withPages || !page));
  }

  async #keys() {
    return new Set((await (await this.cache()).keys()).map(({ url }) => url));
  }

  /**
   * The pages and their files that a version has in common with what is stored of another.
   * @param {LatefindVersion} version
   * @param {string | null} other
   * @returns {Promise<LatefindFile[]>}
   */
  async visited(version, other) {
    const old = other ? await this.version(other) : undefined;
    const there = await this.#keys();
    const urls = new Set(old?.files.filter(({ key }) => there.has(key)).map(({ url }) => url));
    return version.files.filter(({ page, key, url }) => page && (there.has(key) || urls.has(url)));
  }

  /**
   * @param {string} client
   * @returns {Promise<string | null>} the version that a page or worker lives on
   */
  async versionOf(client) {
    const { clients: kept, active } = await this.state();
    return kept[client] ?? this.#born.get(client)?.version ?? active;
  }

  /**
   * @param {string} client  that is about to be
   * @param {string} version
   */
  async bear(client, version) {
    this.#born.set(client, { version, at: Date.now() });
    const { active, clients: kept } = await this.state();
    // Whoever lives on the active version need not be written down: a change of versions does it.
    if (version !== active) await this.change({ clients: { ...kept, [client]: version } });
  }

  /**
   * Give out a version from now on. Pages that are open keep theirs.
   * @param {LatefindVersion} version
   */
  async activate(version) {
    const { active, clients: kept } = await this.state();
    const recorded = { ...kept };
    for (const [id, { version: own, at }] of this.#born) {
      if (Date.now() - at < LATEFIND_BIRTH) recorded[id] ??= own;
    }
    if (active) for (const id of await latefindClients()) recorded[id] ??= active;
    await this.change({ active: version.id, pending: null, gone: null, clients: recorded });
    await this.clean();
  }

  /** Delete what neither the active version, nor the pending, nor an open page needs. */
  async clean() {
    const { active, pending, clients: kept } = await this.state();
    const living = await latefindClients();
    const now = Date.now();
    for (const [id, { at }] of this.#born) {
      if (now - at >= LATEFIND_BIRTH) this.#born.delete(id);
      else living.add(id);
    }
    const remaining = Object.entries(kept).filter(([id, version]) => living.has(id) && version !== active);
    if (remaining.length !== Object.keys(kept).length) await this.change({ clients: Object.fromEntries(remaining) });
    const needed = new Set([active, pending, ...remaining.map(([, version]) => version)]);
    const keys = new Set([this.#stateKey]);
    for (const id of needed) {
      const version = id && (await this.version(id));
      if (!version) continue;
      keys.add(this.#listKey(version.id));
      for (const { key } of version.files) keys.add(key);
    }
    const cache = await this.cache();
    const stale = (await cache.keys()).filter(({ url }) => !keys.has(url));
    await Promise.all(stale.map((request) => cache.delete(request, { ignoreVary: true })));
    for (const id of this.#versions.keys()) if (!needed.has(id)) this.#versions.delete(id);
  }
}

/** @returns {Promise<Set<string>>} ids of all pages and workers that are open */
async function latefindClients() {
  const { clients } = /** @type {ServiceWorkerGlobalScope} */ (/** @type {unknown} */ (self));
  const all = await clients.matchAll({ type: "all", includeUncontrolled: true });
  return new Set(all.map(({ id }) => id));
}
