// For tests: unpacks an archive as the search worker does, and prints its files or why it could not.
import { readFile } from "node:fs/promises";

import { unpack } from "../web/archive.js";

try {
  const files = await unpack(new Uint8Array(await readFile(process.argv[2])), "python.bin");
  const texts = [...files].map(([path, data]) => [path, Buffer.from(data).toString("base64")]);
  console.log(JSON.stringify({ files: Object.fromEntries(texts) }));
} catch ({ code, message }) {
  console.log(JSON.stringify({ code, message }));
}
