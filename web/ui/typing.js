/**
 * @file When what is being typed is asked: as soon as typing rests, and now and then where it does not. Who
 * types evenly and fast would otherwise see nothing before the end.
 */

/** Typing rests for this long (ms) before a query runs. */
const REST = 90;

/** A letter waits for its query no longer than this (ms). */
const LONGEST = 240;

export class Typing {
  #run;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #timer;
  /** When the first letter came that no query has taken up. @type {number | undefined} */
  #since;

  /** @param {(hasty: boolean) => void} run  asks what is typed by then, in haste while it goes on */
  constructor(run) {
    this.#run = run;
  }

  /** A letter was typed, or taken away. */
  typed() {
    const now = performance.now();
    this.#since ??= now;
    clearTimeout(this.#timer);
    const left = this.#since + LONGEST - now;
    this.#timer = left < REST ? setTimeout(() => this.#hurry(), left) : setTimeout(() => this.#run(false), REST);
  }

  #hurry() {
    this.#run(true);
    // That may have been the last letter.
    this.#timer = setTimeout(() => this.#run(false), REST);
  }

  /** It is asked now. */
  stop() {
    clearTimeout(this.#timer);
    this.#since = undefined;
  }
}
