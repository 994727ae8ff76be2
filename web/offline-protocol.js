/**
 * @file What the service worker of an offline copy and the pages tell each other. A page posts a {@link Wish}
 * with a port, on which it is answered with a {@link Report}; all pages get a {@link News} when it changes.
 */

/**
 * @typedef {object} Wish
 * @property {"status" | "enable" | "disable" | "continue"} latefind
 * @property {string} base    URL of the search folder: a service worker may have other things to listen to
 * @property {string[]} [seen]  with "enable": URLs of the page and of its files
 */

/** @typedef {{latefind: "status", base: string, status: Report}} News */

/**
 * Why an offline copy could not be made or renewed.
 * @typedef {object} Failure
 * @property {"network" | "missing" | "integrity" | "quota" | "list" | "internal"} code
 * @property {string} url        the file
 * @property {string} detail     what the browser said
 * @property {number} needed     bytes that do not fit; 0 unless `code` is "quota"
 * @property {number} available  bytes that do
 */

/**
 * How an offline copy stands:
 *
 * - "off"          none, and none wanted
 * - "loading"      it is being fetched; nothing works offline yet
 * - "paused"       it was interrupted; `enable()` goes on where it stopped, as does the next page
 * - "ready"        it is whole
 * - "updating"     it is whole, and a newer version is being fetched behind it
 * - "damaged"      files of it got lost; `enable()` fetches them again
 * - "unsupported"  this browser, or this window of it, keeps nothing; `error` says why
 * - "unavailable"  this site offers no offline copy
 * @typedef {"off" | "loading" | "paused" | "ready" | "updating" | "damaged" | "unsupported" | "unavailable"} State
 */

/**
 * What the service worker says.
 * @typedef {object} Report
 * @property {State} state
 * @property {"all" | "visited" | "none"} pages  of the site that belong to the copy, beside its search
 * @property {number} bytesLoaded
 * @property {number} bytesTotal
 * @property {string | null} version  that a page opened now gets
 * @property {boolean} outdated       this page was opened before that version was whole
 * @property {Failure | null} failure  why the last attempt ended
 */

export {};
