/**
 * @file The element's skeleton: every node that stays, for each of the three variants. What is shown in it
 * changes; texts are put in by {@link label}, again whenever the language changes.
 *
 *     opener (modal) ► dialog ┐
 *                             ├► form, drop: bar (status, tools), filters, results, notices, foot
 *     inline, page ───────────┘
 */

import { attach, build, icon } from "./dom.js";

/** @typedef {import("./types.js").Variant} Variant */
/** @typedef {import("./texts.js").Texts} Texts */
/** @typedef {ReturnType<typeof buildView>} View */

/** The first has the colours and sizes that the others use. */
const STYLES = ["../latefind-ui.css", "./results.css", "./variants.css"];

/** @param {Variant} variant */
export function buildView(variant) {
  const popup = variant !== "page";
  const styles = STYLES.map((name) => build("link", { rel: "stylesheet", href: new URL(name, import.meta.url).href }));
  const field = buildField(variant);
  const bar = buildBar();
  const list = buildList(popup);
  const notices = buildNotices();
  const said = attach(build("p", { className: "said" }), { role: "status" });
  const foot = variant === "modal" ? [buildFoot()] : [];
  const drop = build("div", { className: "drop" }, bar.bar, bar.choices, list.scroller, notices.notices, ...foot);
  attach(drop, { part: "panel" });
  const panel = build("div", { className: "panel" }, field.form, drop, said);
  const opener = attach(build("button", { type: "button", className: "opener" }), { part: "button" });
  const dialog = build("dialog", { className: "dialog" });
  const root = build("div", { className: `root ${variant}`, hidden: true });
  if (variant === "modal") {
    attach(opener, { "aria-haspopup": "dialog" });
    dialog.append(panel);
    root.append(opener, dialog);
  } else root.append(panel);
  if (popup) combine(field.input, list.results);
  return { variant, popup, styles, root, opener, dialog, panel, drop, said, ...field, ...bar, ...list, ...notices };
}

/**
 * The field becomes a combobox, and the list its listbox.
 * @param {HTMLInputElement} input
 * @param {HTMLElement} results
 */
