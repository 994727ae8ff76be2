/**
 * @file A search without an index, for tests of states: what it answers, and when, is up to the test.
 *
 * `fake.answer = (text, wish) => results` decides; `fake.hold()` keeps later answers until `fake.release()`.
 */

const SECTIONS = [
  ["garden/", "Garden", [], "Beds, pots and trees: what to do in each month of the year.", "guide", "2024-03-01"],
  ["garden/#reservoirs", "Reservoirs under the soil", ["Garden"], "A pot with a hidden tank below the earth lets roots drink for two weeks, so nothing wilts while you are away.", "guide", "2023-01-05"],
  ["garden/#slugs", "Slugs and snails", ["Garden", "Pests"], "Copper tape around a raised bed keeps molluscs away; beer traps catch the rest at night.", "guide", "2022-06-30"],
  ["kitchen/#bread", "Bread with a crisp crust", ["Kitchen"], "Bake in a lidded iron casserole: the trapped steam gelatinises the dough's surface.", "recipe", "2025-02-11"],
  ["kitchen/#knives", "Sharpening knives", ["Kitchen", "Tools"], "Draw the blade across a wet stone at fifteen degrees, then hone on leather.", "guide", "2021-09-09"],
  ["computer/#backup", "Copies of your files", ["Computer"], "Keep three copies on two kinds of media, one of them in another building.", "reference", "2020-12-24"],
];

const FACETS = [
  { key: "section", values: [{ value: "guide", count: 41 }, { value: "recipe", count: 12 }, { value: "reference", count: 7 }] },
  { key: "lang", values: [{ value: "en", count: 50 }, { value: "de", count: 10 }] },
];

function wordRange(text, nth, weight) {
  const word = [...text.matchAll(/[\w']+/g)][nth];
  return { start: word.index, end: word.index + word[0].length, weight };
}

export function result(at, extra = {}) {
  const round = Math.floor(at / SECTIONS.length);
  const [url, title, breadcrumb, snippet, section, date] = SECTIONS[at % SECTIONS.length];
  const id = round ? url.replace("/", `-${round}/`) : url;
  const name = round ? `${title} ${round + 1}` : title;
  return {
    id,
    url: new URL(id, document.baseURI).href,
    title: name,
    breadcrumb: round ? breadcrumb.map((step, level) => (level ? step : `${step} ${round + 1}`)) : breadcrumb,
    score: 10 - at,
    snippet,
    highlights: [[1, 0.9], [3, 0.5], [4, 0.2]].map(([nth, weight]) => wordRange(snippet, nth, weight)),
    explanation: [{ word: "holiday", match: "two weeks", similarity: 0.71 }, { word: "watering", match: "drink", similarity: 0.83 }],
    meta: { date },
    filters: { section: [section] },
    lang: "en",
    ...extra,
  };
}

export class FakeSearch extends EventTarget {
  status = { lexical: "ready", semantic: "ready", bytesLoaded: 33e6, bytesTotal: 33e6, error: null };
  offer = null;
  facets = FACETS;
  total = 40;
  mode = "hybrid";
  warnings = [];
  asked = [];
  closed = false;
  /** First what words alone find, where that differs. @type {((text: string, wish: object) => object[]) | undefined} */
  first;
  #held = null;

  answer = (_text, { limit }) => Array.from({ length: Math.min(limit, this.total) }, (_, at) => result(at));

  hold() {
    this.#held = Promise.withResolvers();
  }

  release() {
    this.#held?.resolve();
    this.#held = null;
  }

  async query(text, wish) {
    const { signal, onUpdate, ...rest } = wish;
    this.asked.push({ text, ...rest });
    const build = (results, mode) => ({ query: text, mode, results, total: this.total, timings: {}, warnings: this.warnings });
    if (this.first) onUpdate?.(build(this.first(text, wish), "lexical"));
    await this.#held?.promise;
    signal?.throwIfAborted();
    return build(this.answer(text, wish), this.mode);
  }

  async loadSemantic() {}

  set(changes) {
    this.status = { ...this.status, ...changes };
    this.dispatchEvent(new Event("status"));
  }

  propose(bytes) {
    this.decided = null;
    this.offer = {
      bytes,
      accept: () => this.#decide("accepted"),
      decline: () => this.#decide("declined"),
    };
    this.dispatchEvent(new Event("offer"));
  }

  #decide(how) {
    this.decided = how;
    this.offer = null;
    this.dispatchEvent(new Event("offer"));
  }

  close() {
    this.closed = true;
  }
}
