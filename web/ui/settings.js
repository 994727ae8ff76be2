/**
 * @file The attributes of `<latefind-search>`, read when the element is attached. `docs/search-page.md` is
 * their reference.
 */

/** @typedef {import("./types.js").Variant} Variant */

const VARIANTS = ["modal", "inline", "page"];
const RECENT = 5;

/**
 * @typedef {object} Settings
 * @property {Variant} variant
 * @property {string | undefined} base
 * @property {number} limit         results at first, and more at each wish for more
 * @property {string | null} placeholder
 * @property {string} param         of the page's URL; empty for none
 * @property {boolean} focusField
 * @property {string} keys
 * @property {number} recent        how many searches are kept; 0 for none, which is the default
 * @property {string[] | null} filters  facets to offer, in order; null for all
 * @property {boolean} markPages    whether links tell the landing page what to highlight
 * @property {string | undefined} semantic  policy for loading semantic search
 */

/**
 * @param {Element} element
 * @returns {Settings}
 */
export function readSettings(element) {
  const given = (/** @type {string} */ name) => element.getAttribute(name);
  const variant = /** @type {Variant} */ (VARIANTS.find((name) => name === given("variant")) ?? "page");
  const keys = given("keys") ?? (variant === "modal" ? "mod+k /" : "");
  const recent = given("recent");
  return {
    variant,
    base: given("base") ?? undefined,
    limit: positive(given("limit"), 10),
    placeholder: given("placeholder"),
    param: given("query-param") ?? (variant === "page" ? "q" : ""),
    focusField: element.hasAttribute("focus-field"),
    keys,
    recent: recent === null ? 0 : positive(recent, RECENT),
    filters: given("filters")?.split(/[\s,]+/).filter(Boolean) ?? null,
    markPages: element.hasAttribute("mark-pages"),
    semantic: given("semantic") ?? undefined,
  };
}

/**
 * @param {string | null} text
 * @param {number} otherwise
 */
function positive(text, otherwise) {
  const number = Number(text);
  return Number.isInteger(number) && number > 0 ? number : otherwise;
}
