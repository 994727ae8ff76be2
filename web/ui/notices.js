/**
 * @file What the visitor is told beside results: progress, the offer, what failed, being offline; and what
 * screen readers are told.
 */

import { toWire } from "../protocol.js";

/** @typedef {import("./types.js").Status} Status */
/** @typedef {import("./types.js").Offer} Offer */
/** @typedef {import("./types.js").WireError} WireError */
/** @typedef {import("./texts.js").Texts} Texts */
/** @typedef {import("./texts.js").Key} Key */
/** @typedef {import("./view.js").View} View */

/** What a code means to a visitor; the message itself, for whoever runs the site, is in the details. */
const MEANINGS = /** @type {Record<string, Key>} */ ({
  network: "failedNetwork",
  stalled: "failedNetwork",
  "wasm-blocked": "failedBlocked",
  "worker-failed": "failedBlocked",
  integrity: "failedChanged",
  version: "failedChanged",
  format: "failedChanged",
});

/** Nothing new for this long (ms) before something is announced. */
const REST = 700;

/**
 * Nothing works: the results give way to this.
 * @param {View} view
 * @param {Texts} texts
 * @param {unknown} cause
 */
export function showError(view, texts, cause) {
  const { code, message, detail } = toWire(cause);
  view.headline.textContent = texts.say(meaning(code));
  view.message.textContent = message;
  view.detail.textContent = detail;
  view.detail.hidden = !detail;
  view.details.open = false;
  view.error.dataset["code"] = code;
  view.error.hidden = false;
}

/**
 * @param {string} code
 * @returns {Key}
 */
function meaning(code) {
  if (MEANINGS[code] === "failedNetwork" && !navigator.onLine) return "failedOffline";
  return MEANINGS[code] ?? "failedOther";
}

/**
 * Something works: say what does not.
 * @param {View} view
 * @param {Texts} texts
 * @param {Status | undefined} status
 * @param {readonly WireError[]} warnings  of the answer that is shown
 */
export function showWarning(view, texts, status, warnings) {
  const failed = status?.lexical === "ready" && status.semantic === "failed";
  const reasons = warnings.map(({ message }) => message);
  if (failed && status.error) reasons.unshift(status.error.message);
  view.warning.hidden = !failed && !warnings.length;
  view.warningText.textContent = texts.say(failed ? "wordsOnly" : "partial");
  view.warningMore.textContent = reasons.join("\n");
}

/**
 * @param {View} view
 * @param {Texts} texts
 * @param {Offer | null | undefined} offer
 */
export function showOffer(view, texts, offer) {
  view.offer.hidden = !offer;
  if (offer) view.offerText.textContent = texts.say("offer", { size: texts.megabytes(offer.bytes) });
}

/**
 * @param {View} view
 * @param {Texts} texts
 * @param {Status | undefined} status
 * @returns {string} what is going on
 */
export function showProgress(view, texts, status) {
  const loading = status?.semantic === "loading";
  const { line } = view;
  line.hidden = !loading;
  if (!loading) return "";
  const { bytesLoaded, bytesTotal } = status;
  const share = bytesTotal ? Math.min(1, bytesLoaded / bytesTotal) : 0;
  /** @type {HTMLElement} */ (line.firstElementChild).style.setProperty("inline-size", `${share * 100}%`);
  if (share === 1) return texts.say("starting");
  return texts.say("loading", { loaded: texts.megabytes(bytesLoaded), total: texts.megabytes(bytesTotal) });
}

/**
 * Tells screen readers what changed, politely, and only once it has stopped changing: each keystroke replaces
 * the list.
 */
export class Announcer {
  #region;
  #said = "";
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #timer;

  /** @param {HTMLElement} region  with role "status" */
  constructor(region) {
    this.#region = region;
  }

  /** @param {string} text  empty to say nothing, and to take back what was not said yet */
  say(text) {
    clearTimeout(this.#timer);
    if (!text) this.#said = this.#region.textContent = "";
    if (!text || text === this.#said) return;
    this.#timer = setTimeout(() => (this.#said = this.#region.textContent = text), REST);
  }
}
