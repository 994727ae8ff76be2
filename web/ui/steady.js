/**
 * @file Whether the list may change under the visitor.
 *
 * A better answer to the same question may arrive while somebody already aims at a result. The list then
 * stays as it is, and the answer waits, while one of these holds:
 *
 * - the pointer has moved over the list since the last keystroke, and is still there (one that merely rests
 *   where the list appeared does not count: whoever types is not aiming),
 * - a finger is on it,
 * - it is scrolled,
 * - a result is active or has the focus.
 */
export class Steady {
  #list;
  #isActive;
  #aiming = false;
  #last = "";

  /**
   * @param {HTMLElement} list          also what scrolls
   * @param {() => boolean} isActive  whether a result is active
   * @param {() => void} onFree       the list may change again
   */
  constructor(list, isActive, onFree) {
    this.#list = list;
    this.#isActive = isActive;
    list.addEventListener("pointermove", ({ screenX, screenY }) => {
      const place = `${screenX} ${screenY}`;
      // Browsers also report a move where content moves under a pointer that rests.
      if (this.#last && place !== this.#last) this.#aiming = true;
      this.#last = place;
    });
    list.addEventListener("pointerdown", () => (this.#aiming = true));
    const leave = () => {
      this.#aiming = false;
      this.#last = "";
      if (!this.busy) onFree();
    };
    list.addEventListener("pointerleave", leave);
    list.addEventListener("pointercancel", leave);
    list.addEventListener("scroll", () => !this.busy && onFree(), { passive: true });
  }

  /** The visitor typed, and so does not aim. */
  typed() {
    this.#aiming = false;
    this.#last = "";
  }

  get busy() {
    return this.#aiming || this.#list.scrollTop > 0 || this.#isActive();
  }
}
