/**
 * @file Brings the offline copy up to date: fetches the list, then whatever of it is not there. What is there
 * and sound is not fetched again, so an interrupted download goes on where it stopped and a new version costs
 * what changed. A classic script of the service worker, loaded by `sw-core.js`.
 */
"use strict";

/** @typedef {import("./offline-protocol.js").Failure} LatefindFailure */

/** Why a download stopped. */
class LatefindTrouble extends Error {
  /**
   * @param {LatefindFailure["code"]} code
   * @param {string} url
   * @param {unknown} [cause]
   * @param {{needed: number, available: number}} [room]
   */
  constructor(code, url, cause = "", room = { needed: 0, available: 0 }) {
    super(`${code}: ${url}`);
    /** @type {LatefindFailure} */
    this.failure = { code, url, detail: String(cause), ...room };
  }
}

/** HTTP status of a list that the host does not have any more. */
const LATEFIND_GONE = [404, 410];

/** Files fetched at a time: HTTP/1.1 allows six connections to a host, and pages are opened meanwhile. */
const LATEFIND_AT_ONCE = 4;

/** A file whose connection breaks is asked for again after so many ms. */
const LATEFIND_PAUSES = [500, 3_000];

/** Lists that may replace each other while one is downloaded, before we give up. */
const LATEFIND_RESTARTS = 3;

class LatefindDownload {
  loaded = 0;
  total = 0;
  /** Bytes that were not there when it began. */
  #needed = 0;
  /** Bytes of files that have come since, and fit. */
  #kept = 0;
  #controller = new AbortController();
  #store;
  #pages;
  #report;

  /**
   * @param {LatefindStore} store
   * @param {"all" | "visited" | "none"} pages
   * @param {() => void} report  called when `loaded` or `total` changed
   */
  constructor(store, pages, report) {
    this.#store = store;
    this.#pages = pages;
    this.#report = report;
  }

  stop() {
    this.#controller.abort();
  }

  get stopped() {
    return this.#controller.signal.aborted;
  }

