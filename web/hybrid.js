/**
 * @file A query in stages: the words at once, the meaning when it is there, both fused, the matching words
 * marked. Each stage may fail; the others then answer, with a warning that says so.
 */

import { answerByBoth, answerByMeaning, answerByWords, candidatesOf, keepMarks, searchWords } from "./answers.js";
import { coded } from "./edition.js";
import { LatefindError, toWire } from "./protocol.js";

/** @typedef {import("./protocol.js").Found} Found */
/** @typedef {import("./protocol.js").Highlighted} Highlighted */
/** @typedef {import("./protocol.js").Result} Result */
/** @typedef {import("./answers.js").Content} Content */
/** @typedef {import("./answers.js").Lexical} Lexical */
/** @typedef {import("./answers.js").Words} Words */
/** @typedef {import("./wish.js").Wish} Wish */

/**
 * The signals as they are at the moment of a query.
 * @typedef {object} Signals
 * @property {Lexical | null} lexical
 * @property {LatefindError | null} lexicalError  why there is none, if there should be
 * @property {boolean} wanted  whether the meaning is to answer too
 * @property {boolean} ready   whether it can at once
 * @property {LatefindError | null} semanticError  why it is not to, if it should
 * @property {(wish: Wish, candidates: number[]) => Promise<Found>} ask
 * @property {(numbers: number[], wish: Wish, onHighlight: (highlight: Highlighted) => void) => Promise<void>} mark
 *   finds the words of results that matched
 * @property {(error: LatefindError) => Promise<LatefindError>} explain
 *   what to tell of an error; rejects where the whole query is to be asked again
 */

/** @typedef {(content: Content) => void} Tell */

/** A refined answer that comes within this time (ms) spares the visitor the one before. */
const HEAD_START = 60;

/** Highlights come one by one, from the best result on: those of so many, which are in sight, are told of at once. */
const IN_SIGHT = 4;

/** How often (ms) an answer with the highlights so far is told of after that. */
const PORTION = 150;

/** When the meaning is ready, the words have this long (ms) before it answers without them. */
const PATIENCE = 2_500;

/**
 * @param {Signals} signals
 * @param {Wish} wish
 * @param {Tell} tell  hears answers that are about to be refined, none after the last
 * @returns {Promise<Content>}
 * @throws {LatefindError} neither signal can answer
 */
export async function answerHybrid(signals, wish, tell) {
  /** @type {LatefindError[]} */
  const failures = [];
  const fail = async (/** @type {unknown} */ error) => {
    wish.signal?.throwIfAborted();
    failures.push(await signals.explain(coded(error)));
  };
  if (signals.lexicalError) failures.push(signals.lexicalError);
  if (signals.semanticError) failures.push(signals.semanticError);
  const words = await firstWords(signals, wish).catch(fail);
  const preview = words && signals.lexical ? new Preview(signals.lexical, words, wish, tell) : null;
  if (!signals.wanted) void preview?.showTitles(0); // Snippets come with the answer itself.
  try {
    const found = signals.wanted ? await askAfter(signals, wish, words ?? null, preview).catch(fail) : null;
    const fused = found ? await conclude(signals, wish, words ?? null, found) : null;
    const content = fused ?? (await preview?.full.catch(fail));
    wish.signal?.throwIfAborted();
    if (!content) throw failures.at(-1);
    content.warnings.unshift(...failures.map(toWire));
    if (!fused) return content;
    preview?.end();
    const shown = (wish.highlight && preview?.content) || null;
    return await marked(signals, wish, shown ? keepMarks(content, shown) : content, tell);
  } finally {
    preview?.end();
  }
}

/**
 * @param {Signals} signals
 * @param {Wish} wish
 * @param {Tell} tell
 * @returns {Promise<Content>}
 */
export async function answerSemantic(signals, wish, tell) {
  const content = answerByMeaning(await signals.ask(wish, []), wish);
  return marked(signals, wish, content, tell);
}

/**
 * @param {Lexical} lexical
 * @param {Wish} wish
 * @param {Tell} tell
 * @returns {Promise<Content>}
 */
export async function answerLexical(lexical, wish, tell) {
  const preview = new Preview(lexical, await searchWords(lexical, wish), wish, tell);
  void preview.showTitles(0);
  try {
    return await preview.full;
  } finally {
    preview.end();
  }
}

/**
 * The answer by words, shown while a better one is on its way: titles first, where snippets take longer.
 */
