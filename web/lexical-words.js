/**
 * @file What the words of a text are: the analysis of the word index, as `docs/lexical-format.md` specifies it.
 * The same as `py/latefind/lexical_analysis.py`, name by name, plus where in the text everything stands, for
 * highlights. Tests compare both.
 */

/** @typedef {import("./stem.js").Stem} Stem */

/** What separates the halves of a key: anchor and whole, anchor and title, facet and value. */
export const WHOLE = "\u0001";
export const TITLE = "\u0002";
export const FACET = "\u001f";

/** Code points of the longest word and whole, and of the longest title with a key of its own. */
const MAX_WORD = 64;
const MAX_SEQUENCE = 120;

/** Stems that are kept; then the cache begins anew. */
const CACHED_STEMS = 50_000;

const IGNORABLE = "\\u00ad\\u200c\\u200d\\u2060\\ufeff";
const WORD = `[\\p{L}\\p{M}\\p{N}${IGNORABLE}]`;
const UNSPACED =
  "\\u0e00-\\u0eff\\u1000-\\u109f\\u1780-\\u17ff\\u3040-\\u30ff\\u3400-\\u9fff\\uf900-\\ufaff\\u{20000}-\\u{3ffff}";
const JOINER = "(?:_{1,3}|::|->|[\\-.:/@#\\\\])";

