/**
 * @file The order in which results are shown: grouped by page with its sections beneath, or in one row
 * by title or date.
 */

/** @typedef {import("./types.js").Result} Result */
/** @typedef {import("./types.js").Sort} Sort */

/**
 * @typedef {object} Group
 * @property {string} key
 * @property {string} title      of the page; empty where the results stand alone
 * @property {boolean} headed    whether the title is shown: not where the page itself is the first result
 * @property {Result[]} results
 */

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
export function nameOf({ title, breadcrumb, id }) {
  return title || breadcrumb.at(-1) || id;
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
