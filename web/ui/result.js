/**
 * @file One result as nodes. Its nodes live as long as the result is shown: a better answer changes what is
 * in them.
 *
 * In the modal and the dropdown the whole result is a link with the role "option": options of a listbox may
 * not contain controls. On a page the title is the link, in a heading, and its area is stretched over the
 * result. Ranges of its snippet become `<mark>` nodes; they are data of the index: whatever they say, every
 * character of the text is shown once, as text.
 */

import { attach, build, icon, linkable } from "./dom.js";

/** @typedef {import("./types.js").Highlight} Highlight */
/** @typedef {import("./types.js").Result} Result */
/** @typedef {import("./texts.js").Texts} Texts */

/**
 * @typedef {object} Look
 * @property {boolean} popup      modal or dropdown: a listbox
 * @property {boolean} [grouped]  shown below the title of its page
 * @property {boolean} explain
 * @property {boolean} markPages
 * @property {Texts} texts
 */

/** Pairs of words that an explanation shows. */
const MOST_PAIRS = 8;

/** Words and characters that a landing page is asked to highlight: addresses have limits. */
const MOST_WORDS = 12;
const MOST_CHARACTERS = 200;

/** Strengths are shown in this many steps, each a class: a style attribute would need a laxer policy. */
const STEPS = 3;

let lastId = 0;

export class ResultEntry {
  #title = build("span", { className: "title" });
  #crumbs = build("span", { className: "crumbs" });
  #snippet = build("span", { className: "snippet" });
  #why = build("span", { className: "why" });
  #mark = build("span", { className: "kind" });
  /** The item of the list. @type {HTMLElement} */
  node;
  /** What is activated: the link, or what stands for it where there is none. @type {HTMLElement} */
  stop;

  /**
   * @param {Result} result
   * @param {Look} look
   */
  constructor(result, look) {
    const linked = linkable(result.url) !== null;
    this.node = build(look.popup ? "div" : "li", { className: "item" });
    this.stop = build(linked ? "a" : look.popup ? "div" : "span", { id: `latefind-result-${(lastId += 1)}` });
    attach(this.stop, { part: "result" });
    if (look.popup) this.#assemblePopup();
    else this.#assemblePage();
    this.update(result, look);
  }

