/**
 * @file `<latefind-search>`: a search field with its results, built on `createSearch`.
 *
 * Attributes, read when the element is attached:
 *
 * - `base`         URL of the latefind folder; by default the folder of this module
 * - `limit`        most results; 10
 * - `placeholder`  hint in the empty field
 * - `query-param`  parameter of the page's URL that fills the field, runs, and follows it; `q`, empty for none
 * - `focus-field`  focus the field at once
 *
 * Loading begins when the field gets the focus, or with the first query where the visitor saves data. The
 * element's `data-state` is "idle", "loading", "searching", "ready" or "failed". Colours and fonts are the
 * custom properties at the top of `latefind-ui.css`; the parts `field`, `results`, `result`, `status` and
 * `warning` can be styled from outside. Data becomes text nodes only, never markup.
 */

import { createSearch } from "./latefind.js";
import { toWire } from "./protocol.js";

/** @typedef {import("./latefind.js").Search} Search */
/** @typedef {import("./latefind.js").Answer} Answer */
/** @typedef {import("./latefind.js").Result} Result */
/** @typedef {"idle" | "loading" | "searching" | "ready" | "failed"} State */

/** Typing rests for this long (ms) before a query runs. */
const DEBOUNCE = 150;

/** Only these become links: an index made from records may hold any URL, `javascript:` included. */
const LINKED = ["https:", "http:", "mailto:", "file:"];

export class LatefindSearch extends HTMLElement {
  /** @type {Promise<Search> | undefined} */
  #opening;
  /** @type {AbortController | undefined} */
  #query;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #typing;
  #view = buildView();

  constructor() {
    super();
    const { root, form, input, retry, styles } = this.#view;
    const shadow = this.attachShadow({ mode: "open", delegatesFocus: true });
    shadow.append(styles, root);
    // Unstyled content is never seen; content without its styles still is.
    for (const event of ["load", "error"]) styles.addEventListener(event, () => this.#reveal(), { once: true });
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      void this.#run();
    });
    input.addEventListener("input", () => {
      clearTimeout(this.#typing);
      this.#typing = setTimeout(() => void this.#run(), DEBOUNCE);
    });
    input.addEventListener("focus", () => void this.#warm());
    retry.addEventListener("click", () => void this.#retry());
    root.addEventListener("keydown", (event) => this.#moveFocus(event));
  }

  connectedCallback() {
    const { input } = this.#view;
    input.placeholder = this.getAttribute("placeholder") ?? "Ask a question";
    this.dataset.state = "idle";
    const asked = this.#param && new URL(location.href).searchParams.get(this.#param);
    if (!asked) return;
    input.value = asked;
    void this.#run();
  }

  disconnectedCallback() {
    clearTimeout(this.#typing);
    this.#query?.abort();
    this.#opening?.then(
      (search) => search.close(),
      () => undefined, // Shown when it happened; there is nothing to close.
    );
    this.#opening = undefined;
  }

  get #param() {
    return this.getAttribute("query-param") ?? "q";
  }

  #reveal() {
    this.#view.root.hidden = false;
    if (this.hasAttribute("focus-field")) this.#view.input.focus();
  }

  /** @returns {Promise<Search>} */
  #open() {
    this.#opening ??= this.#create();
    return this.#opening;
  }

  async #create() {
    try {
      const search = await createSearch({ base: this.getAttribute("base") ?? undefined });
      search.addEventListener("status", () => this.#showProgress(search));
      return search;
    } catch (error) {
      this.#opening = undefined;
      throw error;
    }
  }

  /** Begin to load before the first query is typed. */
  async #warm() {
    if (this.dataset.state !== "idle" || savesData()) return;
    try {
      await (await this.#open()).loadSemantic();
    } catch (error) {
      this.#showError(error);
    }
  }

  async #retry() {
    this.#view.error.hidden = true;
    this.dataset.state = "idle";
    await (this.#view.input.value.trim() ? this.#run() : this.#warm());
  }

  /** Answer what is in the field; an earlier query that still runs is dropped. */
  async #run() {
    clearTimeout(this.#typing);
    this.#query?.abort();
    const { signal } = (this.#query = new AbortController());
    const text = this.#view.input.value.trim();
    this.#remember(text);
    if (!text) return this.#showNothing();
    this.#view.results.setAttribute("aria-busy", "true");
    try {
      const search = await this.#open();
      if (search.status.semantic === "ready") this.dataset.state = "searching";
      const limit = Number(this.getAttribute("limit") ?? 10);
      const answer = await search.query(text, { limit, signal });
      this.#showAnswer(answer);
    } catch (error) {
      if (!signal.aborted) this.#showError(error);
    }
  }

  /**
   * Keep the query in the page's URL, so that going back from a result finds it again.
   * @param {string} text
   */
  #remember(text) {
    if (!this.#param) return;
    const url = new URL(location.href);
    if (text) url.searchParams.set(this.#param, text);
    else url.searchParams.delete(this.#param);
    if (url.href !== location.href) history.replaceState(history.state, "", url);
  }

  /** @param {Search} search */
  #showProgress({ status }) {
    const { progress, bar, amount } = this.#view;
    progress.hidden = status.semantic !== "loading";
    if (status.semantic === "ready" && this.dataset.state === "loading") this.dataset.state = "ready";
    if (status.semantic !== "loading") return;
    this.dataset.state = "loading";
    bar.max = status.bytesTotal;
    bar.value = status.bytesLoaded;
    const done = status.bytesLoaded >= status.bytesTotal;
    amount.textContent = done
      ? "Starting search …"
      : `Loading search: ${megabytes(status.bytesLoaded)} of ${megabytes(status.bytesTotal)} MB`;
  }

  /** @param {Answer} answer */
  #showAnswer({ query, results, total, timings, warnings }) {
    const { results: list, status, warning, error } = this.#view;
    this.dataset.state = "ready";
    error.hidden = true;
    list.replaceChildren(...results.map(buildResult));
    list.removeAttribute("aria-busy");
    const count = `Best ${results.length} of ${total.toLocaleString()} sections, in ${Math.ceil(timings.total)} ms`;
    status.textContent = results.length ? count : `Nothing found for “${query}”.`;
    warning.textContent = warningText(warnings);
  }

  #showNothing() {
    const { results, status, warning, error } = this.#view;
    results.replaceChildren();
    results.removeAttribute("aria-busy");
    status.textContent = "";
    warning.textContent = "";
    error.hidden = true;
    if (this.dataset.state === "searching") this.dataset.state = "ready";
  }

