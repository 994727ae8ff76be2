/**
 * @file Keeps a site and its search on the visitor's device, when the visitor wants that: `createOffline`. The
 * work is done by the service worker (`sw-core.js`); this module registers it, tells it what is wanted, and
 * says how it stands. Nothing is stored or registered before `enable()`. See `docs/privacy-offline.md`.
 */

import { forgetStart } from "./kept.js";
import { searchFolder } from "./place.js";
import { LatefindError, describe } from "./protocol.js";

/** @typedef {import("./offline-protocol.js").Report} Report */
/** @typedef {Omit<Report, "failure"> & {error: LatefindError | null, needed: number, available: number}} Status */

/** A service worker that knows us answers at once; one that does not never would (ms). */
const PATIENCE = 5_000;

/** While files are fetched, a message every so many ms keeps browsers from ending the service worker. */
const KEEP_AWAKE = 20_000;

/** @type {Status} */
const OFF = {
  state: "off",
  pages: "all",
  bytesLoaded: 0,
  bytesTotal: 0,
  version: null,
  outdated: false,
  error: null,
  needed: 0,
  available: 0,
};

/**
 * @param {object} [options]
 * @param {string | URL} [options.base]    URL of the latefind folder; by default this module's own
 * @param {string | URL} [options.worker]  the site's own service worker, if that imports `sw-core.js`
 * @returns {Promise<Offline>} with a status that is known, whatever it is
 */
export async function createOffline({ base, worker } = {}) {
  const offline = new Offline(searchFolder(base).href, worker && new URL(worker, document.baseURI).href);
  await offline.refresh();
  return offline;
}

/** The offline copy of a site. Dispatches "status" whenever {@link Offline.status} changes. */
export class Offline extends EventTarget {
  /** @type {Status} */
  #status = OFF;
  #base;
  #worker;
  /** @type {{total: number, root: string, pages: Report["pages"]} | undefined} */
  #list;
  /** @type {ReturnType<typeof setInterval> | undefined} */
  #awake;

  /**
   * @param {string} base
   * @param {string} [worker]
   */
  constructor(base, worker) {
    super();
    this.#base = base;
    this.#worker = worker;
  }

  /** @returns {Readonly<Status>} */
  get status() {
    return this.#status;
  }

