/**
 * @file The field and what hangs below it: asks while somebody types, and shows answers, states and notices.
 * The three variants differ in how it is opened, which is the element's business.
 */

import { attach } from "./dom.js";
import { Announcer, showError, showOffer, showProgress, showWarning } from "./notices.js";
import { nameOf } from "./result.js";
import { ResultList, groupByPage, sameTexts, sortResults } from "./results.js";
import { writeQuestion } from "./question.js";
import { Tools } from "./tools.js";
import { Typing } from "./typing.js";
import { tellExpanded } from "./view.js";
import { Steady, Walker } from "./walker.js";

/** @typedef {import("./types.js").Answer} Answer */
/** @typedef {import("./results.js").Group} Group */
/** @typedef {import("./view.js").View} View */
/** @typedef {import("./settings.js").Settings} Settings */
/** @typedef {import("./session.js").Session} Session */
/** @typedef {import("./session.js").Recent} Recent */
/** @typedef {import("./texts.js").Texts} Texts */
/** @typedef {"idle" | "loading" | "searching" | "ready" | "failed"} State */

/**
 * What the next answer does to the list: "replace" it, "refine" it in place unless somebody is aiming at a
 * result, or add "more" at its end.
 * @typedef {"replace" | "refine" | "more"} Change
 */

export class Panel {
  #view;
  #settings;
  #session;
  #recent;
  #onState;
  #list;
  #walker;
  #steady;
  #announcer;
  #tools;
  #limit;
  /** What the list shows. @type {Answer | undefined} */
  #shown;
  /** A better answer that waits until nobody aims at a result. @type {Answer | undefined} */
  #waiting;
  /** @type {Group[]} */
  #groups = [];
  /** @type {Change} */
  #change = "replace";
  #typing = new Typing((hasty) => void this.run(hasty));
  #asking = false;
  /** Whether the last word may still be typed. */
  #unfinished = false;
  #semantic = "";

  /**
   * @param {View} view
   * @param {Settings} settings
   * @param {Session} session
   * @param {Recent} recent
   * @param {Texts} texts
   * @param {(state: State) => void} onState
   */
  constructor(view, settings, session, recent, texts, onState) {
    this.#view = view;
    this.#settings = settings;
    this.#session = session;
    this.#recent = recent;
    this.texts = texts;
    this.#onState = onState;
    this.#limit = settings.limit;
    this.#list = new ResultList(view.results, view.popup);
    this.#walker = new Walker(view.input, this.#list, view.popup, () => this.#settle());
    this.#steady = new Steady(view.scroller, () => this.#walker.at >= 0, () => this.#settle());
    this.#announcer = new Announcer(view.said);
    this.#tools = new Tools(view, settings.filters, (what) => this.#retool(what));
    this.#listen();
  }