const CHUNK = new RegExp(`([\\-.@$#:/%!~&\\\\_]{0,4})(${WORD}+(?:${JOINER}${WORD}+)*)(\\+{1,2}|#|_{1,3})?`, "gu");
const JOINERS = new RegExp(JOINER, "gu");
const RUNS = new RegExp(`([${UNSPACED}]+)`, "u");
const IGNORED = new RegExp(`[${IGNORABLE}]`, "gu");
const WORD_CHARACTER = new RegExp(`^${WORD}$`, "u");
const WORD_AT_END = new RegExp(`${WORD}$`, "u");
const QUOTE = /^['’]$/;
const PREFIX_LIMIT = 3;

/**
 * One match of the scanner; prefix and suffix only where they count. `start` and `end` include them even
 * where they do not.
 * @typedef {object} Chunk
 * @property {string} prefix
 * @property {string} core
 * @property {string} suffix
 * @property {number} start  in UTF-16 code units, as all places here
 * @property {number} end
 * @property {number} coreStart
 */

/**
 * A term, what it is the stem of, and where that stands in the core of its chunk.
 * @typedef {object} Word
 * @property {string} term
 * @property {string} folded
 * @property {number} start
 * @property {number} end
 */

/**
 * What a chunk gives; see `Terms` in Python.
 * @typedef {object} Terms
 * @property {Word[]} words
 * @property {Word[]} parts    of words in camel case; placed at their whole piece
 * @property {string[]} wholes
 * @property {string} form
 * @property {string[]} stems
 */

/** @param {string} text  without ignorable characters, in NFKC and lower case */
export function fold(text) {
  return text.replace(IGNORED, "").normalize("NFKC").toLowerCase();
}

/** @param {string} text */
export function isAscii(text) {
  return !/[^\0-\x7f]/.test(text);
}

/** @param {string} text  without accents */
export function plain(text) {
  if (isAscii(text)) return text;
  return text.normalize("NFD").replace(/[\u0300-\u036f]/g, "").normalize("NFC");
}

/** @param {string} text */
export function hasDigit(text) {
  return /\p{N}/u.test(text);
}

/** @param {string} text */
export function isUnspaced(text) {
  return RUNS.test(text);
}

/** @param {string} text */
export function endsInWord(text) {
  return WORD_AT_END.test(text);
}

/**
 * Whether a chunk is an identifier rather than a word.
 * @param {Terms} terms
 */
export function isName({ parts, wholes }) {
  return parts.length + wholes.length > 0;
}

/** @param {string} text  in code points */
export function lengthOf(text) {
  let length = 0;
  for (const _ of text) length += 1;
  return length;
}

/**
 * The code point before or at a place, empty at the ends.
 * @param {string} text
 * @param {number} at
 */
function before(text, at) {
  const last = text.slice(Math.max(0, at - 2), at);
  return [...last].at(-1) ?? "";
}

/**
 * @param {string} text
 * @param {number} at
 */
function after(text, at) {
  return at < text.length ? String.fromCodePoint(text.codePointAt(at) ?? 0) : "";
}

/**
 * The chunks of a text from left to right.
 * @param {string} text
 * @returns {Generator<Chunk>}
 */
export function* scanChunks(text) {
  for (const match of text.matchAll(CHUNK)) {
    let [, prefix = "", core = "", suffix = ""] = match;
    const start = match.index;
    const end = start + match[0].length;
    const coreStart = start + prefix.length;
    const left = before(text, start);
    const right = after(text, end);
    if ((QUOTE.test(left) || QUOTE.test(right)) && lengthOf(core) === 1) continue;
    if (piecesOf(core).every(({ piece }) => !piece.replace(IGNORED, ""))) continue;
    if (prefix && (prefix.length > PREFIX_LIMIT || WORD_CHARACTER.test(left))) prefix = "";
    if (suffix && WORD_CHARACTER.test(right)) suffix = "";
    yield { prefix, core, suffix, start, end, coreStart };
  }
}

/**
 * Cut a piece in camel case into its parts; one that has none is a list of itself.
 * @param {string} piece
 * @returns {string[]}
 */
function caseParts(piece) {
  const text = piece.replace(IGNORED, "").normalize("NFKC");
  if (!/\p{Lu}/u.test(text)) return [text];
  const points = [...text];
  /** @type {string[]} */
  const parts = [];
  let from = 0;
  for (let at = 1; at < points.length; at += 1) {
    const [last = "", point = "", next = ""] = points.slice(at - 1, at + 2);
    if (!/\p{Lu}/u.test(point)) continue;
    const rises = /[\p{Ll}\p{Nd}]/u.test(last);
    const ends = /\p{Lu}/u.test(last) && /\p{Ll}/u.test(next);
    if (!(rises || ends) || (points.length === at + 2 && next === "s")) continue;
    parts.push(points.slice(from, at).join(""));
    from = at;
  }
  return [...parts, points.slice(from).join("")];
}

/**
 * The key of a text, anchored at the longest of pieces, the first of equals.
 * @param {string[]} pieces
 * @param {string} separator
 * @param {string} text
 */
function anchored(pieces, separator, text) {
  let anchor = "";
  for (const piece of pieces) if (lengthOf(piece) > lengthOf(anchor)) anchor = piece;
  return anchor + separator + text;
}

/**
 * @param {string} core
 * @returns {{piece: string, at: number}[]} what is between its joiners
 */
function piecesOf(core) {
  const pieces = [];
  let from = 0;
  for (const joiner of core.matchAll(JOINERS)) {
    pieces.push({ piece: core.slice(from, joiner.index), at: from });
    from = joiner.index + joiner[0].length;
  }
  return [...pieces, { piece: core.slice(from), at: from }];
}

/** The analysis in one language. */
export class Analyser {
  /** @type {Map<string, string>} */
  #stems = new Map();
  #snowball;

  /** @param {Stem | null} snowball  the language's stemmer; null leaves words as they are */
  constructor(snowball) {
    this.#snowball = snowball;
  }

  /**
   * The term of a piece: folded, stemmed unless it has a digit, without accents.
   * @param {string} piece
   */
  stem(piece) {
    const folded = fold(piece);
    if (!this.#snowball || hasDigit(folded)) return plain(folded);
    let known = this.#stems.get(folded);
    if (known === undefined) {
      known = plain(this.#snowball(folded));
      if (this.#stems.size >= CACHED_STEMS) this.#stems.clear();
      this.#stems.set(folded, known);
    }
    return known;
  }

  /**
   * @param {Chunk} chunk
   * @returns {Terms}
   */
  termsOf({ prefix, core, suffix }) {
    const cut = piecesOf(core);
    const pieces = cut.map(({ piece }) => piece);
    const words = cut.flatMap(({ piece, at }) => this.#words(piece, at));
    const parts = cut.flatMap(({ piece, at }) => this.#parts(piece, at));
    const stems = pieces.map((piece) => (isUnspaced(piece) ? plain(fold(piece)) : this.stem(piece)));
    /** @type {string[]} */
    const wholes = [];
    let form = stems[0] ?? "";
    if (prefix || suffix || pieces.length > 1) {
      const anchors = pieces.map((piece) => plain(fold(piece)));
      const whole = plain(fold(prefix + core + suffix));
      const bare = plain(fold(core));
      if (lengthOf(whole) <= MAX_WORD) {
        wholes.push(anchored(anchors, WHOLE, whole));
        form = whole;
        if (bare !== whole && pieces.length > 1) wholes.push(anchored(anchors, WHOLE, bare));
      } else {
        form = stems.join(" ");
      }
    }
    return { words, parts, wholes, form, stems };
  }

  /**
   * The key of a title that consists of these chunks; empty where it has none.
   * @param {Terms[]} chunks
   */
  sequenceKey(chunks) {
    const sequence = chunks.map(({ form }) => form).join(" ");
    if (!sequence || lengthOf(sequence) > MAX_SEQUENCE) return "";
    return anchored(chunks.flatMap(({ stems }) => stems), TITLE, sequence);
  }

  /**
   * @param {string} piece
   * @param {number} at
   * @returns {Word[]}
   */
  #words(piece, at) {
    /** @type {Word[]} */
    const words = [];
    let from = at;
    for (const [index, run] of piece.split(RUNS).entries()) {
      words.push(...(index % 2 ? pairs(run, from) : this.#word(run, from)));
      from += run.length;
    }
    return words;
  }

  /**
   * @param {string} run
   * @param {number} at
   * @returns {Word[]} one word, or none
   */
  #word(run, at) {
    const folded = fold(run);
    if (!folded || lengthOf(folded) > MAX_WORD) return [];
    return [{ term: this.stem(run), folded, start: at, end: at + run.length }];
  }

  /**
   * @param {string} piece
   * @param {number} at
   * @returns {Word[]}
   */
  #parts(piece, at) {
    const cased = caseParts(piece);
    if (cased.length < 2) return [];
    return cased
      .filter((part) => lengthOf(part) > 1)
      .map((part) => ({ term: this.stem(part), folded: fold(part), start: at, end: at + piece.length }));
  }
}

/**
 * The words of a run without spaces: every two neighbours, or the one where it is alone.
 * @param {string} run
 * @param {number} at
 * @returns {Word[]}
 */
function pairs(run, at) {
  const points = [...plain(fold(run))];
  if (!points.length) return [];
  // Where folding changed how many there are, places are no longer known: the run as a whole, then.
  const places = [...run].length === points.length ? placesOf(run) : [];
  /** @type {Word[]} */
  const words = [];
  for (let index = 0; index < Math.max(1, points.length - 1); index += 1) {
    const pair = points.slice(index, index + 2).join("");
    const start = at + (places[index] ?? 0);
    const end = at + (places[index + 2] ?? run.length);
    words.push({ term: pair, folded: pair, start, end });
  }
  return words;
}

/** @param {string} run  where each of its code points starts */
function placesOf(run) {
  let at = 0;
  return [...run].map((point) => (at += point.length) - point.length);
}