  /** Ask how it stands, without changing it; what was interrupted goes on. */
  async refresh() {
    try {
      await checkStorage();
    } catch (error) {
      this.#set({ ...OFF, state: "unsupported", error: /** @type {LatefindError} */ (error) });
      return;
    }
    navigator.serviceWorker.addEventListener("message", this.#listen);
    navigator.serviceWorker.startMessages();
    addEventListener("online", this.#resume);
    const active = (await this.#registration())?.active;
    const report = active && (await this.#ask(active, "status").catch(() => undefined));
    if (report && report.state !== "off") this.#take(report);
    else await this.#offer();
  }

  /**
   * Fetch the copy, or what is missing of it. Resolves once that is under way; `status` tells the rest.
   * @throws {LatefindError} `unsupported`, `unavailable` or `service-worker`
   */
  async enable() {
    if (this.#status.state === "unsupported") throw this.#status.error;
    const list = await this.#readList();
    const active = await this.#start(list.root);
    // May be refused, and helps where it is not: the browser then asks before it deletes anything.
    await navigator.storage.persist?.().catch(() => false);
    const seen = [location.href, ...performance.getEntriesByType("resource").map(({ name }) => name)];
    this.#take(await this.#ask(active, "enable", { seen }));
  }

  /** Stop fetching, delete everything that is stored, and remove the service worker if it is ours. */
  async disable() {
    const registration = await this.#registration();
    const active = registration?.active;
    if (active) await this.#ask(active, "disable");
    if (active && !this.#worker && isOurs(active)) await registration.unregister();
    await forgetStart(this.#base);
    await this.#offer();
  }

  /** Stop listening; what is being fetched goes on. */
  close() {
    clearInterval(this.#awake);
    removeEventListener("online", this.#resume);
    navigator.serviceWorker?.removeEventListener("message", this.#listen);
  }

  /** The service worker in whose scope the search is. */
  #registration() {
    return navigator.serviceWorker.getRegistration(this.#base);
  }

  /** @param {MessageEvent} event */
  #listen = ({ data }) => {
    if (data?.latefind === "status" && data.base === this.#base) this.#take(data.status);
  };

  #resume = async () => {
    const active = (await this.#registration())?.active;
    if (active && this.#status.state !== "off") this.#take(await this.#ask(active, "continue"));
  };

  /** Say what a copy would weigh; nothing is stored. */
  async #offer() {
    try {
      const { total, pages } = await this.#readList();
      this.#set({ ...OFF, pages, bytesTotal: total });
    } catch (error) {
      const coded = /** @type {LatefindError} */ (error);
      this.#set({ ...OFF, state: coded.code === "unavailable" ? "unavailable" : "off", error: coded });
    }
  }

  async #readList() {
    this.#list ??= await readList(this.#base);
    return this.#list;
  }

  /**
   * Register a service worker where none is, and wait until it can be spoken to.
   * @param {string} root  the site's
   */
  async #start(root) {
    const script = this.#worker ?? new URL("latefind-sw.js", root).href;
    try {
      const found = await this.#registration();
      const registration = found ?? (await navigator.serviceWorker.register(script, { updateViaCache: "none" }));
      return await activated(registration);
    } catch (error) {
      throw LatefindError.expected(
        "service-worker",
        script,
        "a service worker that starts",
        `"${describe(error)}"`,
        "Check that the file is there and served as text/javascript, and that its scope contains the search folder.",
        String(error),
      );
    }
  }

  /**
   * @param {ServiceWorker} worker
   * @param {"status" | "enable" | "disable" | "continue"} wish
   * @param {object} [more]
   * @returns {Promise<Report>}
   */
  #ask(worker, wish, more = {}) {
    const { port1, port2 } = new MessageChannel();
    return new Promise((resolve, reject) => {
      const silent = () => reject(mute(worker, this.#base));
      // Removing waits until nothing is written any more, which takes as long as a file.
      const timer = setTimeout(silent, wish === "disable" ? 12 * PATIENCE : PATIENCE);
      port1.onmessage = ({ data }) => {
        clearTimeout(timer);
        resolve(data);
      };
      worker.postMessage({ latefind: wish, base: this.#base, ...more }, [port2]);
    });
  }

  /** @param {Report} report */
  #take({ failure, ...report }) {
    const bytesTotal = report.bytesTotal || this.#list?.total || 0;
    const error = failure && errorOf(failure);
    // Where there was no room for as much as a note, nothing was counted yet.
    const needed = failure?.code === "quota" ? failure.needed || bytesTotal : 0;
    const available = failure?.available ?? 0;
    this.#set({ ...report, bytesTotal, error, needed, available });
  }

  /** @param {Status} status */
  #set(status) {
    this.#status = status;
    const busy = status.state === "loading" || status.state === "updating";
    if (busy) this.#awake ??= setInterval(this.#resume, KEEP_AWAKE);
    else {
      clearInterval(this.#awake);
      this.#awake = undefined;
    }
    this.dispatchEvent(new Event("status"));
  }
}

/** @throws {LatefindError} `unsupported`: private windows and blocked storage look different in every browser */
async function checkStorage() {
  if (!isSecureContext) throw unsupported("a secure connection (https)", location.protocol);
  try {
    if (!navigator.serviceWorker) throw new Error("no service workers");
    await caches.has("latefind");
    await navigator.storage.estimate();
    await navigator.serviceWorker.getRegistration();
  } catch (error) {
    throw unsupported("a browser window that may store files", `"${describe(error)}"`);
  }
}

/**
 * @param {string} expected
 * @param {string} got
 */
function unsupported(expected, got) {
  const advice = "Search works as long as there is a connection; a private window, or blocked cookies, forbid storage.";
  return LatefindError.expected("unsupported", "offline copy", expected, got, advice);
}

/**
 * @param {string} base
 * @returns {Promise<{total: number, root: string, pages: Report["pages"]}>}
 * @throws {LatefindError} `unavailable` or `network`
 */
async function readList(base) {
  const url = `${base}precache.json`;
  try {
    const response = await fetch(url, { cache: "no-cache" });
    if (response.status === 404) {
      const advice = "Build with --pwa, or pwa = true in latefind.toml, to offer one.";
      throw LatefindError.expected("unavailable", url, "the list of an offline copy", "HTTP status 404", advice);
    }
    const list = await response.json();
    const pages = list.pages === "all" ? list.site : [];
    const total = [...list.hashed, ...list.search, ...pages].reduce((sum, [, bytes]) => sum + bytes, 0);
    return { total, root: new URL(list.root, base).href, pages: list.pages };
  } catch (error) {
    if (error instanceof LatefindError) throw error;
    const advice = "Check the connection, then try again.";
    throw LatefindError.expected("network", url, "the list of an offline copy", `"${describe(error)}"`, advice);
  }
}

/**
 * @param {ServiceWorkerRegistration} registration
 * @returns {Promise<ServiceWorker>} once it is active
 */
function activated({ installing, waiting, active }) {
  if (active) return Promise.resolve(active);
  const worker = installing ?? waiting;
  return new Promise((resolve, reject) => {
    const look = () => {
      if (worker?.state === "activated" || worker?.state === "activating") resolve(worker);
      if (!worker || worker.state === "redundant") reject(new Error("it did not install"));
    };
    worker?.addEventListener("statechange", look);
    look();
  });
}

/** @param {ServiceWorker} worker */
function isOurs({ scriptURL }) {
  return new URL(scriptURL).pathname.endsWith("/latefind-sw.js");
}

/**
 * @param {ServiceWorker} worker
 * @param {string} base
 */
function mute({ scriptURL }, base) {
  const line = `importScripts("${new URL(base).pathname}sw-core.js")`;
  return LatefindError.expected("service-worker", scriptURL, "an answer", "none", `Add the line ${line} to it.`);
}

/** @param {import("./offline-protocol.js").Failure} failure */
function errorOf({ code, url, detail, needed, available }) {
  const [expected, got, advice] = {
    network: ["the whole file", "a broken connection", "It goes on when there is a connection again."],
    missing: ["the file", "none", "Check that the whole site was uploaded."],
    integrity: ["the file that was built", "another", "Check that the server does not change files; upload it again."],
    quota: [`${needed} bytes of room`, `${available}`, "Free some storage on this device, then try again."],
    list: ["the list of an offline copy", "none any more", "The site may have stopped offering one."],
    internal: ["an offline copy", "a failure", "Please report it."],
  }[code];
  return LatefindError.expected(code, url, expected ?? "", got ?? "", advice ?? "", detail);
}
