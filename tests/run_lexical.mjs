/**
 * Runs the page's reader of a word index under Node, without a server.
 *
 *   node run_lexical.mjs FOLDER < jobs.json
 *
 * FOLDER is a latefind folder. A job is `{"do": "search", "text": …, "options": {…}}`, answered by hits;
 * `{"do": "describe", "documents": […], "text": …}`, answered by results; or `{"do": "analyse", "texts": […],
 * "lang": …}`, answered by the keys of each text; `{"do": "concurrency"}`, answered by how many files were
 * fetched at a time at most; `{"do": "requests"}`, answered by the names of the files fetched so far. One JSON list on stdout has the answers, in order; an error
 * is `{"error": {code, message}}`. With WITHOUT_CRYPTO set, no hash can be computed.
 */

import { readFile } from "node:fs/promises";
import { pathToFileURL } from "node:url";
import { text as readText } from "node:stream/consumers";

// As on plain HTTP, where nothing but the checks of the format finds damage.
if (process.env.WITHOUT_CRYPTO) Object.defineProperty(globalThis, "crypto", { value: {} });

const folder = new URL(`${pathToFileURL(process.argv[2]).href}/`);
let running = 0;
let most = 0;
const requests = [];
globalThis.fetch = async (url) => {
  most = Math.max(most, (running += 1));
  requests.push(new URL(url).pathname.split("/").at(-1));
  const bytes = await readFile(new URL(url)).catch(() => null);
  running -= 1;
  return new Response(bytes, { status: bytes ? 200 : 404 });
};

const { Lexical } = await import(new URL("lexical.js", folder).href);
const { Analyser, scanChunks } = await import(new URL("lexical-words.js", folder).href);
const { loadStemmer, stemmedLanguage } = await import(new URL("stem.js", folder).href);

const manifestUrl = new URL("manifest.json", folder).href;
const manifest = JSON.parse(await readFile(new URL(manifestUrl), "utf8"));
let opened;

const actions = {
  async search({ text, options }) {
    opened ??= await Lexical.open(manifest, manifestUrl);
    const hits = await opened.search(text, options);
    return { ...hits, documents: [...hits.documents], scores: [...hits.scores] };
  },
  async describe({ documents, text, options }) {
    opened ??= await Lexical.open(manifest, manifestUrl);
    return await opened.describe(documents, text, options);
  },
  async concurrency() {
    return most;
  },
  async requests() {
    return requests;
  },
  async analyse({ texts, lang }) {
    const language = stemmedLanguage(lang);
    const analyser = new Analyser(language ? await loadStemmer(language) : null);
    return texts.map((text) => {
      const chunks = [...scanChunks(text)].map((chunk) => analyser.termsOf(chunk));
      const keys = chunks.map(({ words, parts, wholes, form, stems }) => [
        words.map(({ term, folded }) => [term, folded]),
        parts.map(({ term }) => term),
        wholes,
        form,
        stems,
      ]);
      return [keys, analyser.sequenceKey(chunks)];
    });
  },
};

const answers = [];
for (const job of JSON.parse(await readText(process.stdin))) {
  try {
    answers.push(await actions[job.do](job));
  } catch (error) {
    answers.push({ error: { code: error.code ?? error.name, message: error.message } });
  }
}
process.stdout.write(JSON.stringify(answers));