  /** @param {unknown} cause */
  #showError(cause) {
    const { message, detail, details, error, progress, results, status, warning } = this.#view;
    const { code, message: text, detail: more } = toWire(cause);
    if (code === "closed") return; // By us, when the element was detached.
    this.dataset.state = "failed";
    message.textContent = text;
    error.dataset.code = code;
    detail.textContent = more;
    details.hidden = !more;
    results.replaceChildren();
    results.removeAttribute("aria-busy");
    status.textContent = "";
    warning.textContent = "";
    progress.hidden = true;
    error.hidden = false;
  }

  /**
   * Arrow keys walk from the field through the results and back.
   * @param {KeyboardEvent} event
   */
  #moveFocus(event) {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (!step) return;
    const { input, results } = this.#view;
    const stops = [input, ...results.querySelectorAll("a")];
    const at = stops.findIndex((stop) => stop === this.shadowRoot?.activeElement);
    const next = stops[at + step];
    if (at < 0 || !next) return;
    event.preventDefault();
    next.focus();
  }
}

/** The element's skeleton; what is shown in it changes, its nodes stay. */
function buildView() {
  const styles = build("link", { rel: "stylesheet", href: new URL("latefind-ui.css", import.meta.url).href });
  const input = build("input", { id: "query", type: "search", name: "q", autocomplete: "off", enterKeyHint: "search" });
  input.setAttribute("part", "field");
  input.spellcheck = false;
  const label = build("label", { htmlFor: "query", textContent: "Search" });
  const form = build("form", {}, label, input);
  form.setAttribute("role", "search");
  const amount = build("span", { id: "amount", className: "amount" });
  const bar = build("progress", { className: "bar" });
  bar.setAttribute("aria-labelledby", "amount");
  const progress = build("div", { className: "progress", hidden: true }, amount, bar);
  const message = build("p", { className: "message" });
  const detail = build("pre", { className: "detail" });
  const details = build("details", {}, build("summary", { textContent: "Details" }), detail);
  const retry = build("button", { type: "button", className: "retry", textContent: "Try again" });
  const error = build("div", { className: "error", hidden: true }, message, details, retry);
  error.setAttribute("role", "alert");
  const status = build("p", { className: "status" });
  status.setAttribute("role", "status");
  status.setAttribute("part", "status");
  const warning = build("p", { className: "warning" });
  warning.setAttribute("role", "status");
  warning.setAttribute("part", "warning");
  const results = build("ol", { className: "results" });
  results.setAttribute("part", "results");
  const root = build("div", { className: "root", hidden: true }, form, progress, error, status, warning, results);
  const failure = { error, message, details, detail, retry };
  return { styles, root, form, input, progress, bar, amount, ...failure, status, warning, results };
}

/** @param {Answer["warnings"]} warnings */
function warningText([first, ...others]) {
  if (!first) return "";
  const more = others.length ? ` (and ${others.length} more)` : "";
  return `Some results may be missing: ${first.message}${more}`;
}

/**
 * @param {Result} result
 * @returns {HTMLLIElement}
 */
function buildResult({ url, title, breadcrumb, snippet, id, lang }) {
  const text = title || breadcrumb.at(-1) || id;
  const linked = URL.canParse(url) && LINKED.includes(new URL(url).protocol);
  const name = linked ? build("a", { href: url, textContent: text }) : build("span", { textContent: text });
  const item = build("li", { className: "result", lang });
  item.setAttribute("part", "result");
  const above = breadcrumb.filter((step) => step && step !== text);
  if (above.length) item.append(build("p", { className: "breadcrumb", textContent: above.join(" › ") }));
  item.append(build("h2", { className: "title" }, name), build("p", { className: "snippet", textContent: snippet }));
  return item;
}

/**
 * @template {keyof HTMLElementTagNameMap} Tag
 * @param {Tag} tag
 * @param {Partial<HTMLElementTagNameMap[Tag]>} properties
 * @param {...Node} children
 * @returns {HTMLElementTagNameMap[Tag]}
 */
function build(tag, properties, ...children) {
  const node = Object.assign(document.createElement(tag), properties);
  node.append(...children);
  return node;
}

function savesData() {
  const { connection } = /** @type {Navigator & {connection?: {saveData?: boolean}}} */ (navigator);
  return connection?.saveData === true;
}

/** @param {number} bytes */
function megabytes(bytes) {
  return (bytes / 1e6).toFixed(1);
}

customElements.define("latefind-search", LatefindSearch);
