/**
 * @file Tells when nobody has asked for so long that the worker, with a few hundred megabytes, should go; a
 * page that nobody sees waits less. The next question starts it again.
 */

import { LatefindError } from "./protocol.js";

/** How long (ms) a worker without a question is kept, unless the page says otherwise. */
export const IDLE = 600_000;

/** The share of that which it is kept in a page that is hidden. */
const HIDDEN = 1 / 5;

/** Browsers take no longer time; beyond, the worker stays. */
const LONGEST = 2 ** 31 - 1;

export class Rest {
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #timer;
  #since = 0;
  #idle;
  #begun;

  /**
   * @param {number} idle
   * @param {() => void} begun  called when it is time
   * @throws {LatefindError} `usage`
   */
  constructor(idle, begun) {
    if (typeof idle !== "number" || !(idle > 0)) {
      const got = JSON.stringify(idle) ?? "nothing";
      throw LatefindError.expected("usage", "idle", "a number of ms above 0", got, "Leave it out for ten minutes.");
    }
    this.#idle = idle;
    this.#begun = begun;
  }

  /** From now on nothing is asked. */
  wait() {
    this.stop();
    this.#since = performance.now();
    document.addEventListener("visibilitychange", this.#set);
    this.#set();
  }

  /** Something is asked, or the worker is gone. */
  stop() {
    clearTimeout(this.#timer);
    document.removeEventListener("visibilitychange", this.#set);
  }

  #set = () => {
    clearTimeout(this.#timer);
    const time = this.#idle * (document.visibilityState === "hidden" ? HIDDEN : 1);
    const left = Math.max(0, time - (performance.now() - this.#since));
    if (left > LONGEST) return;
    this.#timer = setTimeout(() => {
      this.stop();
      this.#begun();
    }, left);
  };
}
