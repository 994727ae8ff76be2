/**
 * @file Snippets: the part of a section's text with the most of what was asked for, and where it stands in it.
 * Text in, text and numbers out: nothing here becomes markup.
 */

/** Code points of a snippet, ellipses not counted. */
const LENGTH = 240;

/** What a term that the window already has adds, as a share of its weight. */
const AGAIN = 0.1;

/** Where a sentence may begin: after its end's mark and a space, or on a new line. */
const SENTENCE = /(?<=[.!?:;。！？])\s+|\n+/gu;

/**
 * A place of the text that matches the query.
 * @typedef {object} Match
 * @property {number} start  in UTF-16 code units, as all places here
 * @property {number} end
 * @property {string} term   what it matches: places with the same term count once in full
 * @property {number} weight above 0
 */

/**
 * A range of a snippet to emphasise.
 * @typedef {object} Highlight
 * @property {number} start
 * @property {number} end
 * @property {number} weight  above 0, at most 1: the share of the heaviest match
 */

/**
 * @param {string} text
 * @param {Match[]} matches  by start, without overlap
 * @returns {{snippet: string, highlights: Highlight[]}} at most `LENGTH` code points (plus ellipses) of `text`
 *   in one piece, whitespace collapsed, cut between words
 */
export function cutSnippet(text, matches) {
  const [first, last] = bestWindow(matches);
  const begin = first && last ? beginBefore(text, first.start, last.end) : text.search(/\S|$/);
  const end = endAfter(text, begin);
  const runs = [...text.slice(begin, end).matchAll(/\S+/g)];
  let snippet = begin > text.search(/\S|$/) ? "… " : "";
  const heaviest = Math.max(...matches.map(({ weight }) => weight));
  /** @type {Highlight[]} */
  const highlights = [];
  let next = matches.findIndex((match) => match.start >= begin);
  for (const [index, run] of runs.entries()) {
    if (index) snippet += " ";
    const offset = begin + run.index - snippet.length;
    for (; next >= 0 && next < matches.length; next += 1) {
      const { start, end: stop, weight } = matches[next] ?? { start: Infinity, end: 0, weight: 0 };
      if (start >= begin + run.index + run[0].length) break;
      const limit = Math.min(stop, begin + run.index + run[0].length);
      highlights.push({ start: start - offset, end: limit - offset, weight: weight / heaviest });
    }
    snippet += run[0];
  }
  return { snippet: snippet + (text.slice(end).trim() ? " …" : ""), highlights };
}

/**
 * The heaviest run of matches that fits into a snippet; the earliest of equals.
 * @param {Match[]} matches
 * @returns {[Match, Match] | []}  its first and last
 */
function bestWindow(matches) {
  /** @type {Map<string, number>} */
  const counts = new Map();
  /** @type {[Match, Match] | []} */
  let best = [];
  let heaviest = 0;
  let sum = 0;
  let from = 0;
  for (const match of matches) {
    const count = counts.get(match.term) ?? 0;
    counts.set(match.term, count + 1);
    sum += count ? match.weight * AGAIN : match.weight;
    let first = matches[from] ?? match;
    while (first !== match && match.end - first.start > LENGTH) {
      const left = (counts.get(first.term) ?? 1) - 1;
      counts.set(first.term, left);
      sum -= left ? first.weight * AGAIN : first.weight;
      first = matches[(from += 1)] ?? match;
    }
    // Sums of the same weights in another order differ in the last digits.
    if (sum > heaviest + 1e-9) {
      heaviest = sum;
      best = [first, match];
    }
  }
  return best;
}

/**
 * Where a snippet begins that shows `start` to `end`: at the sentence if there is room, else some words before.
 * @param {string} text
 * @param {number} start
 * @param {number} end
 */
function beginBefore(text, start, end) {
  const room = Math.max(0, LENGTH - (end - start));
  const earliest = Math.max(0, start - room);
  const before = text.slice(earliest, start);
  const sentences = [...before.matchAll(SENTENCE)].map((match) => earliest + match.index + match[0].length);
  if (!earliest) sentences.unshift(0);
  const whole = sentences.at(-1);
  if (whole !== undefined) return skipSpace(text, whole);
  const near = Math.max(earliest, start - Math.floor(room / 3));
  const word = text.slice(near, start).search(/\s/);
  return skipSpace(text, word < 0 ? start : near + word);
}

/**
 * @param {string} text
 * @param {number} at
 */
function skipSpace(text, at) {
  const word = text.slice(at).search(/\S/);
  return word < 0 ? at : at + word;
}

/**
 * @param {string} text
 * @param {number} begin
 */
function endAfter(text, begin) {
  let end = begin;
  let points = 0;
  let boundary = 0;
  let space = true;
  // Whitespace counts as the one space that it becomes.
  for (const character of text.slice(begin, begin + 8 * LENGTH)) {
    const isSpace = /\s/.test(character);
    if (isSpace && !space) boundary = end;
    if (!(isSpace && space)) points += 1;
    if (points > LENGTH) return boundary || end;
    space = isSpace;
    end += character.length;
  }
  return end;
}