  #listen() {
    const { form, input, wipe, retry, again, next, forget, unfilter, refine, yes, no, results } = this.#view;
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.#recent.add(input.value);
      this.#unfinished = false;
      void this.run();
    });
    input.addEventListener("input", () => this.#type());
    wipe.addEventListener("click", () => {
      this.clear();
      input.focus();
    });
    for (const button of [retry, again]) button.addEventListener("click", () => void this.#retry());
    next.addEventListener("click", () => void this.#more());
    refine.addEventListener("click", () => this.#settle(true));
    yes.addEventListener("click", () => this.#decide(true));
    no.addEventListener("click", () => this.#decide(false));
    forget.addEventListener("click", () => {
      this.#recent.clear();
      this.#showIdle();
      input.focus();
    });
    unfilter.addEventListener("click", () => {
      this.#tools.removeFilters();
      this.#retool("filters");
      input.focus();
    });
    // A result that was followed was worth asking for.
    results.addEventListener("click", () => this.#shown && this.#recent.add(this.#shown.query));
  }

  /**
   * @param {KeyboardEvent} event
   * @returns {boolean} whether the key was one of the list's
   */
  handleKey(event) {
    return this.#walker.handle(event);
  }

  get text() {
    return this.#view.input.value.trim();
  }

  /**
   * @param {string} text
   * @param {boolean} [unfinished]  whether the last word may still be typed
   */
  ask(text, unfinished = false) {
    this.#view.input.value = text;
    this.#unfinished = unfinished;
    void this.run();
  }

  clear() {
    this.#view.input.value = "";
    void this.run();
  }

  /** The texts, the search's status or the connection have changed. */
  refresh() {
    this.#refreshStatus();
    if (this.#shown) this.#show(this.#shown);
    else if (this.#view.error.hidden) this.#showIdle();
  }

  #type() {
    this.#steady.typed();
    this.#unfinished = true;
    this.#view.wipe.hidden = !this.#view.input.value;
    this.#typing.typed();
  }

  /** Begin to load before the first query is typed. */
  async warm() {
    if (!this.#view.error.hidden) return;
    try {
      await this.#session.warm(this.#settings.semantic === undefined);
    } catch (error) {
      this.#fail(error);
    }
  }

  /**
   * Answer what is in the field.
   * @param {boolean} [hasty]  while somebody types on
   */
  async run(hasty = false) {
    const { input, wipe } = this.#view;
    this.#typing.stop();
    wipe.hidden = !input.value;
    writeQuestion(this.#settings.param, this.text);
    this.#limit = this.#settings.limit;
    if (this.text) return this.#ask("replace", hasty);
    this.#session.drop();
    this.#asking = false;
    return this.#showIdle();
  }

  /** @type {(change: Change, hasty?: boolean) => Promise<void>} */
  async #ask(change, hasty = false) {
    this.#change = change;
    this.#asking = true;
    this.#view.error.hidden = true;
    attach(this.#view.results, { "aria-busy": "true" });
    this.#onState(this.#session.search ? "searching" : "loading");
    this.#refreshStatus();
    const { filters, explain } = this.#tools;
    try {
      const wish = { limit: this.#limit, filters, explain, typing: this.#unfinished };
      await this.#session.ask(this.text, wish, (answer, last) => this.#take(answer, last), hasty);
    } catch (error) {
      this.#fail(error);
    }
  }

  /**
   * @param {Answer} answer
   * @param {boolean} last
   */
  #take(answer, last) {
    const change = this.#change;
    this.#asking = !last;
    if (change === "more" && !last) return; // The rest of the better answer is what is waited for.
    this.#view.results.removeAttribute("aria-busy");
    if (change === "more") return this.#append(answer);
    this.#change = "refine";
    const moves = !sameTexts(answer.results, this.#shown?.results);
    if (change === "refine" && moves && this.#steady.busy) return this.#postpone(answer);
    if (change === "replace") this.#start();
    this.#show(answer);
    this.#announce(answer);
  }

  /** Another question: nothing of the list before is of interest. */
  #start() {
    this.#walker.clear();
    this.#view.scroller.scrollTop = 0;
  }

  /** @param {Answer} answer */
  #postpone(answer) {
    this.#waiting = answer;
    this.#view.refine.hidden = false;
    this.#announcer.say(this.texts.say("refined"));
    this.#onState("ready");
    this.#refreshStatus();
  }

  /** @param {boolean} [wanted]  the visitor asked for it, whatever they aim at */
  #settle(wanted = false) {
    const answer = this.#waiting;
    if (!answer || (this.#steady.busy && !wanted)) return;
    if (wanted) {
      this.#start();
      this.#view.input.focus();
    }
    this.#show(answer);
    this.#announce(answer);
  }

  /** @param {Answer} answer */
  #show(answer) {
    const { sort } = this.#tools;
    const { results } = answer;
    this.#groups = sort === "relevance" ? groupByPage(results) : sortResults(results, sort, this.texts.lang);
    this.#display(answer);
  }

  /** @param {Answer} answer  with more results than are shown */
  #append(answer) {
    const shown = new Set(this.#groups.flatMap(({ results }) => results.map(({ id }) => id)));
    const added = groupByPage(answer.results.filter(({ id }) => !shown.has(id)));
    const first = shown.size;
    // A page that goes on at the end is shown there again, so that nothing above moves.
    for (const group of added) group.key = `${first}:${group.key}`;
    if (this.#tools.sort === "relevance") this.#groups = [...this.#groups, ...added];
    else this.#groups = sortResults(answer.results, this.#tools.sort, this.texts.lang);
    this.#display(answer);
    if (added.length) this.#walker.go(first);
    if (this.#view.popup || !added.length) this.#view.input.focus();
    this.#announcer.say(this.texts.say("found", { count: answer.results.length }));
  }

  /** @param {Answer} answer */
  #display(answer) {
    const { empty, next, forget, lead, more, unfilter, tools, error, refine } = this.#view;
    const { results, query, corrected } = answer;
    this.#shown = answer;
    this.#waiting = undefined;
    error.hidden = refine.hidden = forget.hidden = true;
    const { markPages } = this.#settings;
    const { popup } = this.#view;
    this.#list.show(this.#groups, { popup, explain: this.#tools.explain, markPages, texts: this.texts });
    tellExpanded(this.#view);
    empty.hidden = results.length > 0;
    unfilter.hidden = !Object.keys(this.#tools.filters).length;
    lead.textContent = this.texts.say("nothing", { query });
    more.textContent = this.texts.say("nothingHint");
    next.hidden = results.length < this.#limit || results.length >= answer.total;
    tools.hidden = results.length === 0 && unfilter.hidden;
    this.#tools.offerFilters(answer.facets ?? this.#session.search?.facets ?? [], this.texts);
    this.#tools.offerSorts(results, this.texts);
    this.#correct(Object.values(corrected ?? {}));
    this.#onState("ready");
    this.#refreshStatus();
  }

  /** @param {string[]} words  that were looked for besides those of the question */
  #correct(words) {
    const { corrections } = this.#view;
    corrections.hidden = words.length === 0;
    corrections.textContent = this.texts.say("corrected", { word: words.join(", ") });
  }

  #showIdle() {
    const { empty, next, forget, lead, more, unfilter, tools, error, refine, input } = this.#view;
    this.#shown = this.#waiting = undefined;
    this.#groups = [];
    this.#walker.clear();
    const recent = this.#recent.all;
    this.#list.showRecent(this.texts.say("recent"), recent, (text) => {
      input.focus();
      this.ask(text);
    });
    error.hidden = refine.hidden = next.hidden = tools.hidden = unfilter.hidden = true;
    this.#correct([]);
    forget.hidden = recent.length === 0;
    empty.hidden = recent.length > 0 || this.#view.variant === "page";
    lead.textContent = this.texts.say("hint");
    more.textContent = "";
    this.#view.results.removeAttribute("aria-busy");
    tellExpanded(this.#view);
    this.#announcer.say("");
    this.#onState("idle");
    this.#refreshStatus();
  }

  /** @param {unknown} cause */
  #fail(cause) {
    this.#showIdle();
    this.#view.empty.hidden = true;
    this.#asking = false;
    showError(this.#view, this.texts, cause);
    this.#onState("failed");
    this.#refreshStatus();
  }

  async #retry() {
    this.#view.error.hidden = true;
    const { search } = this.#session;
    if (search?.status.semantic === "failed" && search.status.lexical === "ready") {
      this.#view.warning.hidden = true;
      // Failing again shows in the status.
      await search.loadSemantic().catch(() => undefined);
    }
    await (this.text ? this.#ask("refine") : this.warm());
  }

  async #more() {
    this.#limit += this.#settings.limit;
    await this.#ask("more");
  }

  /** @param {"filters" | "sort" | "explain"} what */
  #retool(what) {
    if (!this.#shown) return;
    const fetches = what === "filters" || (what === "explain" && this.#tools.explain);
    this.#start();
    if (what === "filters") this.#limit = this.#settings.limit;
    if (fetches) void this.#ask("replace");
    else this.#show(this.#shown);
  }

  /** @param {boolean} accepted */
  #decide(accepted) {
    const { offer } = this.#session.search ?? {};
    this.#view.offer.hidden = true;
    this.#view.input.focus();
    if (accepted) offer?.accept();
    else offer?.decline();
  }

  /** The search has said that its status or its offer changed. */
  statusChanged() {
    const { search } = this.#session;
    const semantic = search?.status.semantic ?? "";
    const began = semantic === "ready" && this.#semantic !== "ready";
    this.#semantic = semantic;
    this.#refreshStatus();
    // What was found by words alone can now be found better.
    if (began && this.#shown?.mode === "lexical" && !this.#asking && this.text) void this.#ask("refine");
  }

  #refreshStatus() {
    const { bar, count, doing, offline } = this.#view;
    const { search } = this.#session;
    const shown = this.#shown;
    const progress = showProgress(this.#view, this.texts, search?.status);
    const byWords = shown?.mode === "lexical";
    const waiting = !this.#asking ? "" : !search ? this.texts.say("preparing") : byWords ? this.texts.say("improving") : "";
    const found = byWords && (progress || this.#asking) ? "foundByWords" : "found";
    count.textContent = shown?.results.length ? this.texts.say(found, { count: shown.results.length }) : "";
    doing.textContent = progress || waiting;
    bar.hidden = !count.textContent && !doing.textContent && this.#view.tools.hidden;
    showOffer(this.#view, this.texts, search?.offer);
    showWarning(this.#view, this.texts, search?.status, shown?.warnings ?? []);
    offline.hidden = navigator.onLine || !search || !this.#view.error.hidden;
  }

  /** @param {Answer} answer */
  #announce({ results, query }) {
    const [first] = results;
    const { offerText, offer } = this.#view;
    const found = first
      ? `${this.texts.say("found", { count: results.length })}. ${this.texts.say("first", { title: nameOf(first) })}`
      : this.texts.say("nothing", { query });
    this.#announcer.say(offer.hidden ? found : `${found} ${offerText.textContent}`);
  }
}