  #assemblePopup() {
    attach(this.node, { role: "presentation" });
    attach(this.stop, { role: "option", tabindex: "-1", "aria-selected": "false", class: "option" });
    const words = build("span", { className: "words" }, this.#title, this.#crumbs, this.#snippet, this.#why);
    this.stop.append(this.#mark, words, build("span", { className: "go" }, icon("go")));
    this.node.append(this.stop);
  }

  #assemblePage() {
    this.node.classList.add("option");
    this.stop.append(this.#title);
    const heading = build("h3", { className: "heading" }, this.stop);
    const words = build("div", { className: "words" }, heading, this.#crumbs, this.#snippet, this.#why);
    this.node.append(this.#mark, words);
  }

  /**
   * @param {Result} result
   * @param {Look} look
   */
  update(result, look) {
    const { breadcrumb, snippet, highlights, lang } = result;
    const name = nameOf(result);
    this.node.lang = lang ?? "";
    this.#title.textContent = name;
    const above = breadcrumb.slice(look.grouped ? 1 : 0).filter((step) => step && step !== name);
    this.#crumbs.textContent = above.join(" › ");
    this.#crumbs.hidden = above.length === 0;
    this.#snippet.replaceChildren(...markRanges(snippet, highlights));
    this.#snippet.hidden = snippet === "";
    this.#mark.replaceChildren(icon(breadcrumb.length ? "section" : "page"));
    this.#explain(result, look);
    if (this.stop instanceof HTMLAnchorElement) this.stop.href = addressOf(result, look.markPages);
  }

  /**
   * @param {Result} result
   * @param {Look} look
   */
  #explain({ explanation = [] }, { explain, texts }) {
    this.#why.hidden = !explain || explanation.length === 0;
    if (this.#why.hidden) return this.#why.replaceChildren();
    const best = [...explanation].sort((a, b) => b.similarity - a.similarity).slice(0, MOST_PAIRS);
    this.#why.lang = texts.lang;
    this.#why.replaceChildren(
      ...best.map(({ word, match, similarity }) => {
        const percent = texts.percent(Math.max(0, Math.min(1, similarity)));
        const drawn = build("span", {}, word, build("span", { className: "arrow", textContent: "→" }), match);
        const sentence = texts.say("explained", { word, match, percent });
        const said = build("span", { className: "said", textContent: sentence });
        return build("span", { className: "pair" }, attach(drawn, { "aria-hidden": "true" }), said);
      }),
    );
  }

  /** @param {boolean} newTab */
  open(newTab) {
    if (!(this.stop instanceof HTMLAnchorElement)) return;
    if (newTab) window.open(this.stop.href, "_blank", "noopener");
    else this.stop.click();
  }
}

/**
 * @param {Result} result
 * @param {boolean} markPages
 */
function addressOf({ url, snippet, highlights }, markPages) {
  const address = linkable(url);
  if (!address || !markPages || address.origin !== location.origin) return url;
  /** @type {string[]} */
  const words = [];
  for (const word of markedWords(snippet, highlights).slice(0, MOST_WORDS)) {
    if (words.join(" ").length + word.length < MOST_CHARACTERS) words.push(word);
  }
  if (words.length) address.searchParams.set("latefind", words.join(" "));
  return address.href;
}

/** @param {Result} result */
export function nameOf({ title, breadcrumb, id }) {
  return title || breadcrumb.at(-1) || id;
}

/**
 * @param {string} text
 * @param {readonly (Highlight | [number, number])[]} [ranges]
 * @returns {(string | HTMLElement)[]} the text in order, its ranges as marks
 */
export function markRanges(text, ranges = []) {
  /** @type {(string | HTMLElement)[]} */
  const pieces = [];
  let at = 0;
  for (const { start, end, weight } of clean(text, ranges)) {
    if (start < at) continue;
    if (start > at) pieces.push(text.slice(at, start));
    const step = Math.min(STEPS, Math.max(1, Math.ceil(weight * STEPS)));
    pieces.push(build("mark", { className: `strength-${step}`, textContent: text.slice(start, end) }));
    at = end;
  }
  if (at < text.length) pieces.push(text.slice(at));
  return pieces;
}

/**
 * @param {string} text
 * @param {readonly (Highlight | [number, number])[]} [ranges]
 * @returns {string[]} what the ranges cover, each word once, in order
 */
export function markedWords(text, ranges = []) {
  const words = clean(text, ranges).flatMap(({ start, end }) => text.slice(start, end).split(/\s+/u));
  return [...new Set(words.map((word) => word.toLowerCase()).filter(Boolean))];
}

/**
 * @param {string} text
 * @param {readonly (Highlight | [number, number])[]} ranges
 * @returns {Required<Highlight>[]} those that lie inside the text, in order; no half of a surrogate pair
 */
function clean(text, ranges) {
  const read = ranges.map((range) => {
    const [start, end] = Array.isArray(range) ? range : [range.start, range.end];
    const weight = Array.isArray(range) ? 1 : Number(range.weight ?? 1);
    return { start: widen(text, start, -1), end: widen(text, end, 1), weight: Number.isFinite(weight) ? weight : 1 };
  });
  const inside = read.filter(({ start, end }) => start >= 0 && start < end && end <= text.length);
  const whole = inside.filter(({ start, end }) => Number.isInteger(start) && Number.isInteger(end));
  return whole.sort((a, b) => a.start - b.start || b.end - a.end);
}

/**
 * @param {string} text
 * @param {number} at
 * @param {number} step
 */
function widen(text, at, step) {
  const inPair = /[\uD800-\uDBFF]/.test(text.charAt(at - 1)) && /[\uDC00-\uDFFF]/.test(text.charAt(at));
  return inPair ? at + step : at;
}
