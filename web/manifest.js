/**
 * @file Reads `manifest.json`: which files a search needs, and what they weigh. The only part of an index
 * that JavaScript reads; everything else goes to Python unparsed. The page checks it before it starts a
 * worker, so that a wrong folder or version is an error of `createSearch`.
 */

import { LatefindError, describe } from "./protocol.js";

/** Format version that this code reads; must equal FORMAT_VERSION in py/latefind/format.py. */
export const FORMAT_VERSION = 3;

/**
 * Roles of the parts that Python reads, in the order in which they are fetched; of the encoder, JavaScript's
 * only one, there is always one part too.
 * @type {Record<Tier, string[]>}
 */
const INDEX_ROLES = {
  small: ["settings", "tokenizer", "index"],
  large: ["settings", "tokenizer", "index", "names", "shard"],
};

/** Roles of a large index whose parts are fetched when a query or a ranking wants them. */
const ON_DEMAND_ROLES = ["names", "shard"];

/** The role of the word index, which semantic search does not load. */
const LEXICAL_ROLE = "lexical";

/** @typedef {"small" | "large"} Tier */
/**
 * @typedef {object} Part
 * @property {string} role
 * @property {string} path    below the manifest
 * @property {number} bytes
 * @property {string} sha256  in hex
 * @property {string} data    the whole file once more, in base64, where it spares a request; mostly empty
 */

/**
 * @typedef {object} Manifest
 * @property {string} generator  program and version that wrote it
 * @property {string[]} languages
 * @property {string} base   prefix of relative result URLs, relative to the manifest's own URL
 * @property {Tier} tier     "small" is loaded as a whole, "large" piece by piece
 * @property {{pyodide: string, onnxruntime: string, packages: string[]}} runtime
 * @property {Part[]} parts  every file that semantic search may load, and the root of the word index
 */

/** @typedef {Record<string, unknown>} Fields */

/**
 * @param {string} text
 * @returns {Manifest}
 * @throws {LatefindError} `version` or `format`
 */
export function parseManifest(text) {
  const fields = parseObject(text);
  if (fields.format !== FORMAT_VERSION) {
    throw LatefindError.expected(
      "version",
      "manifest.json",
      `format version ${FORMAT_VERSION}`,
      `version ${JSON.stringify(fields.format)}`,
      "Build the index with the latefind that serves it.",
    );
  }
  const runtime = isObject(fields.runtime) ? fields.runtime : {};
  const { parts, tier } = fields;
  const { packages } = runtime;
  if (!Array.isArray(parts)) throw malformed("parts", "a list", parts);
  if (!Array.isArray(packages)) throw malformed("runtime.packages", "a list", packages);
  if (tier !== "small" && tier !== "large") throw malformed("tier", '"small" or "large"', tier);
  const read = parts.map(readPart);
  for (const role of ["encoder", ...INDEX_ROLES[tier]]) {
    if (!read.some((part) => part.role === role)) throw malformed("parts", `a part of the role ${role}`, "none");
  }
  return {
    generator: readString(fields, "generator"),
    languages: Array.isArray(fields.languages) ? fields.languages.map(String) : [],
    base: readString(fields, "base"),
    tier,
    runtime: {
      pyodide: readString(runtime, "pyodide", "runtime."),
      onnxruntime: readString(runtime, "onnxruntime", "runtime."),
      packages: packages.map(String),
    },
    parts: read,
  };
}

/**
 * The parts that are loaded before the first semantic query; those that the manifest brings along are there
 * with it, the others follow when they are wanted.
 * @param {Manifest} manifest
 * @returns {Part[]}
 */
export function initialParts({ tier, parts }) {
  const later = [LEXICAL_ROLE, ...(tier === "small" ? [] : ON_DEMAND_ROLES)];
  return parts.filter(({ role, data }) => !data && !later.includes(role));
}

/**
 * Those of the initial parts that Python reads, in the order in which they are fetched.
 * @param {Manifest} manifest
 * @returns {Part[]}
 */
export function initialIndexParts(manifest) {
  const initial = initialParts(manifest);
  return INDEX_ROLES[manifest.tier].flatMap((role) => initial.filter((part) => part.role === role));
}

/**
 * @param {string} text
 * @returns {Fields}
 */
function parseObject(text) {
  /** @type {unknown} */
  let fields;
  try {
    fields = JSON.parse(text);
  } catch (error) {
    throw malformed("the file", "JSON", describe(error));
  }
  if (!isObject(fields)) throw malformed("the file", "a JSON object", fields);
  return fields;
}

/**
 * @param {unknown} fields
 * @param {number} index
 * @returns {Part}
 */
function readPart(fields, index) {
  const at = `parts[${index}].`;
  if (!isObject(fields)) throw malformed(`parts[${index}]`, "an object", fields);
  const path = readString(fields, "path", at);
  const { bytes, sha256 } = fields;
  // A path that leaves the folder could reach another origin.
  if (!/^[\w-][\w./-]*$/.test(path) || path.includes("..")) throw malformed(`${at}path`, "a path below it", path);
  if (typeof bytes !== "number" || !Number.isSafeInteger(bytes) || bytes < 0) {
    throw malformed(`${at}bytes`, "a size in bytes", bytes);
  }
  if (typeof sha256 !== "string" || !/^[0-9a-f]{64}$/.test(sha256)) {
    throw malformed(`${at}sha256`, "64 hex digits", sha256);
  }
  const data = fields.data === undefined ? "" : readString(fields, "data", at);
  return { role: readString(fields, "role", at), path, bytes, sha256, data };
}

/**
 * @param {Fields} fields
 * @param {string} key
 * @param {string} [at]
 */
function readString(fields, key, at = "") {
  const value = fields[key];
  if (typeof value !== "string") throw malformed(`${at}${key}`, "a string", value);
  return value;
}

/**
 * @param {unknown} value
 * @returns {value is Fields}
 */
function isObject(value) {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/**
 * @param {string} field
 * @param {string} expected
 * @param {unknown} got
 */
function malformed(field, expected, got) {
  const text = typeof got === "string" ? got : (JSON.stringify(got) ?? "nothing").slice(0, 80);
  return LatefindError.expected("format", `manifest.json: ${field}`, expected, text, "Build the index again.");
}

/** @param {string} expected */
export function incomplete(expected) {
  return LatefindError.expected("format", "manifest.json: parts", expected, "some", "Build the index again.");
}
