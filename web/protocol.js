/**
 * @file The messages between a page and the search worker, and the error that both sides raise.
 *
 * `latefind.js` posts a {@link Request}, `worker.js` a {@link Report}; nothing else crosses. Errors cross as
 * {@link WireError}, because an Error loses its class and fields in a structured clone. The codes are those
 * of `py/latefind/errors.py`, plus the ones that only a browser can raise (see {@link LatefindError}).
 */

/**
 * @typedef {object} WireError
 * @property {string} code     what went wrong, for programs
 * @property {string} message  `<file or option>: expected X, got Y. <what to do>`, for people
 * @property {string} detail   what the browser or Python said, a traceback for instance; may be empty
 */

/**
 * Starts everything; the worker's first message. Answered by `progress`, then `ready` or `failed`.
 * @typedef {object} BootRequest
 * @property {"boot"} type
 * @property {string} manifestUrl  absolute; parts are relative to it
 * @property {string} manifest     the text of manifest.json, already checked
 * @property {MessagePort} [encoder]  leads to the encoder's worker; without it, the search worker encodes
 * @property {boolean} keepStart   whether to start from what the browser kept of an earlier start, and to keep this one
 */

/**
 * The one message to the encoder's worker: it answers the search worker, at the other end of the port.
 * @typedef {{manifestUrl: string, manifest: string, port: MessagePort}} EncoderBoot
 */

/**
 * @typedef {object} QueryRequest
 * @property {"query"} type
 * @property {number} id
 * @property {string} text
 * @property {number} limit
 * @property {Record<string, string[]>} filters
 * @property {number[]} [candidates]  sections that another ranking found, best first: they are scored too
 */

/**
 * Asks what of some sections matched a query: those that are shown, best first. Each is answered by a
 * `highlight` as soon as it is known, the request by `highlighted`.
 * @typedef {object} HighlightRequest
 * @property {"highlight"} type
 * @property {number} id
 * @property {string} text
 * @property {number[]} numbers  of results
 */

/**
 * @typedef {object} RankRequest
 * @property {"rank"} type
 * @property {number} id
 * @property {string} text
 * @property {string[][]} names  for each section the names that it may have, the caller's own first
 */

/**
 * The caller no longer wants the answer: the worker skips the request unless it is already at it.
 * @typedef {object} CancelRequest
 * @property {"cancel"} type
 * @property {number} id
 */

/** @typedef {BootRequest | QueryRequest | HighlightRequest | RankRequest | CancelRequest} Request */

/**
 * @typedef {object} ProgressReport
 * @property {"progress"} type
 * @property {number} bytesLoaded  never falls
 * @property {number} bytesTotal
 */

/** What took how long comes along. @typedef {{type: "ready", stages?: import("./stages.js").Stage[]}} ReadyReport */

/**
 * The worker cannot go on; whoever waits is refused, and the page starts another worker at the next call.
 * @typedef {object} FailedReport
 * @property {"failed"} type
 * @property {WireError} error
 */

/**
 * @typedef {object} FoundReport
 * @property {"found"} type
 * @property {number} id
 * @property {Found} found
 */

/**
 * @typedef {object} HighlightReport
 * @property {"highlight"} type
 * @property {number} id
 * @property {Highlighted} highlight
 */

/**
 * The last word on a request for highlights.
 * @typedef {object} HighlightedReport
 * @property {"highlighted"} type
 * @property {number} id
 * @property {number[]} absent  sections that are not in memory, or have no words; they keep what they have
 */

/**
 * @typedef {object} RankedReport
 * @property {"ranked"} type
 * @property {number} id
 * @property {Ranked[]} ranked
 */

/**
 * One request failed; the worker goes on with the others.
 * @typedef {object} RefusedReport
 * @property {"refused"} type
 * @property {number} id
 * @property {WireError} error
 */

/** @typedef {ProgressReport | ReadyReport | FailedReport} WorkerReport  about the worker itself */

/** @typedef {FoundReport | HighlightReport | HighlightedReport | RankedReport | RefusedReport} Answer */

/** @typedef {WorkerReport | Answer} Report */

/**
 * A section that was named for ranking; `id` as the caller named it.
 * @typedef {{id: string, score: number}} Scored
 */

/** @typedef {Scored | {id: string, score: null, unknown: true}} Ranked  unknown: the index does not hold it */

/**
 * A word to mark: code units `start` to `end` of a text; its strength, above 0 and up to 1 for the strongest.
 * @typedef {{start: number, end: number, weight: number}} Highlight
 */

