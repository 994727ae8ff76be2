/**
 * @file Marks what of the shown results matched: each one's best passage is encoded again, one after the
 * other, and whatever else is asked meanwhile goes first. Runs in the worker.
 */

import { LatefindError } from "./protocol.js";

/** @typedef {import("./encoder.js").Encodes} Encodes */
/** @typedef {import("./python.js").Python} Python */
/** @typedef {import("./python.js").Plan} Plan */
/** @typedef {import("./protocol.js").Highlighted} Highlighted */
/** @typedef {import("./protocol.js").HighlightRequest} HighlightRequest */
/** @typedef {import("./shards.js").IsWanted} IsWanted */

/** @typedef {{plan: Plan, vectors: Float32Array}} Query  a query as the encoder sees it */

/**
 * Runs work after what was asked before it.
 * @typedef {<T>(work: () => Promise<T>) => Promise<T>} InTurn
 */

/**
 * @param {{python: Python, encoder: Encodes}} engine
 * @param {HighlightRequest} request
 * @param {() => Promise<Query>} encode  of the request's text; the encoder runs
 * @param {{inTurn: InTurn, isWanted: IsWanted, report: (highlighted: Highlighted) => void}} caller
 * @returns {Promise<number[]>} the sections that are not in memory, or have nothing that could be marked
 */
export async function highlight({ python, encoder }, { text, numbers }, encode, { inTurn, isWanted, report }) {
  checkNumbers(numbers);
  /** @type {number[]} */
  const absent = [];
  for (const number of numbers) {
    // Whoever asks or cancels while the encoder runs must be heard before it runs again.
    await new Promise((resolve) => setTimeout(resolve));
    const marked = await inTurn(async () => {
      if (!isWanted()) return undefined;
      const query = await encode();
      const plan = python.planPassage(query, number);
      const passage = plan && { plan, vectors: await encoder.encode(plan.ids, plan.mask) };
      return python.highlight(query, text, number, passage);
    });
    if (!isWanted()) break;
    if (marked) report(marked);
    else absent.push(number);
  }
  return absent;
}

/** @param {number[]} numbers */
function checkNumbers(numbers) {
  const odd = numbers.find((number) => !Number.isSafeInteger(number) || number < 0);
  if (odd !== undefined) {
    const got = JSON.stringify(odd);
    throw LatefindError.expected("usage", "numbers", "numbers of sections", got, "See `number` of results.");
  }
}
