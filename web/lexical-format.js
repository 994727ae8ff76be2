/**
 * @file Reads the files of the word index, as `docs/lexical-format.md` specifies them: header, postings, words,
 * JSON. Every count and order is checked before anything is returned, so the rest of the code may rely on them.
 * The writer, and a reader beside it, is `py/latefind/lexical_format.py`.
 */

import { damaged } from "./lexical-files.js";
import { LatefindError, describe } from "./protocol.js";

/** @typedef {import("./lexical-files.js").Bytes} Bytes */

/** Version of the word index that this code reads; must equal LEXICAL_VERSION in py/latefind/lexical_format.py. */
const VERSION = 2;

export const KIND = { root: 1, postings: 2, words: 3, cards: 4, texts: 5 };

/** `LFLX` as a little-endian integer. */
const MAGIC = 0x584c464c;
const HEADER = 12;

/** Bytes of all keys of a file, written out: a file that claims more is not one of ours. */
const MOST_KEY_BYTES = 32 * 2 ** 20;

/** @typedef {Record<string, unknown>} Fields */

/**
 * Keys, written out one after the other: key i is `bytes.subarray(starts[i], starts[i + 1])`.
 * @typedef {{bytes: Uint8Array, starts: Uint32Array}} Keys
 */

/**
 * Keys with the documents that have them: those of key i are from `bounds[i]` to `bounds[i + 1]`.
 * @typedef {object} Postings
 * @property {Keys} keys              sorted by bytes
 * @property {Uint32Array} bounds
 * @property {Uint32Array} documents  rising within a key
 * @property {Uint8Array} impacts     from 1 on
 */

/** @typedef {{words: string[], counts: Uint32Array}} Words */

const encoder = new TextEncoder();

/** @param {string} text */
export function toBytes(text) {
  return encoder.encode(text);
}

/**
 * Order two byte strings, which for UTF-8 is the order of code points.
 * @param {Uint8Array} left
 * @param {Uint8Array} right
 */
export function compareBytes(left, right) {
  const length = Math.min(left.length, right.length);
  for (let at = 0; at < length; at += 1) {
    const difference = (left[at] ?? 0) - (right[at] ?? 0);
    if (difference) return difference;
  }
  return left.length - right.length;
}

/**
 * Where among sorted keys a key is, or would be.
 * @param {Keys} keys
 * @param {Uint8Array} key
 * @returns {number} the first place whose key is not below it
 */
export function lowerBound({ bytes, starts }, key) {
  let low = 0;
  let high = starts.length - 1;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (compareBytes(bytes.subarray(starts[middle], starts[middle + 1]), key) < 0) low = middle + 1;
    else high = middle;
  }
  return low;
}

/**
 * @param {Keys} keys
 * @param {number} index
 */
export function keyAt({ bytes, starts }, index) {
  return bytes.subarray(starts[index], starts[index + 1]);
}

/**
 * Check the header and return the body.
 * @param {Bytes} bytes
 * @param {number} kind
 * @param {string} url
 * @returns {Bytes}
 * @throws {LatefindError} `integrity`, or `version` for one that this code does not read
 */
function readBody(bytes, kind, url) {
  if (bytes.length < HEADER) throw damaged(url, `at least ${HEADER} bytes`, `${bytes.length}`);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  if (view.getUint32(0, true) !== MAGIC) throw damaged(url, "a file of a word index", "another");
  const version = view.getUint16(4, true);
  if (version !== VERSION) {
    const advice = "Build the index with the latefind that serves it.";
    throw LatefindError.expected("version", url, `word index version ${VERSION}`, `version ${version}`, advice);
  }
  const found = view.getUint16(6, true);
  if (found !== kind) throw damaged(url, `kind ${kind}`, `kind ${found}`);
  const length = view.getUint32(8, true);
  if (length !== bytes.length) throw damaged(url, `${length} bytes`, `${bytes.length}`);
  return bytes.subarray(HEADER);
}

/**
 * Read a file whose body is one JSON object.
 * @param {Bytes} bytes
 * @param {number} kind
 * @param {string} url
 * @returns {Fields}
 */
export function readJson(bytes, kind, url) {
  const body = readBody(bytes, kind, url);
  /** @type {unknown} */
  let fields;
  try {
    fields = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(body));
  } catch (error) {
    throw damaged(url, "JSON", `"${describe(error)}"`);
  }
  if (!isObject(fields)) throw damaged(url, "a JSON object", "another value");
  return fields;
}

/**
 * @param {Bytes} bytes
 * @param {number} sections  of the index
 * @param {number} levels    the highest impact
 * @param {string} url
 * @returns {Postings}
 */
export function readPostings(bytes, sections, levels, url) {
  const body = readBody(bytes, KIND.postings, url);
  const [terms = 0, total = 0, ...sizes] = readCounts(body, 5, url);
  const [keyBytes = 0, frequencyBytes = 0, gapBytes = 0] = sizes;
  const ends = [20 + keyBytes, 20 + keyBytes + frequencyBytes, 20 + keyBytes + frequencyBytes + gapBytes];
  if (!terms || (ends[2] ?? 0) + total !== body.length) throw damaged(url, "counts that fit the file", "others");
  const keys = readKeys(body.subarray(20, ends[0]), terms, url);
  checkRising(keys, url);
  const counts = readVarints(body.subarray(ends[0], ends[1]), terms, url);
  const bounds = new Uint32Array(terms + 1);
  for (let term = 0; term < terms; term += 1) {
    const count = counts[term] ?? 0;
    const bound = (bounds[term] ?? 0) + count;
    if (!count || count > sections || bound > total) throw damaged(url, "counts of documents that add up", "others");
    bounds[term + 1] = bound;
  }
  if (bounds[terms] !== total) throw damaged(url, `${total} documents of all keys`, `${bounds[terms]}`);
  const documents = readVarints(body.subarray(ends[1], ends[2]), total, url);
  addGaps(documents, bounds, sections, url);
  const impacts = body.subarray(ends[2]);
  for (const impact of impacts) {
    if (!impact || impact > levels) throw damaged(url, `impacts of 1 to ${levels}`, `${impact}`);
  }
  return { keys, bounds, documents, impacts };
}

