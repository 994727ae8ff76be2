/**
 * @file `<latefind-search>`: the search that visitors see, built on `createSearch` and nothing else.
 *
 * Three variants: `variant="modal"` (a button and a dialog that keys open), `"inline"` (a field with a
 * dropdown) and `"page"` (field and results in the page; the default). `docs/search-page.md` describes
 * attributes, keys, states and style. Data becomes text nodes only, never markup.
 *
 * Button and field are there at once. What answers is loaded when somebody is about to search, or when the
 * browser is idle; what was typed by then is answered.
 */

import { SEARCH_FOLDER } from "./place.js";
import { fetchInside, fetchManifest, whenIdle } from "./ui/ahead.js";
import { readQuestion, writeQuestion } from "./ui/question.js";
import { ariaKeys, matchesKeys, parseKeys, printedKey, readSettings } from "./ui/settings.js";
import { Modal, buildShell, labelShell } from "./ui/shell.js";
import { ENGLISH, addStrings, changes, loadTexts } from "./ui/texts.js";

export { addStrings, loadTexts };

/** @typedef {import("./ui/types.js").Searcher} Searcher */
/** @typedef {import("./ui/settings.js").Settings} Settings */
/** @typedef {import("./ui/session.js").Session} Session */
/** @typedef {import("./ui/panel.js").Panel} Panel */
/** @typedef {import("./ui/view.js").View} View */

/**
 * What is behind the field.
 * @typedef {object} Inside
 * @property {View} view
 * @property {Panel} panel
 * @property {Session} session
 * @property {typeof import("./ui/view.js").labelView} labelView
 * @property {typeof import("./ui/view.js").tellExpanded} tellExpanded
 */

export class LatefindSearch extends HTMLElement {
  #shadow = this.attachShadow({ mode: "open" });
  /** @type {Searcher | undefined} */
  #given;
  /** @type {Attached | undefined} */
  #attached;

  connectedCallback() {
    this.#attached = new Attached(this, this.#shadow);
    this.#attached.search = this.#given;
    this.#attached.start();
  }

  disconnectedCallback() {
    this.#attached?.detach();
    this.#attached = undefined;
  }

  /** The search behind the element, once it is open. */
  get search() {
    return this.#attached?.search ?? this.#given;
  }

