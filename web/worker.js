/**
 * @file The search worker: starts everything, then computes one answer after the other; while one waits for
 * shards of a large index, the next begins. It is started by `latefind.js` and speaks the messages of
 * `protocol.js`.
 */

import { boot, keepStart } from "./boot.js";
import { highlight } from "./highlighter.js";
import { LatefindError, toWire } from "./protocol.js";
import { encode, rank, search } from "./serve.js";
import { stages, timed } from "./stages.js";

/** @typedef {import("./boot.js").Engine} Engine */
/** @typedef {import("./protocol.js").Request} Request */
/** @typedef {import("./protocol.js").QueryRequest} QueryRequest */
/** @typedef {import("./protocol.js").HighlightRequest} HighlightRequest */
/** @typedef {import("./protocol.js").RankRequest} RankRequest */
/** @typedef {import("./protocol.js").Report} Report */
/** @typedef {import("./serve.js").Encoded} Encoded */

/** @type {(report: Report) => void} */
const post = (report) => self.postMessage(report);

/** @type {Promise<Engine> | undefined} */
let engine;
/** The requests before, up to the encoder, which runs once at a time. */
let queue = Promise.resolve();
/**
 * Requests that still want an answer.
 * @type {Set<number>}
 */
const wanted = new Set();

self.addEventListener("message", (/** @type {MessageEvent<Request>} */ { data }) => {
  switch (data.type) {
    case "boot":
      engine = timed("start", () => boot(data, (bytesLoaded, bytesTotal) => post({ type: "progress", bytesLoaded, bytesTotal })));
      engine.then((started) => {
        post({ type: "ready", stages });
        keepStart(started); // In this very turn: no question is in the memory yet.
      }, fail);
      break;
    case "cancel":
      wanted.delete(data.id);
      break;
    case "highlight":
      wanted.add(data.id);
      void mark(data);
      break;
    default:
      wanted.add(data.id);
      void inTurn(() => serve(data));
  }
});
self.addEventListener("unhandledrejection", ({ reason }) => fail(reason));

/**
 * @template T
 * @param {() => Promise<T>} work  what runs the encoder
 * @returns {Promise<T>} its result, once everything that was asked before is done
 */
function inTurn(work) {
  const done = queue.then(work);
  queue = done.then(
    () => undefined,
    () => undefined, // Whoever asked is told.
  );
  return done;
}

/** @param {unknown} error */
function fail(error) {
  post({ type: "failed", error: toWire(error) });
}

/**
 * Take up one request; never rejects, so that the queue goes on.
 * @param {QueryRequest | RankRequest} request
 * @returns {Promise<void>} settles when the next request may begin
 */
async function serve(request) {
  // Nothing up to the fetching of shards waits for anything but computation: let the messages in that may
  // cancel this request.
  if (wanted.size > 1) await new Promise((resolve) => setTimeout(resolve));
  if (!wanted.has(request.id)) return;
  try {
    const started = await booted(request.type);
    void finish(started, request, await encode(started, request.text));
  } catch (error) {
    refuse(request.id, error);
  }
}

/**
 * @param {string} asked
 * @returns {Promise<Engine>}
 */
async function booted(asked) {
  if (!engine) throw LatefindError.expected("internal", "worker", "boot first", asked, "Report it.");
  return engine;
}

/**
 * Answer a request that has been encoded; never rejects.
 * @param {Engine} engine
 * @param {QueryRequest | RankRequest} request
 * @param {Encoded} encoded
 * @returns {Promise<void>}
 */
async function finish(engine, request, encoded) {
  const { id, type } = request;
  const isWanted = () => wanted.has(id);
  try {
    if (type === "query") {
      const found = await search(engine, request, encoded, isWanted);
      if (found) post({ type: "found", id, found });
    } else {
      const ranked = await rank(engine, request, encoded, isWanted);
      if (ranked) post({ type: "ranked", id, ranked });
    }
    wanted.delete(id);
  } catch (error) {
    refuse(id, error);
  }
}

/**
 * @param {number} id
 * @param {unknown} error
 */
function refuse(id, error) {
  // WebAssembly that has trapped cannot be used again: give up this worker, not just this request, and what
  // it may have been started from.
  if (error instanceof WebAssembly.RuntimeError) {
    void engine?.then(({ kept }) => kept?.drop()).then(() => fail(error));
  } else if (wanted.delete(id)) post({ type: "refused", id, error: toWire(error) });
}

/**
 * Answer a request for highlights, a section at a time; never rejects.
 * @param {HighlightRequest} request
 * @returns {Promise<void>}
 */
async function mark(request) {
  const { id, text } = request;
  try {
    const started = await booted(request.type);
    const absent = await highlight(started, request, () => encode(started, text), {
      inTurn,
      isWanted: () => wanted.has(id),
      report: (highlighted) => post({ type: "highlight", id, highlight: highlighted }),
    });
    if (wanted.delete(id)) post({ type: "highlighted", id, absent });
  } catch (error) {
    refuse(id, error);
  }
}
