/**
 * @file The search behind the element: opened when it is first wanted, asked one question at a time.
 */

/** @typedef {import("./types.js").Searcher} Searcher */
/** @typedef {import("./types.js").Answer} Answer */
/** @typedef {import("./types.js").Wish} Wish */

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
   * @param {Omit<Wish, "signal" | "onUpdate">} wish
   * @param {(answer: Answer, last: boolean) => void} onAnswer  called for each answer, a better one each time
   * @returns {Promise<void>} once the last answer is there; rejects unless another question came
   */
  async ask(text, wish, onAnswer) {
    this.drop();
    const { signal } = (this.#query = new AbortController());
    try {
      const search = await this.open();
      if (signal.aborted) return;
      const onUpdate = (/** @type {Answer} */ answer) => signal.aborted || onAnswer(answer, false);
      const answer = await search.query(text, { ...wish, signal, onUpdate });
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

function savesData() {
  const { connection } = /** @type {Navigator & {connection?: {saveData?: boolean}}} */ (navigator);
  return connection?.saveData === true;
}