  /**
   * @param {string[]} seen  URLs of the page that asks, and of its files
   * @throws {LatefindTrouble}
   */
  async run(seen) {
    for (let restart = 0; ; restart += 1) {
      const text = await this.#fetchList();
      const version = await this.#store.keepList(text);
      try {
        if (await this.#isWhole(version)) return;
        await this.#store.change({ pending: version.id });
        await this.#fetchFiles(await this.#wantedOf(version, seen));
        this.#controller.signal.throwIfAborted();
        return await this.#store.activate(version);
      } catch (error) {
        // A file that is not what the list says: has the site been published anew meanwhile?
        const stale = error instanceof LatefindTrouble && /missing|integrity/.test(error.failure.code);
        if (!stale || restart === LATEFIND_RESTARTS || (await this.#fetchList()) === text) throw error;
      }
    }
  }

  async #fetchList() {
    const url = this.#store.listUrl;
    const response = await fetch(url, { cache: "no-cache", signal: this.#controller.signal }).catch((error) => {
      throw new LatefindTrouble("network", url, error);
    });
    if (LATEFIND_GONE.includes(response.status)) throw new LatefindTrouble("list", url, `HTTP ${response.status}`);
    if (!response.ok) throw new LatefindTrouble("network", url, `HTTP ${response.status}`);
    const text = await response.text();
    try {
      new LatefindVersion(text, this.#store.base);
    } catch (error) {
      throw new LatefindTrouble("network", url, error); // A log-in page of the network, say.
    }
    return text;
  }

  /** @param {LatefindVersion} version */
  async #isWhole(version) {
    const { active, gone, pending } = await this.#store.state();
    if (version.id !== active || (await this.#store.missing(version, this.#pages === "all")).length) return false;
    if (gone !== null || pending !== null) await this.#store.change({ gone: null, pending: null });
    return true;
  }

  /**
   * @param {LatefindVersion} version
   * @param {string[]} seen
   */
  async #wantedOf(version, seen) {
    if (this.#pages === "all") return version.files;
    const search = version.files.filter(({ page }) => !page);
    if (this.#pages === "none") return search;
    const { active } = await this.#store.state();
    const visited = new Set(await this.#store.visited(version, active));
    for (const url of seen) {
      const file = URL.canParse(url) ? version.find(new URL(url).pathname) : undefined;
      if (file?.page && new URL(url).origin === location.origin) visited.add(file);
    }
    return [...search, ...visited];
  }

  /** @param {LatefindFile[]} files */
  async #fetchFiles(files) {
    this.total = files.reduce((sum, { bytes }) => sum + bytes, 0);
    this.loaded = 0;
    /** @type {LatefindFile[]} */
    const missing = [];
    for (const file of files) {
      if (await this.#store.isSound(file)) this.#advance(file.bytes);
      else missing.push(file);
      this.#controller.signal.throwIfAborted();
    }
    await this.#checkRoom(missing);
    const work = async () => {
      for (let file = missing.shift(); file; file = missing.shift()) await this.#fetchPatiently(file);
    };
    const lines = Array.from({ length: LATEFIND_AT_ONCE }, async () => {
      await work().finally(() => missing.splice(0)); // One that fails lets the others end after their file.
    });
    for (const line of await Promise.allSettled(lines)) if (line.status === "rejected") throw line.reason;
  }

  /** @param {LatefindFile[]} missing */
  async #checkRoom(missing) {
    this.#needed = missing.reduce((sum, { bytes }) => sum + bytes, 0);
    const { quota = Infinity, usage = 0 } = await navigator.storage.estimate();
    if (this.#needed > quota - usage) throw this.#noRoom(this.#needed, Math.max(0, quota - usage));
  }

  /**
   * @param {number} needed
   * @param {number} available
   */
  #noRoom(needed, available) {
    return new LatefindTrouble("quota", this.#store.base, "", { needed, available });
  }

  /**
   * @param {unknown} error
   * @returns {LatefindTrouble} whatever it was
   */
  troubleOf(error) {
    if (error instanceof LatefindTrouble) return error;
    const full = error instanceof DOMException && error.name === "QuotaExceededError";
    return full ? this.#noRoom(this.#needed, 0) : new LatefindTrouble("internal", this.#store.base, error);
  }

  /** @param {LatefindFile} file */
  async #fetchPatiently(file) {
    for (const pause of [...LATEFIND_PAUSES, 0]) {
      this.#controller.signal.throwIfAborted();
      try {
        return await this.#fetchSound(file);
      } catch (error) {
        if (!(error instanceof LatefindTrouble) || error.failure.code !== "network" || !pause) throw error;
        await new Promise((resolve) => setTimeout(resolve, pause));
      }
    }
  }

  /**
   * Wrong bytes are most often an old copy in a cache: ask once more, past it.
   * @param {LatefindFile} file
   */
  async #fetchSound(file) {
    const first = file.key === file.url ? "default" : "no-cache";
    for (const cache of /** @type {const} */ ([first, "reload"])) {
      const response = await this.#open(file, cache);
      const { status } = response;
      if (status >= 500) throw new LatefindTrouble("network", file.url, `HTTP ${status}`);
      // A page that is not published is kept as such: so it is not missed.
      if (status !== 200 && file.strict) throw new LatefindTrouble("missing", file.url, `HTTP ${status}`);
      const got = await this.#keep(file, response);
      if (await this.#store.isSound(file)) {
        this.#kept += file.bytes;
        return this.#advance(file.bytes - got);
      }
      await this.#store.drop(file);
      this.#advance(-got);
    }
    throw new LatefindTrouble("integrity", file.url, `SHA-256 is not ${file.sha256.slice(0, 12)}…`);
  }

  /**
   * @param {LatefindFile} file
   * @param {RequestCache} cache
   */
  async #open({ url }, cache) {
    try {
      return await fetch(url, { cache, signal: this.#controller.signal });
    } catch (error) {
      throw new LatefindTrouble("network", url, error);
    }
  }

  /**
   * @param {LatefindFile} file
   * @param {Response} response
   * @returns {Promise<number>} bytes that were counted
   */
  async #keep(file, response) {
    let got = 0;
    const count = async (/** @type {Response} */ copy) => {
      const reader = copy.body?.getReader();
      for (let chunk = await reader?.read(); chunk && !chunk.done; chunk = await reader?.read()) {
        const step = Math.min(chunk.value.length, file.bytes - got);
        got += step;
        this.#advance(step);
      }
    };
    const copy = response.clone();
    const done = await Promise.allSettled([this.#store.put(file, response), count(copy)]);
    const failed = done.find(({ status }) => status === "rejected");
    if (!failed) return got;
    await this.#store.drop(file);
    this.#advance(-got);
    const { reason } = /** @type {PromiseRejectedResult} */ (failed);
    if (reason?.name !== "QuotaExceededError") throw new LatefindTrouble("network", file.url, reason);
    // What the browser estimates was wrong, then: all that is known is how much did fit.
    throw this.#noRoom(this.#needed, this.#kept);
  }

  /** @param {number} bytes */
  #advance(bytes) {
    this.loaded += bytes;
    if (bytes) this.#report();
  }
}
