/**
 * @file Keys that open the search from anywhere on the page: `"mod+k /"` by default. `mod` is Command on
 * Apple's systems and Control elsewhere. A key without a modifier does nothing while somebody types.
 */

/** @typedef {{key: string, mod: boolean, alt: boolean, shift: boolean}} Shortcut */

const APPLE = /Mac|iPhone|iPad/.test(navigator.platform);

/**
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
