/**
 * @file When semantic search may begin to load, which is tens of megabytes: what the site wants (`auto`,
 * `ask`, `on-demand`, `off`), what the connection allows, and what the visitor decided.
 */

import { LatefindError } from "./protocol.js";

/**
 * - `auto`       by itself, when the page is idle; on a slow or a saving connection as `ask`
 * - `ask`        once the visitor accepts an offer that names the size
 * - `on-demand`  at the first query that reads like a question; on such a connection as `ask` from then on
 * - `off`        never
 * @typedef {"auto" | "ask" | "on-demand" | "off"} Policy
 */

/** @type {readonly string[]} */
const POLICIES = ["auto", "ask", "on-demand", "off"];

/** Connections (`effectiveType`) on which tens of megabytes take minutes. */
const SLOW = ["slow-2g", "2g", "3g"];

/** Words that begin questions in the languages of the interface. */
const QUESTION_WORDS = new Set(
  (
    "how what why when where which who whose can could should does do is are " +
    "wie was warum wann wo wohin woher welche welcher welches wer wem kann muss darf soll ist sind " +
    "cómo como qué que cuándo cuando dónde donde cuál cual quién quien puedo puede es " +
    "comment pourquoi quand où quel quelle quels quelles qui combien puis-je peut est-ce " +
    "come cosa perché dove quale quali chi quanto posso può " +
    "hoe wat waarom wanneer waar welk welke kan mag moet " +
    "porquê onde qual quais quem quanto posso pode"
  ).split(" "),
);

/** From so many words on a query is taken for a question: words alone rarely come in such numbers. */
const MANY_WORDS = 4;

/** Longest wait for an idle moment, ms. */
const IDLE_TIMEOUT = 3_000;

export class Gate {
  /** What the visitor said to an offer. @type {"nothing" | "yes" | "no"} */
  #said = "nothing";
  #asked = false;
  #policy;
  #constrained;

  /**
   * @param {string} policy
   * @param {boolean} [constrained]  whether the connection is slow or asks to save data
   * @throws {LatefindError} `usage`
   */
  constructor(policy, constrained = isConstrained()) {
    if (!POLICIES.includes(policy)) {
      const known = POLICIES.map((name) => `"${name}"`).join(", ");
      throw LatefindError.expected("usage", "semantic", known, JSON.stringify(policy), 'Leave it out for "auto".');
    }
    this.#policy = /** @type {Policy} */ (policy);
    this.#constrained = constrained;
  }

  /** Whether the site has semantic search at all. */
  get isOff() {
    return this.#policy === "off";
  }

  /** Whether to load when idle, without a query. */
  get startsByItself() {
    return this.#policy === "auto" && !this.#constrained;
  }

  /** Whether the visitor is to be asked. */
  get offers() {
    if (this.#said !== "nothing") return false;
    if (this.#policy === "ask") return true;
    return this.#constrained && (this.#policy === "auto" || (this.#policy === "on-demand" && this.#asked));
  }

  /**
   * Whether a query may start semantic search.
   * @param {string} text
   */
  admits(text) {
    if (this.#policy === "off") return false;
    if (this.#policy === "on-demand" && isQuestion(text)) this.#asked = true;
    if (this.#said !== "nothing") return this.#said === "yes";
    return !this.#constrained && (this.#policy === "auto" || (this.#policy === "on-demand" && this.#asked));
  }

  /** @param {boolean} yes */
  answer(yes) {
    this.#said = yes ? "yes" : "no";
  }
}

/**
 * Whether a query reads like a question rather than a list of words.
 * @param {string} text
 */
export function isQuestion(text) {
  if (/[?¿？]/.test(text)) return true;
  const words = text.toLowerCase().split(/\s+/).filter(Boolean);
  return words.length >= MANY_WORDS || (words.length > 1 && QUESTION_WORDS.has(words[0] ?? ""));
}

/** Whether the browser asks to save data, or the connection is slow; browsers that don't tell count as fast. */
export function isConstrained() {
  const { connection } = /** @type {Navigator & {connection?: {saveData?: boolean, effectiveType?: string}}} */ (
    navigator
  );
  return connection?.saveData === true || SLOW.includes(connection?.effectiveType ?? "");
}

/**
 * Run `work` when the page has loaded and has nothing else to do.
 * @param {() => void} work
 */
export function whenIdle(work) {
  const wait = () => {
    if (typeof requestIdleCallback === "function") requestIdleCallback(work, { timeout: IDLE_TIMEOUT });
    else setTimeout(work, 200);
  };
  if (document.readyState === "complete") wait();
  else addEventListener("load", wait, { once: true });
}

export function offError() {
  return LatefindError.expected("semantic-off", "semantic search", "to be on", '"off"', "The site has switched it off.");
}
