/**
 * @file The list of results, or of recent searches, and the order that results have in it: grouped by page with
 * its sections beneath, or in one row by title or date. A result that is shown again keeps its nodes, found by
 * its id, and moves only where its place changed.
 */

import { arrange, attach, build, icon } from "./dom.js";
import { ResultEntry, nameOf } from "./result.js";

/** @typedef {import("./result.js").Look} Look */
/** @typedef {import("./types.js").Result} Result */
/** @typedef {import("./types.js").Sort} Sort */

/**
 * @typedef {object} Group
 * @property {string} key
 * @property {string} title      of the page; empty where the results stand alone
 * @property {boolean} headed    whether the title is shown: not where the page itself is the first result
 * @property {Result[]} results
 */

/** @typedef {{node: HTMLElement, stop: HTMLElement, open: (newTab: boolean) => void}} Entry */
/** @typedef {{node: HTMLElement, head: HTMLElement, list: HTMLElement}} Section */

export class ResultList {
  #root;
  #popup;
  /** @type {Map<string, ResultEntry>} */
  #results = new Map();
  /** @type {Map<string, Section>} */
  #sections = new Map();
  /** What the arrow keys walk through, in the order of display. @type {Entry[]} */
  entries = [];

  /**
   * @param {HTMLElement} root  the listbox, or the list of a page
   * @param {boolean} popup
   */
  constructor(root, popup) {
    this.#root = root;
    this.#popup = popup;
  }

  /**
   * @param {readonly Group[]} groups
   * @param {Look} look
   */
  show(groups, look) {
    /** @type {Map<string, ResultEntry>} */
    const results = new Map();
    /** @type {Map<string, Section>} */
    const sections = new Map();
    for (const group of groups) {
      const section = this.#sections.get(group.key) ?? buildSection(this.#popup);
      section.head.textContent = group.title;
      section.head.hidden = !group.title;
      section.head.classList.toggle("unseen", !group.headed);
      name(section, group.title, this.#popup);
      const entries = group.results.map((result) => {
        const shown = this.#results.get(result.id) ?? new ResultEntry(result, look);
        shown.update(result, { ...look, grouped: group.title !== "" });
        results.set(result.id, shown);
        return shown;
      });
      arrange(section.list, entries.map(({ node }) => node));
      sections.set(group.key, section);
    }
    arrange(this.#root, [...sections.values()].map(({ node }) => node));
    this.#results = results;
    this.#sections = sections;
    this.entries = groups.flatMap((group) => group.results.map(({ id }) => /** @type {Entry} */ (results.get(id))));
    this.#root.hidden = this.entries.length === 0;
  }

  /**
   * @param {string} title
   * @param {readonly string[]} texts
   * @param {(text: string) => void} onPick
   */
  showRecent(title, texts, onPick) {
    this.show([], /** @type {Look} */ ({ popup: this.#popup }));
    if (!texts.length) return;
    const section = buildSection(this.#popup);
    section.head.textContent = title;
    name(section, title, this.#popup);
    this.entries = texts.map((text, at) => buildRecent(text, at, this.#popup, onPick));
    section.list.append(...this.entries.map(({ node }) => node));
    this.#root.append(section.node);
    this.#root.hidden = false;
  }

  clear() {
    this.show([], /** @type {Look} */ ({ popup: this.#popup }));
  }
}

let lastId = 0;

/**
 * @param {boolean} popup
 * @returns {Section}
 */
function buildSection(popup) {
  const head = build("p", { className: "parent", id: `latefind-page-${(lastId += 1)}` });
  const list = build(popup ? "div" : "ol", { className: "sections" });
  const node = build(popup ? "div" : "li", { className: "group" }, head, list);
  if (popup) for (const part of [head, list]) attach(part, { role: "presentation" });
  return { node, head, list };
}

/**
 * A group of a listbox, or the list of a page's sections, is named by the page.
 * @param {Section} section
 * @param {string} title
 * @param {boolean} popup
 */
function name({ node, head, list }, title, popup) {
  const named = popup ? node : list;
  if (popup) attach(node, { role: title ? "group" : "presentation" });
  if (title) attach(named, { "aria-labelledby": head.id });
  else named.removeAttribute("aria-labelledby");
}

/**
 * @param {string} text
 * @param {number} at
 * @param {boolean} popup
 * @param {(text: string) => void} onPick
 * @returns {Entry}
 */
function buildRecent(text, at, popup, onPick) {
  const words = build("span", { className: "words" }, build("span", { className: "title", textContent: text }));
  const kind = build("span", { className: "kind" }, icon("recent"));
  const properties = { className: "option recent", id: `latefind-recent-${at}` };
  const stop = build(popup ? "div" : "button", properties, kind, words);
  const node = build(popup ? "div" : "li", { className: "item" }, stop);
  if (popup) {
    attach(node, { role: "presentation" });
    attach(stop, { role: "option", tabindex: "-1", "aria-selected": "false" });
  } else attach(stop, { type: "button" });
  stop.addEventListener("click", () => onPick(text));
  return { node, stop, open: () => stop.click() };
}

/**
 * Pages in the order of their best result, and the sections of a page in theirs.
 * @param {readonly Result[]} results  best first
 * @returns {Group[]}
 */
export function groupByPage(results) {
  /** @type {Map<string, Group>} */
  const groups = new Map();
  for (const result of results) {
    const key = pageKey(result);
    const group = groups.get(key) ?? { key, title: pageTitle(result), headed: false, results: [] };
    group.results.push(result);
    groups.set(key, group);
  }
  for (const group of groups.values()) {
    group.headed = group.title !== "" && group.results[0]?.breadcrumb.length !== 0;
  }
  return [...groups.values()];
}

/**
 * Every result on its own.
 * @param {readonly Result[]} results
 * @param {Sort} sort
 * @param {string} lang
 * @returns {Group[]}
 */
export function sortResults(results, sort, lang) {
  const collator = new Intl.Collator(lang, { numeric: true });
  const sorted = [...results];
  if (sort === "title") sorted.sort((a, b) => collator.compare(nameOf(a), nameOf(b)));
  if (sort === "date") sorted.sort((a, b) => (dateOf(b) ?? -Infinity) - (dateOf(a) ?? -Infinity) || 0);
  return sorted.map((result) => ({ key: `only:${result.id}`, title: "", headed: false, results: [result] }));
}

/**
 * @param {Result} result
 * @returns {number | null} the time of `meta.date`, a date or a year as text
 */
export function dateOf({ meta }) {
  const time = typeof meta?.["date"] === "string" ? Date.parse(meta["date"]) : NaN;
  return Number.isFinite(time) ? time : null;
}

/** @param {Result} result */
function pageKey({ url, id }) {
  const page = url.split("#", 1)[0];
  return page ? `page:${page}` : `only:${id}`;
}

/** @param {Result} result */
function pageTitle(result) {
  if (!result.url) return "";
  return result.breadcrumb.length ? result.breadcrumb[0] || "" : nameOf(result);
}

/**
 * @param {readonly Result[]} some
 * @param {readonly Result[]} [others]
 * @returns {boolean} whether only marks differ, which moves nothing
 */
export function sameTexts(some, others = []) {
  const drawn = (/** @type {readonly Result[]} */ list) => list.map(({ id, title, snippet }) => [id, title, snippet]);
  return JSON.stringify(drawn(some)) === JSON.stringify(drawn(others));
}
