/**
 * @file `<latefind-offline>`: lets visitors keep the site and its search on their device, built on `offline.js`.
 *
 * Attributes, read when the element is attached:
 *
 * - `base`    URL of the latefind folder; by default the folder of this module
 * - `worker`  URL of the site's own service worker, if it has one
 *
 * Its `data-state` is that of `offline.js`. It shows nothing where the site offers no offline copy. Colours are
 * the custom properties of `latefind-ui.css`. The language is that of the nearest `lang`.
 */

import { createOffline } from "./offline.js";
import { fill, megabytes, offlineTexts } from "./offline-texts.js";

/** @typedef {import("./offline.js").Offline} Offline */
/** @typedef {import("./offline.js").Status} Status */
/** @typedef {import("./offline-texts.js").OfflineTexts} OfflineTexts */
/** @typedef {"keep" | "resume" | "repair" | "cancel" | "remove" | "reload"} Action */

/**
 * The buttons of each state, the important one first.
 * @type {Record<Status["state"], Action[]>}
 */
const ACTIONS = {
  off: ["keep"],
  loading: ["cancel"],
  paused: ["resume", "remove"],
  ready: ["remove"],
  updating: ["remove"],
  damaged: ["repair", "remove"],
  unsupported: [],
  unavailable: [],
};

export class LatefindOffline extends HTMLElement {
  /** @type {Offline | undefined} */
  #offline;
  /** @type {OfflineTexts | undefined} */
  #texts;
  /** Whether what was last wanted is still being begun. */
  #busy = false;
  #view = buildView();

  constructor() {
    super();
    const { styles, root, actions } = this.#view;
    this.attachShadow({ mode: "open" }).append(styles, root);
    for (const event of ["load", "error"]) styles.addEventListener(event, () => (root.hidden = false), { once: true });
    actions.addEventListener("click", ({ target }) => {
      if (target instanceof HTMLButtonElement) void this.#act(/** @type {Action} */ (target.value));
    });
  }

  async connectedCallback() {
    const lang = this.closest("[lang]")?.getAttribute("lang") ?? "en";
    const [base, worker] = [this.getAttribute("base") ?? undefined, this.getAttribute("worker") ?? undefined];
    const [texts, offline] = await Promise.all([offlineTexts([lang]), createOffline({ base, worker })]);
    if (!this.isConnected) return offline.close();
    this.#texts = texts;
    this.#offline = offline;
    offline.addEventListener("status", () => this.#show());
    this.#show();
  }

  disconnectedCallback() {
    this.#offline?.close();
    this.#offline = undefined;
  }

  /** @param {Action} action */
  async #act(action) {
    if (action === "reload") return location.reload();
    if (this.#busy) return;
    this.#busy = true;
    try {
      if (action === "cancel" || action === "remove") await this.#offline?.disable();
      else await this.#offline?.enable();
    } catch (error) {
      this.#show();
      this.#view.note.textContent = error instanceof Error ? error.message : String(error);
    } finally {
      this.#busy = false;
    }
  }

  #show() {
    if (!this.#offline || !this.#texts) return;
    const { status } = this.#offline;
    const { message, bar, amount, actions, note } = this.#view;
    const texts = this.#texts;
    const size = (/** @type {number} */ bytes) => megabytes(bytes, texts.lang);
    this.dataset.state = status.state;
    this.hidden = status.state === "unavailable";
    const values = { loaded: size(status.bytesLoaded), total: size(status.bytesTotal) };
    setText(message, fill(texts[status.state], values));
    const busy = status.state === "loading" || status.state === "updating";
    bar.hidden = amount.hidden = !busy;
    bar.max = status.bytesTotal || 1;
    bar.value = status.bytesLoaded;
    amount.textContent = busy ? fill(texts.progress, values) : "";
    setText(note, noteFor(status, texts, size));
    const wanted = [...(status.outdated ? /** @type {Action[]} */ (["reload"]) : []), ...ACTIONS[status.state]];
    const shown = [...actions.querySelectorAll("button")].map(({ value }) => value);
    if (shown.join() === wanted.join()) return;
    const focused = this.shadowRoot?.activeElement instanceof HTMLButtonElement;
    actions.replaceChildren(...wanted.map((action) => button(action, texts[action])));
    if (focused) actions.querySelector("button")?.focus();
  }
}

/**
 * What the visitor should know beside the state.
 * @param {Status} status
 * @param {OfflineTexts} texts
 * @param {(bytes: number) => string} size
 */
function noteFor({ state, error, outdated, needed, available }, texts, size) {
  if (error?.code === "quota") {
    return fill(texts.noRoom, { needed: size(needed), available: size(available) });
  }
  if (outdated) return texts.outdated;
  if (!error || state === "unsupported" || state === "unavailable") return "";
  // A copy that is whole and cannot be renewed just now is no news: that is what it is for.
  if (error.code === "network") return state === "ready" ? "" : texts.noConnection;
  return error.message;
}

function buildView() {
  const styles = build("link", { rel: "stylesheet", href: new URL("latefind-offline.css", import.meta.url).href });
  const message = build("p", { className: "message" });
  message.setAttribute("role", "status");
  const amount = build("span", { id: "amount", hidden: true });
  const bar = build("progress", { hidden: true });
  bar.setAttribute("aria-labelledby", "amount");
  const note = build("p", { className: "note" });
  note.setAttribute("role", "status");
  const actions = build("div", { className: "actions" });
  const root = build("div", { className: "root", hidden: true }, message, bar, amount, note, actions);
  return { styles, root, message, amount, bar, note, actions };
}

/**
 * @param {Action} action
 * @param {string} text
 */
function button(action, text) {
  return build("button", { type: "button", value: action, textContent: text });
}

/**
 * Only where it differs: a text that is set again is announced again.
 * @param {HTMLElement} node
 * @param {string} text
 */
function setText(node, text) {
  if (node.textContent !== text) node.textContent = text;
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

customElements.define("latefind-offline", LatefindOffline);
