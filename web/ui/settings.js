/**
 * @file What the page says to the element: its attributes, read when it is attached (`docs/search-page.md` is
 * their reference), and the keys that it chooses.
 */

/** @typedef {import("./types.js").Variant} Variant */
/** @typedef {{key: string, mod: boolean, alt: boolean, shift: boolean}} Shortcut */

const APPLE = /Mac|iPhone|iPad/.test(navigator.platform);
const VARIANTS = ["modal", "inline", "page"];
const RECENT = 5;

/**
 * @typedef {object} Settings
 * @property {Variant} variant
 * @property {string | undefined} base
 * @property {string | undefined} edition  the manifest's copy whose name carries its hash, below `base`
 * @property {number} limit         results at first, and more at each wish for more
 * @property {string | null} placeholder
 * @property {string} param         of the page's URL; empty for none
 * @property {boolean} focusField
 * @property {string} keys
 * @property {number} recent        how many searches are kept; 0 for none, which is the default
 * @property {string[] | null} filters  facets to offer, in order; null for all
 * @property {boolean} markPages    whether links tell the landing page what to highlight
 * @property {string | undefined} semantic  policy for loading semantic search
 * @property {boolean} keepStart     whether the browser may keep a start for the next page
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
    edition: given("edition") ?? undefined,
    limit: positive(given("limit"), 10),
    placeholder: given("placeholder"),
    param: given("query-param") ?? (variant === "page" ? "q" : ""),
    focusField: element.hasAttribute("focus-field"),
    keys,
    recent: recent === null ? 0 : positive(recent, RECENT),
    filters: given("filters")?.split(/[\s,]+/).filter(Boolean) ?? null,
    markPages: element.hasAttribute("mark-pages"),
    semantic: given("semantic") ?? undefined,
    keepStart: given("keep-start") !== "off",
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

/**
 * Keys that open the search from anywhere on the page. `mod` is Command on Apple's systems and Control
 * elsewhere. A key without a modifier does nothing while somebody types.
 * @param {string} text  shortcuts between spaces, each "key", "mod+key", "alt+key" or "mod+shift+key"
 * @returns {Shortcut[]}
 */
export function parseKeys(text) {
  return text.split(/\s+/).filter(Boolean).map((shortcut) => {
    const names = shortcut.toLowerCase().split(/\+(?=.)/);
    const key = names.at(-1) ?? "";
    return { key, mod: names.includes("mod"), alt: names.includes("alt"), shift: names.includes("shift") };
  });
}

/**
 * @param {readonly Shortcut[]} shortcuts
 * @param {KeyboardEvent} event
 */
export function matchesKeys(shortcuts, event) {
  return shortcuts.some(({ key, mod, alt, shift }) => {
    if (event.key.toLowerCase() !== key || event.altKey !== alt) return false;
    const held = APPLE ? event.metaKey : event.ctrlKey;
    if (mod) return held && event.shiftKey === shift;
    // Some layouts type "/" with Shift.
    return !event.metaKey && !event.ctrlKey && !isTyping(event);
  });
}

/**
 * @param {readonly Shortcut[]} shortcuts
 * @returns {string} the first one as keyboards print it
 */
export function printedKey([first]) {
  if (!first) return "";
  const mod = first.mod ? (APPLE ? "⌘" : "Ctrl ") : "";
  return `${mod}${first.alt ? "Alt " : ""}${first.shift ? "Shift " : ""}${first.key.toUpperCase()}`;
}

/**
 * @param {readonly Shortcut[]} shortcuts
 * @returns {string} as the attribute `aria-keyshortcuts` wants them
 */
export function ariaKeys(shortcuts) {
  const modifier = APPLE ? "Meta+" : "Control+";
  const written = shortcuts.map(({ key, mod, alt, shift }) => {
    return `${mod ? modifier : ""}${alt ? "Alt+" : ""}${shift ? "Shift+" : ""}${key.toUpperCase()}`;
  });
  return written.join(" ");
}

/** @param {Event} event */
function isTyping(event) {
  const target = event.composedPath()[0];
  if (!(target instanceof HTMLElement)) return false;
  return target.isContentEditable || /^(?:INPUT|TEXTAREA|SELECT)$/.test(target.tagName);
}
