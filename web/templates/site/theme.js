/**
 * @file What the documentation theme does beyond HTML and CSS: the choice of colours, copying code, and
 * the mark of the current heading. Pages are complete without it.
 *
 * A classic script in the head, because the colours must be set before the first paint.
 */
"use strict";

(() => {
  const KEY = "latefind-theme";
  const COPIED_MS = 1600;
  const root = document.documentElement;
  const prefersDark = matchMedia("(prefers-color-scheme: dark)");

  /** @returns {string | null} "light", "dark", or null where nothing was chosen or storage is barred */
  function stored() {
    try {
      return localStorage.getItem(KEY);
    } catch {
      return null;
    }
  }

  /** @param {string | null} theme null follows the system again */
  function store(theme) {
    try {
      if (theme) localStorage.setItem(KEY, theme);
      else localStorage.removeItem(KEY);
    } catch {
      // Without storage the choice lasts for this page only.
    }
  }

  /** @param {string | null} theme */
  function apply(theme) {
    if (theme === "light" || theme === "dark") root.dataset.theme = theme;
    else delete root.dataset.theme;
  }

  function isDark() {
    return root.dataset.theme ? root.dataset.theme === "dark" : prefersDark.matches;
  }

  function addThemeSwitch() {
    const button = /** @type {HTMLButtonElement | null} */ (document.querySelector(".theme-switch"));
    if (!button) return;
    const show = () => button.setAttribute("aria-pressed", String(isDark()));
    button.hidden = false;
    button.addEventListener("click", () => {
      const dark = !isDark();
      const theme = dark === prefersDark.matches ? null : dark ? "dark" : "light";
      store(theme);
      apply(theme);
      show();
    });
    prefersDark.addEventListener("change", show);
    show();
  }

  function addMenuClosing() {
    const menu = /** @type {HTMLDetailsElement | null} */ (document.querySelector("details.menu"));
    if (!menu) return;
    document.addEventListener("keydown", (event) => {
      if (event.key !== "Escape" || !menu.open) return;
      menu.open = false;
      menu.querySelector("summary")?.focus();
    });
    document.addEventListener("click", (event) => {
      if (!menu.contains(/** @type {Node} */ (event.target))) menu.open = false;
    });
  }

  function addCopyButtons() {
    // The clipboard exists in secure contexts only; a plain http host has none.
    if (!navigator.clipboard) return;
    for (const block of document.querySelectorAll(".highlight")) {
      const button = document.createElement("button");
      button.type = "button";
      button.className = "copy";
      button.textContent = "Copy";
      button.addEventListener("click", async () => {
        try {
          await navigator.clipboard.writeText(block.querySelector("code")?.textContent ?? "");
          button.textContent = "Copied";
        } catch {
          button.textContent = "Not allowed";
        }
        setTimeout(() => (button.textContent = "Copy"), COPIED_MS);
      });
      block.append(button);
    }
  }

  function markCurrentHeading() {
    const links = new Map();
    for (const link of document.querySelectorAll(".toc a")) {
      const heading = document.getElementById(decodeURIComponent(/** @type {HTMLAnchorElement} */ (link).hash.slice(1)));
      if (heading) links.set(heading, link);
    }
    if (!links.size) return;
    const headings = [...links.keys()];
    const mark = () => {
      const limit = innerHeight / 4;
      const passed = headings.filter((heading) => heading.getBoundingClientRect().top <= limit);
      const current = passed.at(-1) ?? headings[0];
      for (const [heading, link] of links) {
        if (heading === current) link.setAttribute("aria-current", "true");
        else link.removeAttribute("aria-current");
      }
    };
    addEventListener("scroll", mark, { passive: true });
    mark();
  }

  apply(stored());
  document.addEventListener("DOMContentLoaded", () => {
    addThemeSwitch();
    addMenuClosing();
    addCopyButtons();
    markCurrentHeading();
  });
})();
