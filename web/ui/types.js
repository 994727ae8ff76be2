/**
 * @file The shapes that the modules of `<latefind-search>` share; types only, and no code.
 *
 * {@link Searcher} is the part of the public API that the element uses, so that tests and sites can put
 * another search behind it.
 */

/** @typedef {import("../protocol.js").WireError} WireError */

/**
 * A range of a snippet, in UTF-16 code units.
 * @typedef {object} Highlight
 * @property {number} start
 * @property {number} end
 * @property {number} [weight]  0 to 1: how strongly it matched; 1 unless told
 */

/**
 * A word of the question, and the word of the passage that it matched.
 * @typedef {{word: string, match: string, similarity: number}} Explained
 */

/**
 * @typedef {object} Result
 * @property {string} id
 * @property {string} url
 * @property {string} title
 * @property {string[]} breadcrumb
 * @property {string} snippet
 * @property {readonly (Highlight | [number, number])[]} [highlights]
 * @property {readonly Explained[]} [explanation]
 * @property {Record<string, unknown>} [meta]
 * @property {string} [lang]
 */

/**
 * @typedef {object} Answer
 * @property {string} query
 * @property {string} mode             which signals answered: "lexical", "semantic" or "hybrid"
 * @property {Result[]} results        best first
 * @property {number} total            sections that could have been results
 * @property {readonly WireError[]} [warnings]  why some results may be missing
 * @property {Readonly<Record<string, string>>} [corrected]  words of the query, and what was looked for instead
 * @property {readonly Facet[]} [facets]  with counts for this answer
 */

/**
 * @typedef {object} Facet
 * @property {string} key
 * @property {readonly {value: string, count: number}[]} values
 */

/**
 * @typedef {object} Status
 * @property {string} lexical      "loading", "ready", "failed", or another word where there is no word index
 * @property {string} semantic     "idle", "loading", "ready" or "failed"
 * @property {number} bytesLoaded
 * @property {number} bytesTotal
 * @property {WireError | null} error
 */

/**
 * @typedef {object} Wish
 * @property {number} limit
 * @property {Record<string, string[]>} filters
 * @property {boolean} [explain]
 * @property {boolean} [typing]  the last word may be unfinished
 * @property {"hybrid" | "lexical"} mode
 * @property {AbortSignal} signal
 * @property {(answer: Answer) => void} [onUpdate]  an answer that a better one follows
 */

/** @typedef {{bytes: number, accept: () => unknown, decline: () => unknown}} Offer */

/**
 * @typedef {object} Searcher
 * @property {Readonly<Status>} status
 * @property {(text: string, wish: Wish) => Promise<Answer>} query
 * @property {() => Promise<unknown>} loadSemantic
 * @property {(type: string, listener: () => void) => void} addEventListener
 * @property {(type: string, listener: () => void) => void} removeEventListener
 * @property {() => void} close
 * @property {Offer | null} [offer]
 * @property {readonly Facet[]} [facets]
 */

/** @typedef {"modal" | "inline" | "page"} Variant */
/** @typedef {"relevance" | "title" | "date"} Sort */

export {};
