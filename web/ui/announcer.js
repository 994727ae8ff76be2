/**
 * @file Tells screen readers what changed, politely, and only once it has stopped changing: each keystroke
 * replaces the list.
 */

/** Nothing new for this long (ms) before something is said. */
const REST = 700;

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