class Preview {
  #over = false;
  #lexical;
  #words;
  #wish;
  #tell;

  /**
   * @param {Lexical} lexical
   * @param {Words} words
   * @param {Wish} wish
   * @param {Tell} tell
   */
  constructor(lexical, words, wish, tell) {
    this.#lexical = lexical;
    this.#words = words;
    this.#wish = wish;
    this.#tell = tell;
    /** All of it. */
    this.full = answerByWords(lexical, words, wish);
    /** The same, once it is there. @type {Content | null} */
    this.content = null;
    this.full.then(
      (content) => (this.content = content),
      () => {}, // Whoever needs it awaits it.
    );
  }

  /**
   * Tell of it, as far as it is there and nothing better is.
   * @param {number} delay  ms
   */
  async show(delay) {
    void this.full.then(() => sleep(delay)).then(async () => this.#say(await this.full), () => {});
    await this.showTitles(delay);
  }

  /**
   * Tell of the titles, if snippets are not there by then.
   * @param {number} delay  ms
   */
  async showTitles(delay) {
    await sleep(delay + HEAD_START);
    if (this.content || this.#over) return;
    const titles = await answerByWords(this.#lexical, this.#words, this.#wish, { snippets: false }).catch(() => null);
    if (titles && !this.content) this.#say(titles);
  }

  /** Tell no more. */
  end() {
    this.#over = true;
  }

  /** @param {Content} content */
  #say(content) {
    if (!this.#over) this.#tell(content);
  }
}

/**
 * @param {Signals} signals
 * @param {Wish} wish
 * @returns {Promise<Words | null>}
 */
async function firstWords({ lexical, ready, wanted }, wish) {
  if (!lexical) return null;
  const words = searchWords(lexical, wish);
  if (!ready || !wanted) return words;
  return Promise.race([words, sleep(PATIENCE).then(() => Promise.reject(slowError()))]);
}

/**
 * Ask for the meaning, and show the words while it is computed.
 * @param {Signals} signals
 * @param {Wish} wish
 * @param {Words | null} words
 * @param {Preview | null} preview
 */
async function askAfter({ ask, ready }, wish, words, preview) {
  void preview?.show(ready ? HEAD_START : 0);
  // What has yet to be loaded is large: the words, which are shown meanwhile, have the line first.
  if (!ready && preview) await Promise.race([preview.full.catch(() => null), sleep(PATIENCE)]);
  return ask(wish, words ? candidatesOf(words.hits) : []);
}

/**
 * @param {Signals} signals
 * @param {Wish} wish
 * @param {Words | null} words
 * @param {Found} found
 * @returns {Promise<Content>}
 */
async function conclude({ lexical }, wish, words, found) {
  if (!lexical || !words) return answerByMeaning(found, wish);
  return answerByBoth(lexical, words, found, wish);
}

/**
 * Mark the words that matched; where that fails, the answer stays as it is.
 * @param {Signals} signals
 * @param {Wish} wish
 * @param {Content} content
 * @param {Tell} tell
 * @returns {Promise<Content>}
 */
async function marked({ mark }, wish, content, tell) {
  const results = content.results.map((result) => ({ ...result }));
  if (!results.length || !wish.highlight) return content;
  tell(content);
  const known = new Map(results.map((result) => [result.number, result]));
  const inSight = new Set([...known.keys()].slice(0, IN_SIGHT));
  let last = performance.now();
  const take = (/** @type {Highlighted} */ { number, snippet, highlights, explanation }) => {
    Object.assign(known.get(number) ?? {}, { snippet, highlights, ...(wish.explain ? { explanation } : {}) });
    if (!inSight.has(number) && performance.now() - last < PORTION) return;
    last = performance.now();
    tell({ ...content, results: results.map((result) => ({ ...result })) });
  };
  try {
    await mark([...known.keys()], wish, take);
    return { ...content, results };
  } catch (error) {
    wish.signal?.throwIfAborted();
    return { ...content, results, warnings: [...content.warnings, toWire(coded(error))] };
  }
}

function slowError() {
  return LatefindError.expected(
    "network",
    "word index",
    `an answer within ${PATIENCE / 1000} seconds`,
    "none yet",
    "Check the connection; the results shown are by meaning alone.",
  );
}

/** @param {number} time  ms */
function sleep(time) {
  return new Promise((/** @type {(value: void) => void} */ resolve) => setTimeout(resolve, time));
}