/**
 * Make document numbers of gaps, in place.
 * @param {Uint32Array} gaps
 * @param {Uint32Array} bounds
 * @param {number} sections
 * @param {string} url
 */
function addGaps(gaps, bounds, sections, url) {
  for (let term = 0; term + 1 < bounds.length; term += 1) {
    const end = bounds[term + 1] ?? 0;
    let document = -1;
    for (let at = bounds[term] ?? 0; at < end; at += 1) {
      document += (gaps[at] ?? 0) + 1;
      if (document >= sections) throw damaged(url, `documents below ${sections}`, `${document}`);
      gaps[at] = document;
    }
  }
}

/**
 * @param {Bytes} bytes
 * @param {string} url
 * @returns {Words}
 */
export function readWords(bytes, url) {
  const body = readBody(bytes, KIND.words, url);
  const [count = 0, keyBytes = 0, frequencyBytes = 0] = readCounts(body, 3, url);
  if (12 + keyBytes + frequencyBytes !== body.length) throw damaged(url, "counts that fit the file", "others");
  const keys = readKeys(body.subarray(12, 12 + keyBytes), count, url);
  const decoder = new TextDecoder();
  const words = Array.from({ length: count }, (_, index) => decoder.decode(keyAt(keys, index)));
  return { words, counts: readVarints(body.subarray(12 + keyBytes), count, url) };
}

/**
 * @param {Bytes} body
 * @param {number} count
 * @param {string} url
 * @returns {number[]} the integers of 32 bits that it begins with
 */
function readCounts(body, count, url) {
  if (body.length < 4 * count) throw damaged(url, `${4 * count} bytes of counts`, `${body.length} bytes`);
  const view = new DataView(body.buffer, body.byteOffset, body.length);
  return Array.from({ length: count }, (_, index) => view.getUint32(4 * index, true));
}

/**
 * Write front-coded keys out.
 * @param {Bytes} data
 * @param {number} count
 * @param {string} url
 * @returns {Keys}
 */
function readKeys(data, count, url) {
  // A key takes two bytes at least: a count beyond that is no reason to reserve memory.
  if (2 * count > data.length) throw damaged(url, `${count} keys`, "fewer");
  const starts = new Uint32Array(count + 1);
  let bytes = new Uint8Array(2 * data.length + 256);
  let at = 0;
  let end = 0;
  let last = 0;
  const next = () => {
    let value = 0;
    for (let scale = 1; scale <= 2 ** 28; scale *= 128) {
      const byte = data[at] ?? 0;
      at += 1;
      value += (byte & 127) * scale;
      if (byte < 128) return value;
    }
    throw damaged(url, "numbers of 32 bits", "longer ones");
  };
  for (let key = 0; key < count; key += 1) {
    const shared = next();
    const size = next();
    const to = end + shared + size;
    if (shared > end - last || at + size > data.length || to > MOST_KEY_BYTES) {
      throw damaged(url, "front-coded keys", `others at byte ${at}`);
    }
    if (to > bytes.length) {
      const larger = new Uint8Array(2 * to);
      larger.set(bytes);
      bytes = larger;
    }
    bytes.copyWithin(end, last, last + shared);
    bytes.set(data.subarray(at, at + size), end + shared);
    at += size;
    last = end;
    end = to;
    starts[key + 1] = end;
  }
  if (at !== data.length) throw damaged(url, `${data.length} bytes of keys`, `${at}`);
  return { bytes: bytes.slice(0, end), starts };
}

/**
 * @param {Keys} keys
 * @param {string} url
 */
function checkRising(keys, url) {
  for (let key = 1; key + 1 < keys.starts.length; key += 1) {
    if (compareBytes(keyAt(keys, key - 1), keyAt(keys, key)) >= 0) throw damaged(url, "sorted keys", "others");
  }
}

/**
 * @param {Bytes} data
 * @param {number} count
 * @param {string} url
 * @returns {Uint32Array} exactly so many numbers, which take up all of `data`
 */
function readVarints(data, count, url) {
  if (count > data.length) throw damaged(url, `${count} numbers`, `${data.length} bytes`);
  const values = new Uint32Array(count);
  let at = 0;
  for (let index = 0; index < count; index += 1) {
    let value = 0;
    let scale = 1;
    let byte = 128;
    while (byte >= 128) {
      if (at >= data.length || scale > 2 ** 28) throw damaged(url, "whole numbers of 32 bits", "others");
      byte = data[at] ?? 0;
      at += 1;
      value += (byte & 127) * scale;
      scale *= 128;
    }
    if (value >= 2 ** 32) throw damaged(url, "numbers of 32 bits", "larger ones");
    values[index] = value;
  }
  if (at !== data.length) throw damaged(url, `${data.length} bytes of numbers`, `${at}`);
  return values;
}

/**
 * @param {unknown} value
 * @returns {value is Fields}
 */
export function isObject(value) {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
