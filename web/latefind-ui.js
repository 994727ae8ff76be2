/**
 * @file `<latefind-search>`: the search that visitors see, built on `createSearch` and nothing else.
 *
 * Three variants: `variant="modal"` (a button and a dialog that keys open), `"inline"` (a field with a
 * dropdown) and `"page"` (field and results in the page; the default). `docs/search-page.md` describes
 * attributes, keys, states and style. Data becomes text nodes only, never markup.
 */

import { readQuestion, writeQuestion } from "./ui/address.js";
import { Modal } from "./ui/dialog.js";
import { ariaKeys, matchesKeys, parseKeys, printedKey } from "./ui/keys.js";
import { Panel } from "./ui/panel.js";
import { Recent } from "./ui/recent.js";
import { Session } from "./ui/session.js";
import { readSettings } from "./ui/settings.js";
import { addStrings, changes, loadTexts } from "./ui/texts.js";
import { buildView, label } from "./ui/view.js";

export { addStrings };

/** @typedef {import("./ui/types.js").Searcher} Searcher */
/** @typedef {import("./ui/settings.js").Settings} Settings */
/** @typedef {import("./ui/view.js").View} View */

export class LatefindSearch extends HTMLElement {
  #shadow = this.attachShadow({ mode: "open" });
  /** @type {Searcher | undefined} */
  #given;
  /** @type {Attached | undefined} */
  #attached;

  connectedCallback() {
    const given = this.#given;
    this.#attached = new Attached(this, this.#shadow);
    if (given) this.#attached.session.use(given);
    this.#attached.start();
  }

  disconnectedCallback() {
    this.#attached?.detach();
    this.#attached = undefined;
  }

  /** The search behind the element, once it is open. */
  get search() {
    return this.#attached?.session.search ?? this.#given;
  }

  /** Put another search behind the element, one that the page has opened already for instance. */
  set search(search) {
    this.#given = search;
    if (search) this.#attached?.session.use(search);
  }

  /** Open the modal; other variants get the focus. */
  open() {
    this.#attached?.open();
  }

  /** Close the modal, or the dropdown. */
  close() {
    this.#attached?.close();
  }

  /**
   * @override
   * @param {FocusOptions} [options]
   */
  focus(options) {
    this.#attached?.field.focus(options);
  }
}

/** An element for as long as it is in the page. */
class Attached {
  #host;
  #settings;
  #view;
  #panel;
  #modal;
  #shortcuts;
  #gone = new AbortController();

