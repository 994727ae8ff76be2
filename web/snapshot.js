/**
 * @file Python's memory as it is when everything is ready, taken at one start and put back at the next: the
 * interpreter, NumPy, our modules and the index in them, instead of starting, importing and reading all over
 * again. Pyodide's own snapshots cannot hold packages, since a library's code lies outside the memory. Here the
 * libraries are loaded again first, to the same addresses and the same places in the function table, which
 * WebAssembly makes possible: the same steps give the same numbers. Whatever differs is refused, and then
 * Python starts as if there were no snapshot.
 */

import { LatefindError } from "./protocol.js";

/** @typedef {import("pyodide").PyodideAPI} PyodideAPI */
/** @typedef {import("./parts.js").Bytes} Bytes */

/** @typedef {{name: string, exports: Record<string, unknown>, refcount: number, global: boolean}} Library */

/**
 * What we use of Emscripten's module; none of it is documented, all of it belongs to the Pyodide that is pinned.
 * @typedef {object} Module
 * @property {Uint8Array} HEAPU8
 * @property {Uint32Array} HEAPU32
 * @property {WebAssembly.Table} wasmTable
 * @property {number[]} freeTableIndexes
 * @property {Record<string, WebAssembly.Global>} GOT  addresses of what libraries share, by name
 * @property {{loadedLibsByName: Record<string, Library>, loadedLibsByHandle: Record<string, Library>}} LDSO
 * @property {(size: number) => unknown} growMemory
 * @property {(code: Uint8Array, flags: object, name: string, scope: object) => Promise<Library["exports"]>} loadWebAssemblyModule
 * @property {(size: number) => number} [placeLibrary]  ours: see latefind_build/runtime_pack.py
 * @property {PyodideAPI["FS"]} FS
 * @property {{serializeHiwireState: () => unknown, restoreSnapshot: (bytes: Uint8Array) => unknown}} API
 */

/**
 * What is in a snapshot; its bytes follow in this order: spans of the memory, then files.
 * @typedef {object} Contents
 * @property {number} memory        bytes of the whole memory
 * @property {number[]} spans       start and length of each span of it that is not zero
 * @property {{name: string, handle: number, memoryBase: number, tableBase: number}[]} libraries
 * @property {number} tableLength
 * @property {number[]} tableGaps   free places behind those of the main module
 * @property {number} addresses     checksum of what libraries share
 * @property {unknown} objects      JavaScript's objects that Python holds
 * @property {[path: string, length: number][]} files
 */

/** A snapshot that was read; `files` by path. @typedef {{contents: Contents, bytes: Bytes, files: Map<string, Bytes>}} Snapshot */

/** The standard library, which Pyodide wants before it starts. */
export const STDLIB = "/lib/python314.zip";

/** Where Python looks for `site-packages`. */
export const SITE = "/lib/python3.14";

/** Where everything is that Python may still import: STDLIB, and what is below SITE. */
const LIBRARY = "/lib";

/** Bytes that are looked at together: those of a page of memory. */
const PAGE = 4096;

/** Offsets in Emscripten's `struct dso`. */
const MEMORY_BASE = 12;
const TABLE_BASE = 20;

/** First bytes of a snapshot: tells this layout from any other. */
const MAGIC = 0x1a7ef1d1;

/**
 * @param {PyodideAPI} pyodide  started with `_makeSnapshot`, and not in the middle of a call
 * @returns {Uint8Array<ArrayBuffer>[]} pieces of a snapshot, which nothing changes any more
 */
export function takeSnapshot(pyodide) {
  const module = moduleOf(pyodide);
  const libraries = librariesOf(module);
  const spans = spansOf(module.HEAPU8);
  const files = filesBelow(module.FS, LIBRARY);
  /** @type {Contents} */
  const contents = {
    memory: module.HEAPU8.length,
    spans,
    libraries,
    tableLength: module.wasmTable.length,
    tableGaps: gapsOf(module.wasmTable, libraries),
    addresses: addressesOf(module),
    objects: module.API.serializeHiwireState(),
    files: files.map(([path, data]) => [path, data.length]),
  };
  const text = new TextEncoder().encode(JSON.stringify(contents));
  const memory = new Uint8Array(spans.reduce((sum, value, index) => (index % 2 ? sum + value : sum), 0));
  let at = 0;
  eachSpan(spans, (start, length) => {
    memory.set(module.HEAPU8.subarray(start, start + length), at);
    at += length;
  });
  const head = new Uint8Array(new Uint32Array([MAGIC, text.length]).buffer);
  return [head, text, memory, ...files.map(([, data]) => data)];
}

