/**
 * @file Recent searches, kept in this browser only, and only where the site asks for it: nothing is stored
 * before, and nothing is ever sent.
 */

/** A search is kept up to this many characters. */
const LONGEST = 200;

export class Recent {
  #key;
  #most;

  /**
   * @param {string} base  URL of the search folder: sites below one host have lists of their own
   * @param {number} most  0 keeps nothing
   */
  constructor(base, most) {
    this.#key = `latefind-recent:${new URL(base, document.baseURI).pathname}`;
    this.#most = most;
  }

  /** @returns {string[]} the last one first; none where storage is barred or holds something else */
  get all() {
    if (!this.#most) return [];
    try {
      const stored = JSON.parse(localStorage.getItem(this.#key) ?? "[]");
      if (!Array.isArray(stored)) return [];
      return stored.filter((text) => typeof text === "string" && text !== "").slice(0, this.#most);
    } catch {
      return [];
    }
  }

  /** @param {string} text */
  add(text) {
    const kept = text.trim().slice(0, LONGEST);
    if (!this.#most || !kept) return;
    this.#store([kept, ...this.all.filter((other) => other !== kept)].slice(0, this.#most));
  }

  clear() {
    this.#store([]);
  }

  /** @param {string[]} texts */
  #store(texts) {
    try {
      if (texts.length) localStorage.setItem(this.#key, JSON.stringify(texts));
      else localStorage.removeItem(this.#key);
    } catch {
      // Without storage nothing is remembered; searching goes on.
    }
  }
}
