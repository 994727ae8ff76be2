/**
 * @file Joins the modules of this folder into the few that are published: `node join.mjs FOLDER`. Called by
 * `python -m latefind_build.code_pack` (`make code`), which does the rest.
 *
 * Every realm gets modules of its own: what the page holds and what a worker holds share no file, so that each
 * is one request. Likewise the button and field, which are there at once, and what is behind them, which
 * follows: the few modules that both use (`BOTH`) are in either, so they must not keep state.
 */

import { rollup } from "@rollup/wasm-node";

const folder = new URL(".", import.meta.url).pathname;
const inside = `${folder}inside.js`;

/** Functions alone, without state: a second copy of them does no harm. */
const BOTH = ["manifest-copy.js", "place.js", "ui/ahead.js", "ui/dom.js", "ui/question.js"];

const REALMS = {
  shell: { input: ["latefind-ui.js", "latefind-highlight.js"], external: [inside] },
  // Whatever is used by what answers is in its module; the others import it from there.
  inside: {
    input: ["inside.js", "offline.js", "latefind-offline.js", "offline-page.js"],
    manualChunks: { inside: [inside] },
  },
  worker: { input: ["worker.js"] },
  encoder: { input: ["encoder-worker.js"] },
};

/** @returns {Promise<Set<string>>} the modules that were joined, by their paths in this folder */
async function join({ input, external = [], manualChunks }, output) {
  const bundle = await rollup({
    input: input.map((name) => folder + name),
    external,
    preserveEntrySignatures: "allow-extension",
    onwarn: (warning) => {
      throw new Error(warning.message);
    },
  });
  const { output: chunks } = await bundle.write({
    dir: output,
    format: "es",
    entryFileNames: "[name].js",
    chunkFileNames: "[name].js",
    manualChunks,
    minifyInternalExports: false,
    paths: { [inside]: "./inside.js" },
  });
  return new Set(chunks.flatMap(({ modules }) => Object.keys(modules)).map((path) => path.slice(folder.length)));
}

const [output] = process.argv.slice(2);
const joined = {};
for (const [realm, options] of Object.entries(REALMS)) joined[realm] = await join(options, output);
const twice = [...joined.shell].filter((path) => joined.inside.has(path) && !BOTH.includes(path));
if (twice.length) throw new Error(`${twice.join(", ")}: expected modules of the shell or of inside.js, got both. Keep no state in them and add them to BOTH in join.mjs, or import them in one only.`);
