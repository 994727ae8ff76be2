/**
 * @file The public API: `createSearch`. Lexical search answers at once; semantic search, in a worker, loads by
 * the site's policy and refines. Either can fail without the other. See `docs/javascript-api.md`.
 */

import { emptyAnswer } from "./answers.js";
import { Edition, coded } from "./edition.js";
import { answerHybrid, answerLexical, answerSemantic } from "./hybrid.js";
import { fetchManifest } from "./manifest-copy.js";
import { namesOf, wellFormed } from "./names.js";
import { searchFolder } from "./place.js";
import { Gate, offError, whenIdle } from "./policy.js";
import { LatefindError } from "./protocol.js";
import { IDLE } from "./rest.js";
import { Session, closedError } from "./session.js";
import { makeWish } from "./wish.js";

export { LatefindError };

/** @typedef {import("./protocol.js").Ranked} Ranked */
/** @typedef {import("./protocol.js").Result} Result */
/** @typedef {import("./protocol.js").Found} Found */
/** @typedef {import("./protocol.js").WireError} WireError */
/** @typedef {import("./answers.js").Answer} Answer */
/** @typedef {import("./answers.js").Content} Content */
/** @typedef {import("./wish.js").Wish} Wish */
/** @typedef {import("./hybrid.js").Signals} Signals */
/** @typedef {import("./session.js").SessionStatus} SessionStatus */

/**
 * @typedef {object} LexicalStatus
 * @property {"loading" | "ready" | "failed" | "absent"} lexical  "absent": the index has no words
 * @property {LatefindError | null} lexicalError  why `lexical` is "failed"
 */

/**
 * `error` is why `semantic` is "failed"; `bytesTotal` is uncompressed, of all that semantic search loads before
 * its first answer, and `bytesLoaded` never falls while loading.
 * @typedef {LexicalStatus & SessionStatus} Status
 */

/** @typedef {import("./wish.js").Mode} Mode */
/** @typedef {import("./wish.js").QueryOptions} QueryOptions */

/**
 * Semantic search that waits for the visitor's consent.
 * @typedef {object} Offer
 * @property {number} bytes  that it would load, uncompressed
 * @property {() => Promise<void>} accept  load it; rejects as `loadSemantic` does
 * @property {() => void} decline
 */

/** The line belongs to the first question for so long (ms) before semantic search loads by itself. */
const HEAD_START = 1_000;

/** Lexical search that failed is tried again by a query after this time, ms. */
const RETRY_AFTER = 10_000;

/**
 * Open the index of a site. Resolves once lexical search can answer, or where there is none, once the manifest
 * is read and checked.
 * @param {{base?: string | URL | undefined, edition?: string | undefined, semantic?: string,
 *   manifest?: Promise<Response>, idle?: number, keepStart?: boolean}} [options]
 *   `base`: URL of the latefind folder; by default this module's own.
 *   `edition`: path in it of the manifest's copy whose name carries its hash, which needs no request once it is kept.
 *   `semantic`: when semantic search may load, "auto" (the default), "ask", "on-demand" or "off".
 *   `manifest`: the folder's `manifest.json`, where it is on its way already.
 *   `idle`: how long (ms) the worker is kept without a question; by default ten minutes.
 *   `keepStart`: whether the browser keeps Python's memory for a quicker start next time; by default it does
 * @returns {Promise<Search>}
 * @throws {LatefindError} `network`, `format`, `version` or `usage`
 */
export async function createSearch(options = {}) {
  const { base, edition, semantic = "auto", idle = IDLE, keepStart = true } = options;
  const gate = new Gate(semantic);
  const folder = searchFolder(base);
  const { manifest = fetchManifest(folder, edition) } = options;
  const opened = await Edition.open(new URL("manifest.json", folder).href, manifest);
  return new Search(opened, gate, { idle, keepStart });
}

/**
 * An open index. Dispatches "status" whenever {@link Search.status} changes, and "offer" whenever
 * {@link Search.offer} appears or goes.
 */
export class Search extends EventTarget {
  #edition;
  #session;
  #gate;
  #care;
  /** @type {Status} */
  #status;
  /** @type {Offer | null} */
  #offer = null;
  /** @type {Promise<boolean> | null} */
  #renewing = null;
  /** Errors that a look at the manifest has not explained. @type {Set<string>} */
  #unexplained = new Set();
  #lexicalFailed = 0;
  #closed = false;

