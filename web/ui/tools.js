/**
 * @file Filters with their counts, and the order of the results.
 */

import { attach, build, icon } from "./dom.js";
import { dateOf } from "./results.js";

/** @typedef {import("./types.js").Facet} Facet */
/** @typedef {import("./types.js").Result} Result */
/** @typedef {import("./types.js").Sort} Sort */
/** @typedef {import("./texts.js").Texts} Texts */
/** @typedef {import("./view.js").View} View */

/** Values of a facet that are offered; one more is shown by nobody's choice. */
const MOST_VALUES = 30;

export class Tools {
  #view;
  #onChange;
  #wanted;
  /** @type {Map<string, Set<string>>} */
  #chosen = new Map();
  /** @type {readonly Facet[]} */
  #facets = [];
  explain = false;

  /**
   * @param {View} view
   * @param {string[] | null} wanted  facets to offer; null for all
   * @param {(what: "filters" | "sort" | "explain") => void} onChange
   */
  constructor(view, wanted, onChange) {
    this.#view = view;
    this.#wanted = wanted;
    this.#onChange = onChange;
    view.filtering.addEventListener("click", () => this.#unfold(view.choices.hidden));
    view.sort.addEventListener("change", () => onChange("sort"));
    view.explain.addEventListener("click", () => {
      this.explain = !this.explain;
      attach(view.explain, { "aria-pressed": String(this.explain) });
      onChange("explain");
    });
  }

  /** @returns {Record<string, string[]>} */
  get filters() {
    const set = [...this.#chosen].filter(([, values]) => values.size);
    return Object.fromEntries(set.map(([key, values]) => [key, [...values]]));
  }

  /** @returns {Sort} */
  get sort() {
    return /** @type {Sort} */ (this.#view.sort.value || "relevance");
  }

  removeFilters() {
    this.#chosen.clear();
    for (const box of this.#view.choices.querySelectorAll("input")) box.checked = false;
  }

  /**
   * @param {readonly Facet[]} facets
   * @param {Texts} texts
   */
  offerFilters(facets, texts) {
    const { choices } = this.#view;
    const wanted = this.#wanted;
    const offered = wanted
      ? wanted.flatMap((key) => facets.filter((facet) => facet.key === key))
      : facets.filter(({ values }) => values.length > 1);
    if (offered !== this.#facets && !sameFacets(offered, this.#facets)) {
      this.#facets = offered;
      choices.replaceChildren(...offered.map((facet) => this.#buildFacet(facet, texts)));
    }
    this.#showCount(texts);
  }

  /**
   * @param {Facet} facet
   * @param {Texts} texts
   */
  #buildFacet({ key, values }, texts) {
    const chosen = this.#chosen.get(key) ?? new Set();
    this.#chosen.set(key, chosen);
    const boxes = values.slice(0, MOST_VALUES).map(({ value, count }) => {
      const box = build("input", { type: "checkbox", checked: chosen.has(value) });
      box.addEventListener("change", () => {
        if (box.checked) chosen.add(value);
        else chosen.delete(value);
        this.#onChange("filters");
      });
      const number = build("span", { className: "number", textContent: texts.number(count) });
      return build("label", { className: "chip" }, box, build("span", { textContent: value }), number);
    });
    return build("fieldset", {}, build("legend", { textContent: key }), ...boxes);
  }

  /** @param {Texts} texts */
  #showCount(texts) {
    const { filtering } = this.#view;
    const count = Object.values(this.filters).flat().length;
    filtering.hidden = this.#facets.length === 0;
    const badge = build("span", { className: "badge", textContent: texts.number(count) });
    attach(badge, { "aria-hidden": "true" });
    const said = build("span", { className: "said", textContent: texts.say("filtersSet", { count }) });
    filtering.replaceChildren(icon("filter"), `${texts.say("filters")} `, ...(count ? [badge, said] : []));
  }

  /** @param {boolean} open */
  #unfold(open) {
    this.#view.choices.hidden = !open;
    attach(this.#view.filtering, { "aria-expanded": String(open) });
  }

  /**
   * Offer the orders that these results can have.
   * @param {readonly Result[]} results
   * @param {Texts} texts
   */
  offerSorts(results, texts) {
    const { sort } = this.#view;
    const chosen = this.sort;
    const dated = chosen === "date" || results.some((result) => dateOf(result) !== null);
    const names = /** @type {const} */ ({ relevance: "sortRelevance", title: "sortTitle", date: "sortDate" });
    const offered = /** @type {Sort[]} */ (["relevance", "title", ...(dated ? ["date"] : [])]);
    const texted = offered.map((value) => `${value} ${texts.say(names[value])}`).join();
    if (sort.dataset["offered"] === texted) return;
    sort.dataset["offered"] = texted;
    sort.replaceChildren(...offered.map((value) => build("option", { value, textContent: texts.say(names[value]) })));
    sort.value = chosen;
  }
}

/**
 * @param {readonly Facet[]} one
 * @param {readonly Facet[]} other
 */
function sameFacets(one, other) {
  return JSON.stringify(one) === JSON.stringify(other);
}
