/**
 * @file The rest of the element's skeleton, which the shell (`shell.js`) opens for: every node that stays. What
 * is shown in it changes; texts are put in by {@link labelView}, again whenever the language changes.
 *
 *     drop: bar (status, tools), filters, results, notices, foot
 */

import { attach, build } from "./dom.js";

/** @typedef {import("./shell.js").Shell} Shell */
/** @typedef {import("./texts.js").Texts} Texts */
/** @typedef {ReturnType<typeof buildView>} View */

/**
 * Put into the shell what it opens for.
 * @param {Shell} shell
 */
export function buildView(shell) {
  const { variant, drop, input } = shell;
  const popup = variant !== "page";
  const bar = buildBar();
  const list = buildList(popup);
  const notices = buildNotices();
  const foot = variant === "modal" ? [buildFoot()] : [];
  drop.append(bar.bar, bar.choices, list.scroller, notices.notices, ...foot);
  if (popup) combine(input, list.results);
  return { ...shell, popup, ...bar, ...list, ...notices };
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

/**
 * Say whether the list is to be seen: there is something in it, and it has not been closed meanwhile.
 * @param {View} view
 */
export function tellExpanded({ popup, drop, input, results }) {
  if (popup) attach(input, { "aria-expanded": String(!drop.hidden && !results.hidden) });
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
 * Put the texts of a language into the skeleton; those of the shell are there.
 * @param {View} view
 * @param {Texts} texts
 */
export function labelView(view, texts) {
  const { root, results } = view;
  attach(results, { "aria-label": texts.say("results") });
  view.heading.textContent = texts.say("results");
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