/**
 * @param {Bytes} bytes  the pieces of {@link takeSnapshot} in one
 * @returns {Snapshot}
 * @throws {LatefindError} `runtime`: it is none, or not whole
 */
export function readSnapshot(bytes) {
  const [magic, length] = new Uint32Array(bytes.slice(0, 8).buffer);
  if (magic !== MAGIC || length === undefined) throw unusable("the first bytes", MAGIC, magic);
  const contents = /** @type {Contents} */ (JSON.parse(new TextDecoder().decode(bytes.subarray(8, 8 + length))));
  let at = 8 + length;
  eachSpan(contents.spans, (_, own) => void (at += own));
  const files = new Map(contents.files.map(([path, own]) => [path, bytes.subarray(at, (at += own))]));
  if (bytes.length !== at) throw unusable("its size", at, bytes.length);
  return { contents, bytes: bytes.subarray(8 + length), files };
}

/**
 * Load a snapshot's libraries into a module in which nothing has run yet, and have Pyodide put the memory back.
 * @param {Module} module
 * @param {Snapshot} snapshot
 * @throws {LatefindError} `runtime`: the module is not as the other was
 */
export async function prepareModule(module, snapshot) {
  const { contents, files } = snapshot;
  for (const [path, data] of files) {
    if (path !== STDLIB) placeFile(module.FS, path, data);
  }
  for (const library of contents.libraries) await loadLibrary(module, library, files);
  reserveTable(module, contents.tableLength);
  agree("the length of the table", contents.tableLength, module.wasmTable.length);
  agree("free places of the table", `${contents.tableGaps}`, `${gapsOf(module.wasmTable, contents.libraries)}`);
  agree("addresses of the libraries", contents.addresses, addressesOf(module));
  if (module.HEAPU8.length < contents.memory) module.growMemory(contents.memory);
  agree("the size of the memory", contents.memory, module.HEAPU8.length);
  // What ran until now has written to the memory too: everything is put back, zeros included.
  module.API.restoreSnapshot = () => {
    putBack(module.HEAPU8, snapshot);
    return contents.objects;
  };
}

/**
 * @param {PyodideAPI} pyodide
 * @returns {Module}
 */
function moduleOf(pyodide) {
  return /** @type {{_module: Module}} */ (/** @type {unknown} */ (pyodide))._module;
}

/**
 * @param {Module} module
 * @returns {Contents["libraries"]} in the order in which they were loaded
 */
function librariesOf({ LDSO, HEAPU32 }) {
  const numbers = (/** @type {number} */ handle, /** @type {number} */ offset) => HEAPU32[(handle + offset) >>> 2] ?? 0;
  return Object.entries(LDSO.loadedLibsByHandle)
    .map(([key, { name }]) => ({ name, handle: Number(key) }))
    .filter(({ handle }) => handle)
    .map(({ name, handle }) => ({
      name,
      handle,
      memoryBase: numbers(handle, MEMORY_BASE),
      tableBase: numbers(handle, TABLE_BASE),
    }))
    .sort((one, other) => one.tableBase - other.tableBase);
}

/**
 * @param {Module} module
 * @param {Contents["libraries"][number]} library
 * @param {Map<string, Bytes>} files
 */
async function loadLibrary(module, { name, handle, memoryBase, tableBase }, files) {
  const code = files.get(name);
  if (!code) throw unusable(name, "a file", "none");
  reserveTable(module, tableBase);
  agree(`the place of ${name}`, tableBase, module.wasmTable.length);
  module.placeLibrary = () => memoryBase;
  const flags = { loadAsync: true, global: false, nodelete: true };
  const exports = await module.loadWebAssemblyModule(code, flags, name, {});
  delete module.placeLibrary;
  const loaded = { name, exports, refcount: Infinity, global: false };
  module.LDSO.loadedLibsByName[name] = module.LDSO.loadedLibsByHandle[handle] = loaded;
}