  /**
   * @param {HTMLElement} host
   * @param {ShadowRoot} shadow
   */
  constructor(host, shadow) {
    this.#host = host;
    this.#settings = readSettings(host);
    this.#view = buildView(this.#settings.variant);
    this.#shortcuts = parseKeys(this.#settings.keys);
    this.session = new Session(() => openSearch(this.#settings), () => this.#panel.statusChanged());
    const recent = new Recent(this.#settings.base ?? new URL(".", import.meta.url).href, this.#settings.recent);
    this.#panel = new Panel(this.#view, this.#settings, this.session, recent, (state) => this.#show(state));
    this.#modal = new Modal(this.#view.dialog, () => this.#closed());
    shadow.replaceChildren(...this.#view.styles, this.#view.root);
    this.#listen();
  }

  start() {
    this.#host.dataset["state"] = "idle";
    if (this.#settings.variant === "inline") this.#drop(false);
    const asked = readQuestion(this.#settings.param);
    if (asked) {
      this.#panel.ask(asked);
      if (this.#settings.variant === "inline") this.#drop(false);
    }
    void this.#reveal(asked);
  }

  detach() {
    this.#gone.abort();
    this.#modal.close();
    this.session.close();
  }

  get field() {
    const { variant, opener, input } = this.#view;
    return variant === "modal" && !this.#modal.open ? opener : input;
  }

  open() {
    if (this.#view.variant !== "modal") return this.#view.input.focus();
    this.#modal.show();
    this.#view.input.focus();
    this.#view.input.select();
    return void this.#panel.warm();
  }

  close() {
    if (this.#view.variant === "modal") this.#modal.close();
    if (this.#view.variant === "inline") this.#drop(false);
  }

  #listen() {
    const { root, input, opener, close, panel, results } = this.#view;
    const { signal } = this.#gone;
    opener.addEventListener("click", () => this.open());
    opener.addEventListener("pointerenter", () => void this.session.open().catch(() => undefined));
    close.addEventListener("click", () => this.close());
    input.addEventListener("focus", () => {
      if (this.#view.variant !== "modal") void this.#panel.warm();
      this.#drop(true);
    });
    input.addEventListener("input", () => this.#drop(true));
    input.addEventListener("pointerdown", () => this.#drop(true));
    panel.addEventListener("keydown", (event) => this.#press(event));
    results.addEventListener("click", (event) => this.#follow(event));
    root.addEventListener("focusout", ({ relatedTarget }) => {
      if (relatedTarget && !root.contains(/** @type {Node} */ (relatedTarget))) this.#drop(false);
    });
    const leave = (/** @type {Event} */ event) => event.composedPath().includes(this.#host) || this.#drop(false);
    document.addEventListener("pointerdown", leave, { signal });
    document.addEventListener("keydown", (event) => this.#shortcut(event), { signal });
    for (const event of ["online", "offline"]) addEventListener(event, () => this.#panel.refresh(), { signal });
    changes.addEventListener("change", () => void this.#translate(), { signal });
  }

  /** @param {string} state */
  #show(state) {
    this.#host.dataset["state"] = state;
  }

  /**
   * Unstyled content is never seen; content whose styles or language cannot be had still is.
   * @param {string} asked
   */
  async #reveal(asked) {
    const { styles, root, variant } = this.#view;
    const styled = styles.map((sheet) => new Promise((resolve) => {
      for (const event of ["load", "error"]) sheet.addEventListener(event, resolve, { once: true });
    }));
    await Promise.all([...styled, this.#translate()]);
    root.hidden = false;
    if (asked && variant === "modal") this.open();
    if (this.#settings.focusField) this.field.focus();
  }

  async #translate() {
    const tag = this.#host.closest("[lang]")?.getAttribute("lang") ?? document.documentElement.lang;
    this.#panel.texts = await loadTexts(tag);
    const shortcut = { printed: printedKey(this.#shortcuts), aria: ariaKeys(this.#shortcuts) };
    label(this.#view, this.#panel.texts, this.#settings.placeholder, shortcut);
    this.#panel.refresh();
  }

  /** @param {KeyboardEvent} event */
  #shortcut(event) {
    if (event.defaultPrevented || event.repeat || !matchesKeys(this.#shortcuts, event)) return;
    event.preventDefault();
    if (this.#modal.open) this.close();
    else this.open();
  }

  /** @param {KeyboardEvent} event */
  #press(event) {
    if (event.isComposing) return;
    const used = event.key === "Escape" ? this.#escape() : this.#panel.handleKey(event);
    if (!used) return;
    event.preventDefault();
    event.stopPropagation();
  }

  /**
   * First the question goes, then the dialog; of the dropdown first itself, then the question.
   * @returns {boolean} whether there was something to leave
   */
  #escape() {
    const { variant, drop } = this.#view;
    if (variant === "inline" && !drop.hidden) this.#drop(false);
    else if (this.#panel.text) this.#panel.clear();
    else if (variant === "modal") this.close();
    else return false;
    return true;
  }

  /**
   * A link to a section of the page that is already open loads nothing: the search has to get out of the way.
   * @param {MouseEvent} event
   */
  #follow(event) {
    const link = event.composedPath().find((node) => node instanceof HTMLAnchorElement);
    if (link && !event.ctrlKey && !event.metaKey && !event.shiftKey) this.close();
  }

  /**
   * Only the inline variant has something that drops down.
   * @param {boolean} open
   */
  #drop(open) {
    const { variant, drop, input, results } = this.#view;
    if (variant !== "inline") return;
    drop.hidden = !open;
    input.setAttribute("aria-expanded", String(open && !results.hidden));
  }

  #closed() {
    writeQuestion(this.#settings.param, "");
  }
}

/**
 * @param {Settings} settings
 * @returns {Promise<Searcher>}
 */
async function openSearch({ base, semantic }) {
  const { createSearch } = await import("./latefind.js");
  const options = { base, ...(semantic ? { semantic } : {}) };
  return createSearch(options);
}

customElements.define("latefind-search", LatefindSearch);
