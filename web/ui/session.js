/**
 * @file The search behind the element, opened when it is first wanted and asked one question at a time; and
 * recent searches, kept in this browser only, and only where the site asks for it.
 */

import { savesData } from "./ahead.js";

/** @typedef {import("./types.js").Searcher} Searcher */
/** @typedef {import("./types.js").Answer} Answer */
/** @typedef {import("./types.js").Wish} Wish */

/** A recent search is kept up to this many characters. */
const LONGEST = 200;

export class Session {
  #create;
  #onStatus;
  /** @type {Promise<Searcher> | undefined} */
  #opening;
  /** @type {Searcher | undefined} */
  #search;
  /** @type {AbortController | undefined} */
  #query;

  /**
   * @param {() => Promise<Searcher>} create
   * @param {() => void} onStatus  its status, or its offer, has changed
   */
  constructor(create, onStatus) {
    this.#create = create;
    this.#onStatus = onStatus;
  }

  /** @returns {Searcher | undefined} where it is open */
  get search() {
    return this.#search;
  }

  /** @returns {Promise<Searcher>} */
  open() {
    this.#opening ??= this.#open();
    return this.#opening;
  }

  async #open() {
    try {
      this.use(await this.#create());
      return /** @type {Searcher} */ (this.#search);
    } catch (error) {
      this.#opening = undefined; // The next call begins afresh.
      throw error;
    }
  }

  /**
   * Take a search that somebody else has opened.
   * @param {Searcher} search
   */
  use(search) {
    this.#search = search;
    this.#opening = Promise.resolve(search);
    for (const event of ["status", "offer"]) search.addEventListener(event, this.#onStatus);
    this.#onStatus();
  }

  /**
   * Open the search before the first query is typed; where there are no words to search by, load its meaning.
   * @param {boolean} free  whether the site leaves that to us
   */
  async warm(free) {
    const search = await this.open();
    const words = ["loading", "ready", "failed"].includes(search.status.lexical);
    if (!words && free && !savesData()) await search.loadSemantic();
  }

  /**
   * Ask; what was asked before is dropped.
   * @param {string} text
   * @param {Omit<Wish, "signal" | "onUpdate" | "mode">} wish
   * @param {(answer: Answer, last: boolean) => void} onAnswer  called for each answer, a better one each time
   * @param {boolean} [hasty]  while somebody types on: by words, which cost little, where there is a choice
   * @returns {Promise<void>} once the last answer is there; rejects unless another question came
   */
  async ask(text, wish, onAnswer, hasty = false) {
    this.drop();
    const { signal } = (this.#query = new AbortController());
    try {
      const search = await this.open();
      if (signal.aborted) return;
      const onUpdate = (/** @type {Answer} */ answer) => signal.aborted || onAnswer(answer, false);
      const { lexical, semantic } = search.status;
      const mode = hasty && lexical === "ready" && semantic === "ready" ? "lexical" : "hybrid";
      const answer = await search.query(text, { ...wish, mode, signal, onUpdate });
      if (!signal.aborted) onAnswer(answer, true);
    } catch (error) {
      if (!signal.aborted) throw error;
    }
  }

  /** Whoever asked no longer wants the answer. */
  drop() {
    this.#query?.abort();
    this.#query = undefined;
  }

  close() {
    this.drop();
    const opening = this.#opening;
    this.#opening = this.#search = undefined;
    opening?.then(
      (search) => {
        for (const event of ["status", "offer"]) search.removeEventListener(event, this.#onStatus);
        search.close();
      },
      () => undefined, // Shown when it happened; there is nothing to close.
    );
  }
}

/** Nothing is stored where the site does not ask for it, and nothing is ever sent. */
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
