/**
 * @file Unpacks what Python reads: a zip archive (PKWARE's APPNOTE.TXT, 4.3) whose files are stored, in gzip or
 * not. Python could, but only once it runs, in several times the time, and with all of it in its memory.
 */

import { LatefindError, describe } from "./protocol.js";

/** @typedef {import("./parts.js").Bytes} Bytes */

/** First bytes of the end of the list of files, and of an entry of it. */
const END = 0x06054b50;
const ENTRY = 0x02014b50;

const END_LENGTH = 22;
const ENTRY_LENGTH = 46;
const LOCAL_LENGTH = 30;

/**
 * @param {Bytes} packed  an archive without a comment, as the builder writes it
 * @param {string} where  its name in errors
 * @returns {Promise<Map<string, Bytes>>} its files by path
 * @throws {LatefindError} `integrity`: it is none, or not whole
 */
export async function unpack(packed, where) {
  const archive = await gunzip(packed, where);
  const view = new DataView(archive.buffer, archive.byteOffset, archive.byteLength);
  const end = archive.length - END_LENGTH;
  if (end < 0 || view.getUint32(end, true) !== END) throw damaged(where, "a zip archive", "something else");
  const files = new Map();
  let at = view.getUint32(end + 16, true);
  for (let left = view.getUint16(end + 10, true); left; left -= 1) {
    if (view.getUint32(at, true) !== ENTRY) throw damaged(where, `an entry at ${at}`, "something else");
    const [method, size, name] = [view.getUint16(at + 10, true), view.getUint32(at + 20, true), view.getUint16(at + 28, true)];
    if (method) throw damaged(where, "files that are stored", `method ${method}`);
    const path = new TextDecoder().decode(archive.subarray(at + ENTRY_LENGTH, at + ENTRY_LENGTH + name));
    const local = view.getUint32(at + 42, true);
    const start = local + LOCAL_LENGTH + view.getUint16(local + 26, true) + view.getUint16(local + 28, true);
    files.set(path, archive.subarray(start, start + size));
    at += ENTRY_LENGTH + name + view.getUint16(at + 30, true) + view.getUint16(at + 32, true);
  }
  return files;
}

/**
 * The builder stores in gzip what few hosts compress, since they do not know its type.
 * @param {Bytes} bytes
 * @param {string} where  its name in errors
 * @returns {Promise<Bytes>} them unpacked, or as they are where they are not in gzip
 */
export async function gunzip(bytes, where) {
  if (bytes[0] !== 0x1f || bytes[1] !== 0x8b) return bytes;
  try {
    const unpacked = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
    return new Uint8Array(await new Response(unpacked).arrayBuffer());
  } catch (error) {
    throw damaged(where, "a whole gzip file", `"${describe(error)}"`, error);
  }
}

/**
 * @param {string} where
 * @param {string} expected
 * @param {string} found
 * @param {unknown} [cause]
 */
function damaged(where, expected, found, cause) {
  const detail = cause === undefined ? undefined : String(cause);
  return LatefindError.expected("integrity", where, expected, found, "Build the index again.", detail);
}