/**
 * Places that were in use for a while before a library came, and were free again, are so here too.
 * @param {Module} module
 * @param {number} length
 */
function reserveTable({ wasmTable, freeTableIndexes }, length) {
  while (wasmTable.length < length) freeTableIndexes.push(wasmTable.grow(1));
}

/**
 * @param {WebAssembly.Table} table
 * @param {Contents["libraries"]} libraries
 */
function gapsOf(table, libraries) {
  const gaps = [];
  for (let index = libraries[0]?.tableBase ?? table.length; index < table.length; index += 1) {
    if (table.get(index) === null) gaps.push(index);
  }
  return gaps;
}

/** @param {Module} module */
function addressesOf({ GOT }) {
  let sum = 0;
  for (const [name, address] of Object.entries(GOT)) {
    let hash = 2166136261; // FNV-1a
    for (let at = 0; at < name.length; at += 1) hash = Math.imul(hash ^ name.charCodeAt(at), 16777619);
    sum = (sum + Math.imul(hash ^ address.value, 16777619)) | 0;
  }
  return sum;
}

/**
 * @param {Uint8Array} memory
 * @returns {number[]}
 */
function spansOf(memory) {
  const words = new Uint32Array(memory.buffer, memory.byteOffset, memory.length / 4);
  /** @type {number[]} */
  const spans = [];
  for (let start = 0; start < memory.length; start += PAGE) {
    let at = start / 4;
    const end = (start + PAGE) / 4;
    while (at < end && words[at] === 0) at += 1;
    if (at === end) continue;
    const [begun = 0, length = 0] = spans.slice(-2);
    if (spans.length && begun + length === start) spans[spans.length - 1] = length + PAGE;
    else spans.push(start, PAGE);
  }
  return spans;
}

/**
 * @param {number[]} spans
 * @param {(start: number, length: number) => void} work
 */
function eachSpan(spans, work) {
  for (let at = 0; at < spans.length; at += 2) work(Number(spans[at]), Number(spans[at + 1]));
}

/**
 * @param {Uint8Array} memory
 * @param {Snapshot} snapshot
 */
function putBack(memory, { contents, bytes }) {
  let from = 0;
  let end = 0;
  eachSpan(contents.spans, (start, length) => {
    memory.fill(0, end, start);
    memory.set(bytes.subarray(from, from + length), start);
    from += length;
    end = start + length;
  });
  memory.fill(0, end);
}

/**
 * @param {PyodideAPI["FS"]} fs
 * @param {string} folder
 * @returns {[path: string, data: Bytes][]}
 */
function filesBelow(fs, folder) {
  return fs
    .readdir(folder)
    .filter((/** @type {string} */ name) => name !== "." && name !== "..")
    .map((/** @type {string} */ name) => `${folder}/${name}`)
    .flatMap((/** @type {string} */ path) =>
      fs.isDir(fs.stat(path).mode) ? filesBelow(fs, path) : [[path, fs.readFile(path)]],
    );
}

/**
 * @param {PyodideAPI["FS"]} fs
 * @param {string} path
 * @param {Bytes} data
 */
export function placeFile(fs, path, data) {
  fs.mkdirTree(path.slice(0, path.lastIndexOf("/")));
  fs.writeFile(path, data); // A copy: what it was part of can go.
}

/**
 * @param {string} what
 * @param {unknown} expected
 * @param {unknown} found
 */
function agree(what, expected, found) {
  if (expected !== found) throw unusable(what, expected, found);
}

/**
 * @param {string} what
 * @param {unknown} expected
 * @param {unknown} found
 */
function unusable(what, expected, found) {
  const advice = "Reload the page: the next start does without it.";
  return LatefindError.expected("runtime", `kept start: ${what}`, `${expected}`, `${found}`, advice);
}
