/**
 * @file What of the element is there at once: the button and the dialog that it opens, and the field. What is
 * typed into it before the rest has arrived (`view.js`, `panel.js`) is answered then.
 *
 *     opener (modal) ► dialog ┐
 *                             ├► form, drop
 *     inline, page ───────────┘
 */

import { CODE } from "../place.js";
import { attach, build, icon } from "./dom.js";

/** @typedef {import("./types.js").Variant} Variant */
/** @typedef {import("./texts.js").Texts} Texts */
/** @typedef {ReturnType<typeof buildShell>} Shell */

/** @param {Variant} variant */
export function buildShell(variant) {
  const style = build("link", { rel: "stylesheet", href: new URL("latefind-ui.css", CODE).href });
  const field = buildField(variant);
  const drop = attach(build("div", { className: "drop" }), { part: "panel" });
  const said = attach(build("p", { className: "said" }), { role: "status" });
  const failure = attach(build("p", { className: "failure", hidden: true }), { role: "alert" });
  const panel = build("div", { className: "panel" }, field.form, failure, drop, said);
  const name = build("span", { className: "opener-text" });
  const key = attach(build("kbd", { hidden: true }), { "aria-hidden": "true" });
  const opener = build("button", { type: "button", className: "opener" }, icon("search"), name, key);
  attach(opener, { part: "button" });
  const dialog = build("dialog", { className: "dialog" });
  const root = build("div", { className: `root ${variant}`, hidden: true });
  if (variant === "modal") {
    attach(opener, { "aria-haspopup": "dialog" });
    dialog.append(panel);
    root.append(opener, dialog);
  } else root.append(panel);
  return { variant, style, root, opener, name, key, dialog, panel, failure, drop, said, ...field };
}

/** @param {Variant} variant */
function buildField(variant) {
  const input = build("input", { id: "query", type: "search", name: "q", autocomplete: "off", enterKeyHint: "search" });
  attach(input, { part: "field", autocapitalize: "off" });
  input.spellcheck = false;
  const labelled = build("label", { htmlFor: "query", className: "said" });
  const wipe = build("button", { type: "button", className: "wipe", hidden: true }, icon("clear"));
  const close = build("button", { type: "button", className: "close", hidden: variant !== "modal" });
  const form = build("form", { className: "form" }, labelled, icon("search"), input, wipe, close);
  attach(form, { role: "search" });
  return { form, input, labelled, wipe, close };
}

/**
 * Put the texts of a language into the shell. Nodes stay: a press that began on one that goes is no click.
 * @param {Shell} shell
 * @param {Texts} texts
 * @param {string | null} placeholder
 * @param {{printed: string, aria: string}} shortcut
 */
export function labelShell(shell, texts, placeholder, shortcut) {
  const { root, input, opener, name, key, wipe } = shell;
  root.lang = texts.lang;
  shell.labelled.textContent = texts.say("search");
  input.placeholder = placeholder ?? texts.say("placeholder");
  attach(wipe, { "aria-label": texts.say("clear"), title: texts.say("clear") });
  shell.close.textContent = texts.say("close");
  attach(shell.dialog, { "aria-label": texts.say("search") });
  name.textContent = texts.say("search");
  key.textContent = shortcut.printed;
  key.hidden = !shortcut.printed;
  if (shortcut.aria) attach(opener, { "aria-keyshortcuts": shortcut.aria });
}

/**
 * The `<dialog>` element makes the page behind it inert and gives the focus back when it closes; added here are
 * closing by a click beside it, and a page that keeps its scroll position.
 */
export class Modal {
  #dialog;
  #restore = () => {};

  /**
   * @param {HTMLDialogElement} dialog
   * @param {() => void} onClose
   */
  constructor(dialog, onClose) {
    this.#dialog = dialog;
    dialog.addEventListener("close", () => {
      this.#restore();
      onClose();
    });
    // Only a press that began beside the panel: one that selects text in it may end outside.
    dialog.addEventListener("pointerdown", (event) => {
      if (event.target === dialog && event.button === 0) {
        dialog.addEventListener("click", (click) => click.target === dialog && this.close(), { once: true });
      }
    });
  }

  get open() {
    return this.#dialog.open;
  }

  show() {
    if (this.#dialog.open) return;
    this.#restore = holdScroll();
    this.#dialog.showModal();
  }

  close() {
    // At once: the event comes later, and not at all where the dialog has left the page.
    this.#restore();
    this.#dialog.close();
  }
}

/** @returns {() => void} lets the page scroll again */
function holdScroll() {
  const { style, clientWidth } = document.documentElement;
  const { overflow, paddingInlineEnd } = style;
  const scrollbar = innerWidth - clientWidth;
  style.overflow = "hidden";
  if (scrollbar > 0) style.paddingInlineEnd = `${scrollbar}px`;
  let held = true;
  return () => {
    if (held) Object.assign(style, { overflow, paddingInlineEnd });
    held = false;
  };
}