  /** Put another search behind the element, one that the page has opened already for instance. */
  set search(search) {
    this.#given = search;
    if (search && this.#attached) this.#attached.search = search;
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
  #shell;
  #modal;
  #shortcuts;
  #texts = ENGLISH;
  /** @type {Searcher | undefined} */
  #given;
  /** @type {Inside | undefined} */
  #inside;
  /** @type {Promise<Inside> | undefined} */
  #furnishing;
  /** @type {Promise<Response> | undefined} */
  #manifest;
  /** Whether Enter was pressed before anything could be asked. */
  #submitted = false;
  #gone = new AbortController();

  /**
   * @param {HTMLElement} host
   * @param {ShadowRoot} shadow
   */
  constructor(host, shadow) {
    this.#host = host;
    this.#settings = readSettings(host);
    this.#shell = buildShell(this.#settings.variant);
    this.#shortcuts = parseKeys(this.#settings.keys);
    this.#modal = new Modal(this.#shell.dialog, () => this.#closed());
    shadow.replaceChildren(this.#shell.style, this.#shell.root);
    this.#label();
    this.#listen();
  }

  start() {
    const { variant, param } = this.#settings;
    this.#host.dataset["state"] = "idle";
    if (variant === "inline") this.#drop(false);
    const asked = readQuestion(param);
    this.#shell.input.value = asked;
    this.#submitted = asked !== "";
    if (asked || variant === "page") void this.#furnish().catch(() => undefined);
    else whenIdle(fetchInside);
    void this.#reveal(asked);
  }

  detach() {
    this.#gone.abort();
    this.#modal.close();
    this.#inside?.session.close();
  }

  get search() {
    return this.#inside?.session.search ?? this.#given;
  }

  set search(search) {
    this.#given = search;
    if (search) this.#inside?.session.use(search);
  }

  get field() {
    const { variant, opener, input } = this.#shell;
    return variant === "modal" && !this.#modal.open ? opener : input;
  }

  open() {
    const { root, variant, input } = this.#shell;
    // Somebody who is faster than the styles is not made to wait for them.
    root.hidden = false;
    if (variant === "modal") this.#modal.show();
    input.focus();
    if (variant !== "modal") return;
    input.select();
    void this.#warm();
  }

  close() {
    if (this.#shell.variant === "modal") this.#modal.close();
    this.#drop(false);
  }

  /**
   * Bring what is behind the field.
   * @returns {Promise<Inside>}
   */
  #furnish() {
    this.#furnishing ??= this.#build().catch((error) => {
      this.#furnishing = undefined; // The next wish begins afresh.
      const { failure } = this.#shell;
      failure.textContent = this.#texts.say(navigator.onLine ? "failedNetwork" : "failedOffline");
      failure.hidden = false;
      throw error;
    });
    return this.#furnishing;
  }

  /** @returns {Promise<Inside>} */
  async #build() {
    const { Panel, Recent, Session, buildView, labelView, tellExpanded } = await import("./inside.js");
    const settings = this.#settings;
    const view = buildView(this.#shell);
    const recent = new Recent(settings.base ?? SEARCH_FOLDER.href, settings.recent);
    const session = new Session(() => this.#openSearch(), () => panel.statusChanged());
    const panel = new Panel(view, settings, session, recent, this.#texts, (state) => (this.#host.dataset["state"] = state));
    this.#inside = { view, panel, session, labelView, tellExpanded };
    this.#shell.failure.hidden = true;
    view.results.addEventListener("click", (event) => this.#follow(event));
    if (this.#given) session.use(this.#given);
    this.#label();
    this.#catchUp(panel);
    return this.#inside;
  }

  /**
   * Answer what was typed before there was anything to answer it.
   * @param {Panel} panel
   */
  #catchUp(panel) {
    const { form, input } = this.#shell;
    if (this.#gone.signal.aborted || !input.value) return;
    if (this.#submitted) form.requestSubmit();
    else panel.ask(input.value, true);
  }

  /** @returns {Promise<Searcher>} */
  async #openSearch() {
    const { base, edition, semantic, keepStart } = this.#settings;
    const manifest = this.#manifest;
    this.#manifest = undefined; // What was fetched ahead serves once; whoever tries again asks the host again.
    const { createSearch } = await import("./inside.js");
    return createSearch({ base, edition, keepStart, ...(semantic ? { semantic } : {}), ...(manifest ? { manifest } : {}) });
  }

  /** Begin to load before the first query is typed; with `idle`, only what opens the search. */
  async #warm(idle = false) {
    if (!this.search) this.#manifest ??= fetchManifest(this.#settings);
    try {
      const { panel, session } = await this.#furnish();
      if (this.#gone.signal.aborted) return;
      await (idle ? session.open() : panel.warm());
    } catch {
      // Shown where it is looked at: in the open panel.
    }
  }

  #listen() {
    const { root, form, input, opener, close, panel } = this.#shell;
    const { variant } = this.#settings;
    const { signal } = this.#gone;
    opener.addEventListener("click", () => this.open());
    for (const event of ["pointerenter", "focus"]) opener.addEventListener(event, () => void this.#warm(true));
    close.addEventListener("click", () => this.close());
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.#submitted = true;
    });
    input.addEventListener("focus", () => {
      if (variant !== "modal") void this.#warm();
      this.#drop(true);
    });
    input.addEventListener("input", () => {
      this.#submitted = false;
      this.#drop(true);
      if (!this.#inside) void this.#warm();
    });
    input.addEventListener("pointerdown", () => this.#drop(true));
    panel.addEventListener("keydown", (event) => this.#press(event));
    root.addEventListener("focusout", ({ relatedTarget }) => {
      if (relatedTarget && !root.contains(/** @type {Node} */ (relatedTarget))) this.#drop(false);
    });
    const leave = (/** @type {Event} */ event) => event.composedPath().includes(this.#host) || this.#drop(false);
    document.addEventListener("pointerdown", leave, { signal });
    document.addEventListener("keydown", (event) => this.#shortcut(event), { signal });
    for (const event of ["online", "offline"]) addEventListener(event, () => this.#inside?.panel.refresh(), { signal });
    changes.addEventListener("change", () => void this.#translate(), { signal });
  }

  /**
   * Unstyled content is never seen; content whose styles or language cannot be had still is.
   * @param {string} asked
   */
  async #reveal(asked) {
    const { style, root, variant } = this.#shell;
    const styled = new Promise((resolve) => {
      for (const event of ["load", "error"]) style.addEventListener(event, resolve, { once: true });
    });
    await Promise.all([styled, this.#translate()]);
    root.hidden = false;
    if (asked && variant === "modal") this.open();
    if (this.#settings.focusField) this.field.focus();
  }

  async #translate() {
    const tag = this.#host.closest("[lang]")?.getAttribute("lang") ?? document.documentElement.lang;
    this.#texts = await loadTexts(tag);
    this.#label();
  }

  #label() {
    const shortcut = { printed: printedKey(this.#shortcuts), aria: ariaKeys(this.#shortcuts) };
    labelShell(this.#shell, this.#texts, this.#settings.placeholder, shortcut);
    if (!this.#inside) return;
    const { view, panel, labelView } = this.#inside;
    labelView(view, this.#texts);
    panel.texts = this.#texts;
    panel.refresh();
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
    const used = event.key === "Escape" ? this.#escape() : this.#inside?.panel.handleKey(event);
    if (!used) return;
    event.preventDefault();
    event.stopPropagation();
  }

  /**
   * First the question goes, then the dialog; of the dropdown first itself, then the question.
   * @returns {boolean} whether there was something to leave
   */
  #escape() {
    const { variant, drop, input } = this.#shell;
    if (variant === "inline" && !drop.hidden) this.#drop(false);
    else if (input.value.trim()) this.#clear();
    else if (variant === "modal") this.close();
    else return false;
    return true;
  }

  #clear() {
    this.#shell.input.value = "";
    this.#inside?.panel.clear();
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
    const { variant, drop } = this.#shell;
    if (variant !== "inline") return;
    drop.hidden = !open;
    this.#inside?.tellExpanded(this.#inside.view);
  }

  #closed() {
    writeQuestion(this.#settings.param, "");
  }
}

customElements.define("latefind-search", LatefindSearch);