function combine(input, results) {
  attach(results, { role: "listbox" });
  attach(input, { role: "combobox", "aria-autocomplete": "list" });
  attach(input, { "aria-controls": results.id, "aria-expanded": "false" });
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

function buildBar() {
  const count = build("span", { className: "count" });
  const doing = build("span", { className: "doing" });
  const status = attach(build("p", { className: "status" }, count, doing), { part: "status" });
  const refine = build("button", { type: "button", className: "tool refine", hidden: true });
  const filtering = attach(build("button", { type: "button", className: "tool", hidden: true }), {
    "aria-expanded": "false",
    "aria-controls": "filters",
  });
  const sort = build("select", { className: "tool" });
  const explain = attach(build("button", { type: "button", className: "tool" }), { "aria-pressed": "false" });
  const tools = build("div", { className: "tools", hidden: true }, filtering, sort, explain);
  const line = build("div", { className: "line", hidden: true }, build("div", { className: "done" }));
  attach(line, { "aria-hidden": "true" });
  const bar = build("div", { className: "bar", hidden: true }, status, refine, tools, line);
  const choices = build("div", { id: "filters", className: "filters", hidden: true });
  return { bar, status, count, doing, refine, tools, filtering, sort, explain, line, choices };
}

/** @param {boolean} popup */
function buildList(popup) {
  /** @type {HTMLElement} */
  const results = build(popup ? "div" : "ol", { id: "results", className: "results", hidden: true });
  // Before the headings of the results; a listbox has none.
  const heading = build("h2", { className: "said" });
  attach(results, { part: "results" });
  const lead = build("p", { className: "lead" });
  const more = build("p", { className: "more-words" });
  const unfilter = build("button", { type: "button", className: "button", hidden: true });
  const empty = build("div", { className: "empty", hidden: true }, lead, more, unfilter);
  const next = build("button", { type: "button", className: "button next", hidden: true });
  const forget = build("button", { type: "button", className: "button forget", hidden: true });
  const error = buildError();
  const corrections = build("p", { className: "corrections", hidden: true });
  const headings = popup ? [] : [heading];
  const shown = [error.error, corrections, ...headings, results, empty, forget, next];
  const scroller = build("div", { className: "scroller" }, ...shown);
  if (popup) attach(scroller, { tabindex: "-1" });
  return { scroller, heading, corrections, results, lead, more, unfilter, empty, next, forget, ...error };
}

function buildError() {
  const headline = build("p", { className: "headline" });
  const message = build("p", { className: "message" });
  const detail = build("pre", { className: "detail" });
  const summary = build("summary");
  const details = build("details", {}, summary, message, detail);
  const retry = build("button", { type: "button", className: "button" });
  const error = build("div", { className: "error", hidden: true }, headline, details, retry);
  attach(error, { role: "alert", part: "error" });
  return { error, headline, message, details, summary, detail, retry };
}

/** What may appear while somebody reads the results stands below them, so that it moves nothing. */
function buildNotices() {
  const offerText = build("span");
  const yes = build("button", { type: "button", className: "button main" });
  const no = build("button", { type: "button", className: "button" });
  const answers = build("span", { className: "answers" }, yes, no);
  const offer = build("div", { className: "notice offer", hidden: true }, offerText, answers);
  attach(offer, { part: "offer" });
  const warningText = build("span");
  const again = build("button", { type: "button", className: "button" });
  const warningMore = build("p", { className: "message" });
  const warningSummary = build("summary");
  const warningDetails = build("details", {}, warningSummary, warningMore);
  const warning = build("div", { className: "notice warning", hidden: true }, warningText, again, warningDetails);
  attach(warning, { part: "warning" });
  const offline = build("p", { className: "notice offline", hidden: true });
  const notices = build("div", { className: "notices" }, offline, warning, offer);
  return { notices, offer, offerText, yes, no, warning, warningText, warningMore, warningSummary, again, offline };
}

function buildFoot() {
  const keys = [["↑", "↓"], ["↵"], ["esc"]].map((names) => {
    const drawn = names.map((name) => build("kbd", { textContent: name }));
    return build("span", { className: "hint" }, ...drawn, build("span"));
  });
  const shown = attach(build("span", { className: "hints" }, ...keys), { "aria-hidden": "true" });
  return build("div", { className: "foot" }, shown, build("span", { className: "privacy" }));
}

/**
 * Put the texts of a language into the skeleton.
 * @param {View} view
 * @param {Texts} texts
 * @param {string | null} placeholder
 * @param {{printed: string, aria: string}} shortcut
 */
export function label(view, texts, placeholder, shortcut) {
  const { root, input, results } = view;
  root.lang = texts.lang;
  view.labelled.textContent = texts.say("search");
  input.placeholder = placeholder ?? texts.say("placeholder");
  attach(view.wipe, { "aria-label": texts.say("clear"), title: texts.say("clear") });
  view.close.textContent = texts.say("close");
  attach(results, { "aria-label": texts.say("results") });
  view.heading.textContent = texts.say("results");
  attach(view.dialog, { "aria-label": texts.say("search") });
  const key = attach(build("kbd", { textContent: shortcut.printed }), { "aria-hidden": "true" });
  const name = build("span", { className: "opener-text", textContent: texts.say("search") });
  view.opener.replaceChildren(icon("search"), name, ...(shortcut.printed ? [key] : []));
  if (shortcut.aria) attach(view.opener, { "aria-keyshortcuts": shortcut.aria });
  labelTools(view, texts);
  labelNotices(view, texts);
  const hints = root.querySelectorAll(".hint > span");
  for (const [at, does] of /** @type {const} */ (["keyMove", "keyOpen", "keyClose"]).entries()) {
    if (hints[at]) hints[at].textContent = texts.say(does);
  }
  const privacy = root.querySelector(".privacy");
  if (privacy) privacy.textContent = texts.say("privacy");
}

/**
 * @param {View} view
 * @param {Texts} texts
 */
function labelTools(view, texts) {
  view.refine.textContent = `${texts.say("refined")} ${texts.say("refine")}`;
  view.explain.textContent = texts.say("explain");
  attach(view.sort, { "aria-label": texts.say("sort") });
  view.unfilter.textContent = texts.say("removeFilters");
  view.next.textContent = texts.say("more");
  view.forget.textContent = texts.say("forget");
}

/**
 * @param {View} view
 * @param {Texts} texts
 */
function labelNotices(view, texts) {
  view.yes.textContent = texts.say("offerYes");
  view.no.textContent = texts.say("offerNo");
  for (const button of [view.retry, view.again]) button.textContent = texts.say("retry");
  for (const summary of [view.summary, view.warningSummary]) summary.textContent = texts.say("details");
  view.offline.textContent = texts.say("offline");
}
