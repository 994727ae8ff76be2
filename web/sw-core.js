/**
 * @file The service worker of an offline copy. A site that has a service worker already imports this file with
 * one line, `importScripts("/latefind/sw-core.js")`; for others `latefind build` writes one that does.
 *
 * Nothing is stored before the visitor asks for it (`offline.js`). From then on a version of the site is
 * fetched whole, then given out; a newer one is fetched behind it and takes its place for pages that are
 * opened later. Pages that are open keep theirs, workers included, and it is deleted when the last one closes.
 * Requests that the copy has nothing to say about are left to the browser, or to the site's own listeners.
 */
"use strict";

/**
 * Written by `latefind build`: the search folder, below the scope, and which pages an offline copy has.
 * @type {{folder: string, pages: "all" | "visited" | "none"}}
 */
const LATEFIND_SETTINGS = { folder: "latefind/", pages: "all" };

/** A newer version is looked for when a page is opened, at most every so many ms. */
const LATEFIND_CHECK = 30_000;

/** For so long (ms) a host may be without a list before the copy is given up: it may be in the middle of a deployment. */
const LATEFIND_GRACE = 24 * 3600_000;

/** Progress is told at most every so many ms. */
const LATEFIND_REPORT = 200;

(() => {
  const worker = /** @type {ServiceWorkerGlobalScope} */ (/** @type {unknown} */ (self));
  const { scope } = worker.registration;
  // A site whose root is not the scope says before the import where its search is.
  const told = /** @type {{latefindBase?: string}} */ (/** @type {unknown} */ (self)).latefindBase;
  const base = new URL(told ?? LATEFIND_SETTINGS.folder, scope).href;
  const { pages } = LATEFIND_SETTINGS;
  importScripts(`${base}sw-store.js`, `${base}sw-download.js`);

  const folder = new URL(base).pathname;
  const store = new LatefindStore(base, scope);
  /** @type {{download: LatefindDownload, done: Promise<void>} | undefined} */
  let job;
  /** @type {LatefindFailure | null} */
  let failure = null;
  let checked = 0;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let telling;

  worker.addEventListener("fetch", (event) => {
    const { request } = event;
    const { origin, pathname } = new URL(request.url);
    if (request.method !== "GET" || origin !== location.origin || request.headers.has("range")) return;
    if (request.cache === "only-if-cached" || store.isOff) return;
    if (pathname.startsWith(folder) || pages !== "none") event.respondWith(answer(event, pathname));
    else if (request.mode === "navigate") event.waitUntil(welcome(event).catch(() => undefined));
  });

  worker.addEventListener("message", (event) => {
    const wish = event.data?.latefind;
    if (typeof wish !== "string" || event.data.base !== base) return;
    event.waitUntil(obey(wish, event));
  });

  /**
   * @param {FetchEvent} event
   * @param {string} pathname
   * @returns {Promise<Response>}
   */
  async function answer(event, pathname) {
    const { request } = event;
    const version = await welcome(event).catch(() => undefined); // Storage may be forbidden by now.
    if (!version) return fetch(request);
    const opened = request.mode === "navigate";
    if (opened && version.isFolder(pathname)) {
      return Response.redirect(`${pathname}/${new URL(request.url).search}`, 302);
    }
    const file = version.find(pathname);
    const { gone } = await store.state();
    try {
      if (!file || (opened && gone !== null)) return await fetch(request);
      const again = !opened && request.cache === "reload";
      return (!again && (await store.match(file))) || (await fetchAgain(file, request));
    } catch (error) {
      const kept = opened && file && (await store.match(file));
      const excuse = kept || (opened && (await offlinePage(version)));
      if (excuse) return excuse;
      throw error;
    }
  }

  /**
   * Find the version that a request lives on; whoever it creates lives on the same.
   * @param {FetchEvent} event
   * @returns {Promise<LatefindVersion | undefined>} none while there is no copy
   */
  async function welcome(event) {
    const { active, wanted, pending } = await store.state();
    const opened = event.request.mode === "navigate";
    if (opened && wanted) event.waitUntil(lookForNews(pending !== null));
    if (!active) return undefined;
    const id = (!opened && (await store.versionOf(event.clientId))) || active;
    if (event.resultingClientId) await store.bear(event.resultingClientId, id);
    return store.version(id);
  }

  /**
   * A file that is not stored, or that the search found damaged.
   * @param {LatefindFile} file
   * @param {Request} request
   */
  async function fetchAgain(file, request) {
    const response = await fetch(request);
    if (!response.ok || response.type === "opaqueredirect") return response;
    const copy = response.clone();
    try {
      await store.put(file, copy);
      if (!(await store.isSound(file))) await store.drop(file);
    } catch {
      await store.drop(file); // No room: the page has its answer all the same.
    }
    return response;
  }

  /**
   * What a page shows that is not in the copy, under its own address.
   * @param {LatefindVersion} version
   */
  async function offlinePage(version) {
    const file = version.find(`${folder}offline.html`);
    const stored = file && (await store.match(file));
    if (!stored) return undefined;
    const there = folder.replaceAll("&", "&amp;");
    const text = (await stored.text()).replaceAll('="./', `="${there}`);
    const headers = new Headers(stored.headers);
    for (const name of ["content-length", "content-encoding"]) headers.delete(name);
    return new Response(text, { headers });
  }

  /** @param {boolean} atOnce  go on with what was interrupted */
  async function lookForNews(atOnce) {
    if (job) return job.done;
    if (!atOnce && Date.now() - checked < LATEFIND_CHECK) return undefined;
    checked = Date.now();
    return start();
  }

  /**
   * Bring the copy up to date, unless that is under way.
   * @param {string[]} [seen]
   * @returns {Promise<void>}
   */
  function start(seen = []) {
    if (!job) {
      failure = null;
      const download = new LatefindDownload(store, pages, tellSoon);
      const done = download
        .run(seen)
        .then(() => store.clean())
        .catch((error) => settle(error, download))
        .finally(() => {
          job = undefined;
          return tell();
        });
      job = { download, done };
    }
    return job.done;
  }

  /**
   * @param {unknown} error
   * @param {LatefindDownload} download
   */
  async function settle(error, download) {
    if (download.stopped) return;
    ({ failure } = download.troubleOf(error));
    const { active, gone } = await store.state();
    if (failure.code === "list") {
      const since = gone ?? Date.now();
      if (!active || Date.now() - since > LATEFIND_GRACE) await store.remove();
      else await store.change({ gone: since });
    }
    if (failure.code !== "quota") return;
    // What does not fit is not half there either: back to what was before.
    if (!active) return store.remove();
    const change = store.change({ pending: null });
    await store.clean(); // Which may make the room that the change needs.
    await change.catch(() => store.change({}));
  }

  /**
   * @param {string} wish
   * @param {ExtendableMessageEvent} event
   */
  async function obey(wish, event) {
    let work;
    if (wish === "enable") {
      if (await admit()) work = start(event.data.seen);
    } else if (wish === "disable") {
      job?.download.stop();
      await job?.done;
      failure = null;
      await store.remove();
    } else if (wish === "continue" || (wish === "status" && (await store.state()).wanted && !(await isQuiet()))) {
      work = (await store.state()).wanted ? start() : undefined;
    }
    const source = /** @type {Client | null} */ (event.source);
    event.ports[0]?.postMessage(await statusFor(source?.id ?? ""));
    if (wish === "disable") await tell();
    await (work ?? job?.done);
  }

  /** Note that a copy is wanted, if there is room for as much as a note. */
  async function admit() {
    try {
      await store.change({ wanted: true });
      return true;
    } catch (error) {
      ({ failure } = new LatefindDownload(store, pages, tellSoon).troubleOf(error));
      await store.remove();
      return false;
    }
  }

  /** Whether there is nothing to go on with: a copy that is whole, or a failure that was told already. */
  async function isQuiet() {
    const { active, pending } = await store.state();
    const version = active && (await store.version(active));
    return failure !== null || (version && !pending && !(await store.missing(version, pages === "all")).length);
  }

  function tellSoon() {
    telling ??= setTimeout(() => void tell(), LATEFIND_REPORT);
  }

  async function tell() {
    clearTimeout(telling);
    telling = undefined;
    const all = await worker.clients.matchAll({ type: "window", includeUncontrolled: true });
    for (const client of all) client.postMessage({ latefind: "status", base, status: await statusFor(client.id) });
  }

  /**
   * @param {string} client
   * @returns {Promise<import("./offline-protocol.js").Report>}
   */
  async function statusFor(client) {
    const { wanted, active } = await store.state();
    const version = active ? await store.version(active) : undefined;
    const missing = version && !job ? await store.missing(version, pages === "all") : [];
    const files = version?.files.filter(({ page }) => !page || pages === "all") ?? [];
    const size = files.reduce((sum, { bytes }) => sum + bytes, 0);
    const running = job?.download.total ? job.download : undefined;
    const lost = missing.reduce((sum, { bytes }) => sum + bytes, 0);
    const state = version ? (running ? "updating" : lost ? "damaged" : "ready") : job ? "loading" : "paused";
    return {
      state: wanted ? state : "off",
      pages,
      bytesLoaded: running?.loaded ?? size - lost,
      bytesTotal: running?.total ?? size,
      version: active,
      outdated: active !== null && (await store.versionOf(client)) !== active,
      failure,
    };
  }
})();