/**
 * A word of the query, the word of the passage or its title that is most similar, and their similarity, -1 to
 * 1. `weight` is what the query's word counts for: 0 where it is as common as "the", 1 where it is rare.
 * @typedef {{word: string, match: string, similarity: number, weight: number}} Match
 */

/**
 * What of a section matched a query.
 * @typedef {object} Highlighted
 * @property {number} number
 * @property {string} snippet           the part that matched best, in place of the result's own
 * @property {Highlight[]} highlights   words of it, in order; empty where nothing stands out
 * @property {Match[]} explanation      for each word of the query, in order
 */

/**
 * @typedef {object} Result
 * @property {number} number        the section's, in the whole index
 * @property {string} id
 * @property {string} url           absolute once it leaves the worker; empty where there is none
 * @property {string} title
 * @property {string[]} breadcrumb  page title and enclosing headings, outermost first
 * @property {number} score
 * @property {string} snippet
 * @property {Highlight[]} highlights  words of the snippet; of a semantic result none until they are asked for
 * @property {Record<string, unknown>} meta
 * @property {Record<string, string[]>} filters
 * @property {string} lang
 */

/**
 * Milliseconds of each step, in the worker; `total` leaves out waiting for the worker to start. `fetch` is
 * the time that the shards of a large index took to arrive.
 * @typedef {object} Timings
 * @property {number} tokenize
 * @property {number} encode
 * @property {number} candidates
 * @property {number} rerank
 * @property {number} fetch
 * @property {number} total
 */

/**
 * @typedef {object} Found
 * @property {Result[]} results
 * @property {(number | null)[]} scores  of each candidate; null where it is not in memory, or has no words
 * @property {Result[]} others  candidates beyond the results that may be among the first of a combined order
 * @property {[number, number][]} ranking  numbers and scores of the first 100 sections or more
 * @property {number} total
 * @property {Timings} timings
 * @property {WireError[]} warnings  why parts of the index could not be asked; normally empty
 */

/**
 * Every error that latefind raises on purpose. Codes beyond Python's (`usage`, `format`, `version`,
 * `integrity`, `model`, `tokenizer`, `runtime`, `error`):
 *
 * - `network`             a file that cannot be fetched, or arrives cut short
 * - `wasm-blocked`        the Content-Security-Policy forbids WebAssembly
 * - `worker-failed`       the worker's script cannot start, or the worker died
 * - `stalled`             loading stopped making progress
 * - `crashed`             the worker died twice
 * - `memory`              memory ran out
 * - `outdated`            the site was published anew, for other code than that of the page
 * - `lexical-unavailable` a lexical search was asked of an index that has none
 * - `semantic-off`        a semantic search was asked where the site has switched it off
 * - `closed`              the search was closed
 * - `internal`            anything else: a bug; `detail` has the traceback
 */
export class LatefindError extends Error {
  /** @override */
  name = "LatefindError";

  /**
   * @param {string} code
   * @param {string} message
   * @param {string} [detail]
   */
  constructor(code, message, detail = "") {
    super(message);
    this.code = code;
    this.detail = detail;
  }

  /**
   * Build the error from the pieces of the message form.
   * @param {string} code
   * @param {string} where
   * @param {string} expected
   * @param {string} got
   * @param {string} advice
   * @param {string} [detail]
   */
  static expected(code, where, expected, got, advice, detail) {
    return new LatefindError(code, `${where}: expected ${expected}, got ${got}. ${advice}`, detail);
  }
}

/**
 * @param {unknown} error
 * @returns {WireError}
 */
export function toWire(error) {
  if (error instanceof LatefindError) {
    return { code: error.code, message: error.message, detail: error.detail };
  }
  const reason = describe(error);
  const detail = error instanceof Error ? error.stack ?? "" : "";
  return {
    code: "internal",
    message: `latefind: expected no error here, got ${reason}. Please report it with the detail.`,
    detail,
  };
}

/**
 * @param {WireError} wire
 * @returns {LatefindError}
 */
export function fromWire({ code, message, detail }) {
  return new LatefindError(code, message, detail);
}

/**
 * One line about an error. Of a Python traceback that is the last line, not the first.
 * @param {unknown} error
 * @returns {string}
 */
export function describe(error) {
  const text = error instanceof Error ? error.message || error.name : String(error);
  return (text.trim().split("\n").at(-1) ?? "").replace(/\.$/, "");
}
