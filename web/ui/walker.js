/**
 * @file Where somebody is in the list: walking through it with the keyboard, and whether it may change.
 *
 * In a modal or dropdown the focus stays in the field and the active option is told by
 * `aria-activedescendant`; on a page the focus itself moves, from link to link.
 */

/** @typedef {import("./results.js").ResultList} ResultList */

/** Results that Page Up and Page Down move by. */
const PAGE = 5;

export class Walker {
  #input;
  #list;
  #popup;
  #onFree;
  /** @type {HTMLElement | undefined} */
  #stop;

  /**
   * @param {HTMLInputElement} input
   * @param {ResultList} list
   * @param {boolean} popup
   * @param {() => void} onFree  no result is active any more
   */
  constructor(input, list, popup, onFree) {
    this.#input = input;
    this.#list = list;
    this.#popup = popup;
    this.#onFree = onFree;
  }

  /** @returns {number} which entry is active; -1 for none */
  get at() {
    const root = /** @type {ShadowRoot} */ (this.#input.getRootNode());
    const active = this.#popup ? this.#stop : root.activeElement;
    return this.#list.entries.findIndex(({ stop }) => stop === active);
  }

  get active() {
    return this.#list.entries[this.at] ?? null;
  }

  clear() {
    this.#select(-1);
  }

  /**
   * Make an entry the active one.
   * @param {number} at  -1 for the field
   */
  go(at) {
    const was = this.at;
    if (this.#popup) this.#select(at);
    else (this.#list.entries[at]?.stop ?? this.#input).focus();
    this.active?.stop.scrollIntoView({ block: "nearest" });
    if (was >= 0 && at < 0) this.#onFree();
  }

  /**
   * @param {KeyboardEvent} event
   * @returns {boolean} whether the key was one of the list's
   */
  handle(event) {
    const { key, altKey, ctrlKey, metaKey, shiftKey, isComposing } = event;
    if (altKey || shiftKey || isComposing) return false;
    const { at } = this;
    if (key === "Enter") return this.#popup && at >= 0 && this.#open(ctrlKey || metaKey);
    const last = this.#list.entries.length - 1;
    const inPage = !this.#popup && event.composedPath()[0] !== this.#input;
    if (last < 0 || (inPage && at < 0)) return false;
    const target = this.#target(key, at, last);
    if (target === null) return false;
    this.go(target);
    return true;
  }

  /**
   * @param {string} key
   * @param {number} at
   * @param {number} last
   * @returns {number | null}
   */
  #target(key, at, last) {
    if (key === "ArrowDown") return Math.min(at + 1, last);
    if (key === "PageDown") return Math.min(at + PAGE, last);
    // Without an active result these keys are the field's.
    if (at < 0) return null;
    if (key === "ArrowUp") return at - 1;
    if (key === "PageUp") return Math.max(at - PAGE, 0);
    if (key === "Home") return 0;
    if (key === "End") return last;
    return null;
  }

  /** @param {boolean} newTab */
  #open(newTab) {
    this.active?.open(newTab);
    return true;
  }

  /** @param {number} at */
  #select(at) {
    if (!this.#popup) return;
    this.#stop?.setAttribute("aria-selected", "false");
    this.#stop = this.#list.entries[at]?.stop;
    this.#stop?.setAttribute("aria-selected", "true");
    if (this.#stop) this.#input.setAttribute("aria-activedescendant", this.#stop.id);
    else this.#input.removeAttribute("aria-activedescendant");
  }
}

/**
 * Whether the list may change under the visitor.
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