  /**
   * @param {Edition} edition
   * @param {Gate} gate
   * @param {import("./session.js").Care} care
   */
  constructor(edition, gate, care) {
    super();
    this.#edition = edition;
    this.#gate = gate;
    this.#care = care;
    this.#session = this.#open(edition);
    this.#status = { ...this.#session.status, ...lexicalStatus(edition) };
    if (edition.lexicalError) this.#lexicalFailed = Date.now();
    this.#updateOffer();
    if (gate.startsByItself && edition.lexical) setTimeout(() => whenIdle(() => this.#startByItself()), HEAD_START);
  }

  /** @returns {Readonly<Status>} */
  get status() {
    return this.#status;
  }

  /** What the visitor is to be asked before semantic search loads; `null` where there is nothing to ask. */
  get offer() {
    return this.#offer;
  }

  /** What may be filtered by: for each facet its values with the number of their sections. */
  get facets() {
    return this.#edition.lexical?.facets ?? [];
  }

  /**
   * Load what semantic search needs, whatever the policy but "off": once, however often it is called; afresh
   * after a failure.
   * @returns {Promise<void>}
   */
  async loadSemantic() {
    this.#check();
    if (this.#gate.isOff) throw offError();
    this.#gate.answer(true);
    await this.#again(async (edition) => {
      try {
        await this.#session.start();
      } catch (error) {
        throw await this.#explain(edition, coded(error));
      }
    });
  }

  /**
   * @param {string} text
   * @param {QueryOptions} [options]
   * @returns {Promise<Answer>}  the best that is available by policy
   * @throws {LatefindError | DOMException} a DOMException "AbortError" where `signal` aborts
   */
  async query(text, options = {}) {
    options.signal?.throwIfAborted();
    this.#check();
    const { mode = "hybrid", onUpdate } = options;
    const wish = makeWish(text, options);
    if (!wish.text.trim()) return { ...emptyAnswer(mode), query: text };
    const tell = (/** @type {Content} */ content) => onUpdate?.({ ...content, query: text });
    if (this.#status.lexical === "failed" && mode !== "semantic") await this.#retryLexical();
    const content = await this.#again((edition) => this.#answer(edition, mode, wish, tell));
    return { ...content, query: text };
  }

  /**
   * Order sections by MaxSim alone.
   * @param {string} text
   * @param {string[]} idsOrUrls  URLs as in results, or relative to the site or the page's origin
   * @returns {Promise<Ranked[]>} best first, `id` as given; at the end those that the index does not hold
   * @throws {LatefindError} also where a section's shard cannot be had: an order needs all scores
   */
  async rank(text, idsOrUrls) {
    this.#check();
    if (this.#gate.isOff) throw offError();
    return this.#again(async (edition) => {
      const names = idsOrUrls.map((name) => namesOf(name, edition.siteUrl));
      try {
        const report = await this.#session.ask({ type: "rank", text: wellFormed(text), names });
        if (report.type !== "ranked") throw unexpected(report);
        return report.ranked;
      } catch (error) {
        throw await this.#explain(edition, coded(error));
      }
    });
  }

  /** Stop the worker and free its memory; whoever waits is refused with code "closed". */
  close() {
    this.#closed = true;
    this.#session.stop(closedError());
    this.#updateOffer();
  }

  #check() {
    if (this.#closed) throw closedError();
  }

  /**
   * @param {Edition} edition
   * @param {Mode} mode
   * @param {Wish} wish
   * @param {(content: Content) => void} tell
   * @returns {Promise<Content>}
   */
  async #answer(edition, mode, wish, tell) {
    if (mode === "hybrid") return answerHybrid(this.#signals(edition, wish.text), wish, tell);
    try {
      if (mode === "semantic") {
        if (this.#gate.isOff) throw offError();
        return await answerSemantic(this.#signals(edition, wish.text), wish, tell);
      }
      if (!edition.lexical) throw edition.lexicalError ?? absentError();
      return await answerLexical(edition.lexical, wish, tell);
    } catch (error) {
      wish.signal?.throwIfAborted();
      throw await this.#explain(edition, coded(error));
    }
  }

  /**
   * @param {Edition} edition
   * @param {string} text
   * @returns {Signals}
   */
  #signals(edition, text) {
    const { lexical, lexicalError } = edition;
    const wanted = this.#admits(edition, text);
    const { semantic, error } = this.#status;
    const off = this.#gate.isOff && !lexical ? offError() : null;
    return {
      lexical,
      lexicalError,
      wanted,
      ready: semantic === "ready",
      semanticError: off ?? (wanted ? null : error),
      ask: ({ signal, ...wish }, candidates) => this.#search(wish, candidates, signal),
      mark: async (numbers, wish, onHighlight) => {
        await this.#session.ask({ type: "highlight", text: wish.text, numbers }, wish.signal, onHighlight);
      },
      explain: (failure) => this.#explain(edition, failure),
    };
  }

  /**
   * Whether the meaning is to answer a query.
   * @param {Edition} edition
   * @param {string} text
   */
  #admits(edition, text) {
    const { semantic } = this.#status;
    if (this.#gate.isOff) return false;
    const admitted = this.#gate.admits(text);
    this.#updateOffer();
    // What is there is used, and where it is the only signal, it is what the visitor came for. What failed is
    // not tried again at every letter: `loadSemantic` does that.
    return semantic === "ready" || semantic === "loading" || !edition.lexical || (admitted && semantic === "idle");
  }

  /**
   * @param {Omit<Wish, "signal">} wish
   * @param {number[]} candidates
   * @param {AbortSignal} [signal]
   */
  async #search({ text, limit, filters }, candidates, signal) {
    const report = await this.#session.ask({ type: "query", text, limit, filters, candidates }, signal);
    if (report.type !== "found") throw unexpected(report);
    return report.found;
  }

  /** Begin to load in an idle moment. */
  #startByItself() {
    if (this.#closed || this.#status.semantic !== "idle") return;
    this.#session.start().catch(() => {}); // The status tells.
  }

  /**
   * Do something with the edition that is open; again with the next, where the site was published anew.
   * @template T
   * @param {(edition: Edition) => Promise<T>} work
   * @returns {Promise<T>}
   */
  async #again(work) {
    for (;;) {
      try {
        return await work(this.#edition);
      } catch (error) {
        if (error !== RENEWED) throw error;
      }
    }
  }

  /**
   * Files that vanish or change are explained by a site that was published anew: then open that.
   * @param {Edition} edition  the one that failed
   * @param {LatefindError} error
   * @returns {Promise<LatefindError>} what to tell instead
   * @throws {typeof RENEWED} there is another edition
   */
  async #explain(edition, error) {
    if (edition !== this.#edition && !this.#closed) throw RENEWED;
    if (this.#closed || !["network", "integrity"].includes(error.code)) return error;
    if (this.#unexplained.has(error.message)) return error;
    try {
      this.#renewing ??= this.#renew(edition).finally(() => (this.#renewing = null));
      if (await this.#renewing) throw RENEWED;
      this.#unexplained.add(error.message);
      return error;
    } catch (reason) {
      if (reason === RENEWED) throw reason;
      return coded(reason);
    }
  }

  /**
   * @param {Edition} edition
   * @returns {Promise<boolean>} whether there was another one, which is open now
   * @throws {LatefindError} `outdated`: there is, but this page's code cannot read it
   */
  async #renew(edition) {
    const fresh = await edition.successor();
    if (!fresh || this.#closed) return false;
    await fresh.openLexical();
    const wasWanted = this.#status.semantic !== "idle";
    this.#session.stop(renewedError());
    this.#edition = fresh;
    this.#session = this.#open(fresh);
    this.#set({ ...this.#session.status, ...lexicalStatus(fresh) });
    if (wasWanted) this.#startByItself();
    return true;
  }

  /** Try to open the words again, now and then. */
  async #retryLexical() {
    if (Date.now() - this.#lexicalFailed < RETRY_AFTER) return;
    this.#lexicalFailed = Date.now();
    this.#set({ lexical: "loading" });
    await this.#edition.openLexical();
    this.#set(lexicalStatus(this.#edition));
  }

  /** @param {Edition} edition */
  #open({ manifestUrl, text, semanticBytes }) {
    /** @type {Session} */
    const session = new Session(manifestUrl, text, semanticBytes, this.#care, (changes) => {
      if (session === this.#session) this.#set(changes);
    });
    return session;
  }

  /** @param {Partial<Status>} changes */
  #set(changes) {
    this.#status = { ...this.#status, ...changes };
    this.dispatchEvent(new Event("status"));
    this.#updateOffer();
  }

  #updateOffer() {
    const { lexical, semantic, bytesTotal } = this.#status;
    const offered = this.#gate.offers && lexical === "ready" && semantic === "idle" && !this.#closed;
    if (offered === Boolean(this.#offer)) return;
    const decline = () => {
      this.#gate.answer(false);
      this.#updateOffer();
    };
    this.#offer = offered ? { bytes: bytesTotal, accept: () => this.loadSemantic(), decline } : null;
    this.dispatchEvent(new Event("offer"));
  }
}

/** Thrown where a query has to be asked again, of another edition. */
const RENEWED = Symbol("renewed");

/**
 * @param {Edition} edition
 * @returns {LexicalStatus}
 */
function lexicalStatus({ lexical, lexicalError, hasLexical }) {
  return { lexical: lexical ? "ready" : hasLexical ? "failed" : "absent", lexicalError };
}

/** @param {{type: string}} report */
function unexpected({ type }) {
  return LatefindError.expected("internal", "worker", "the answer that was asked for", type, "Please report it.");
}

function renewedError() {
  return LatefindError.expected("closed", "search", "the index that it opened", "a newer one", "Ask again.");
}

function absentError() {
  return LatefindError.expected(
    "lexical-unavailable",
    "mode",
    '"hybrid" or "semantic"',
    '"lexical"',
    "This index has no words to search by.",
  );
}
