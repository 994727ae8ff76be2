/**
 * @file The benchmark's worker: on the vectors of an index, times exact scans that the engine is compared
 * with. One message in, `{base, queries, maxsimWeb}`; one message out, milliseconds and first tens of each.
 */

self.onmessage = async ({ data }) => {
  try {
    self.postMessage({ done: await run(data) });
  } catch (error) {
    self.postMessage({ failed: String(error?.stack ?? error) });
  }
};

/** @param {{base: string, queries: number[][][], maxsimWeb: string | null}} job */
async function run({ base, queries, maxsimWeb }) {
  const manifest = await (await fetch(base + "manifest.json")).json();
  const python = await startPython(base, manifest);
  const flat = queries.map((query) => Float32Array.from(query.flat()));
  const counts = JSON.parse(python.prepare());
  const measured = {
    decoding: flat.map((query) => JSON.parse(python.decoding(bytesOf(query)))),
    scanning: flat.map((query) => JSON.parse(python.scanning(bytesOf(query)))),
  };
  const names = JSON.parse(python.names());
  const { vectors, lengths } = python.arrays();
  measured.simd = await timeKernel(vectors, lengths, counts.dimensions, flat, names);
  if (maxsimWeb) measured["maxsim-web"] = await timeMaxsimWeb(maxsimWeb, vectors, lengths, counts.dimensions, flat, names);
  return { counts, measured };
}

async function startPython(base, manifest) {
  const folder = new URL(manifest.runtime.pyodide, base).href;
  const { loadPyodide } = await import(`${folder}pyodide.mjs`);
  const pyodide = await loadPyodide({ indexURL: folder, lockFileURL: `${folder}pyodide-lock.json` });
  await pyodide.loadPackage(manifest.runtime.packages);
  pyodide.FS.writeFile("/home/pyodide/baseline.py", await (await fetch("baseline.py")).text());
  const module = pyodide.pyimport("baseline");
  for (const { role, path } of manifest.parts) {
    if (role !== "index" && role !== "shard") continue;
    module.add(role, manifest.tier, new Uint8Array(await (await fetch(base + path)).arrayBuffer()));
  }
  const arrays = () => {
    const [vectors, lengths] = ["vectors", "lengths.astype('uint32')"].map((code) => {
      const proxy = pyodide.runPython(code, { globals: module.__dict__ });
      const buffer = proxy.getBuffer();
      const copy = buffer.data.slice();
      buffer.release();
      proxy.destroy();
      return copy;
    });
    return { vectors, lengths };
  };
  return {
    prepare: () => module.prepare(),
    decoding: (query) => module.decoding(query),
    scanning: (query) => module.scanning(query),
    names: () => module.names(),
    arrays,
  };
}

/** Our own kernel, `maxsim.c`. */
async function timeKernel(vectors, lengths, dimensions, queries, names) {
  const bytes = vectors.byteLength + lengths.byteLength + 4 * names.length + 2 ** 20;
  const memory = new WebAssembly.Memory({ initial: Math.ceil(bytes / 65536) + 16 });
  const { instance } = await WebAssembly.instantiateStreaming(fetch("maxsim.wasm"), { env: { memory } });
  let next = Math.ceil(instance.exports.__heap_base.value / 16) * 16;
  const place = (length) => {
    const at = next;
    next += Math.ceil((4 * length) / 16) * 16;
    return at;
  };
  const at = { query: place(dimensions * 1024), best: place(1024), scores: place(names.length) };
  at.lengths = place(lengths.length);
  at.vectors = place(vectors.length);
  new Uint32Array(memory.buffer, at.lengths, lengths.length).set(lengths);
  new Float32Array(memory.buffer, at.vectors, vectors.length).set(vectors);
  return queries.map((query) => {
    const start = performance.now();
    const scored = query.length / dimensions;
    const tokens = Math.ceil(scored / 16) * 16;
    const transposed = new Float32Array(memory.buffer, at.query, dimensions * tokens).fill(0);
    for (let t = 0; t < scored; t++) {
      for (let d = 0; d < dimensions; d++) transposed[d * tokens + t] = query[t * dimensions + d];
    }
    const { query: q, vectors: v, lengths: l, scores: s, best } = at;
    instance.exports.maxsim(q, tokens, scored, dimensions, v, l, lengths.length, s, best);
    const top = firstTen(new Float32Array(memory.buffer, s, names.length), names);
    return { ms: performance.now() - start, top };
  });
}

/** npm maxsim-web, by the fastest call that its version has. */
async function timeMaxsimWeb(url, vectors, lengths, dimensions, queries, names) {
  const { MaxSimWasm } = await import(url);
  const maxsim = new MaxSimWasm();
  await maxsim.init();
  const preloads = typeof maxsim.loadDocuments === "function";
  if (preloads) await maxsim.loadDocuments(vectors, lengths, dimensions);
  return queries.map((query) => {
    const rows = Array.from({ length: query.length / dimensions }, (_, row) =>
      query.subarray(row * dimensions, (row + 1) * dimensions),
    );
    const start = performance.now();
    const scores = preloads
      ? maxsim.searchPreloaded(rows)
      : maxsim.maxsimBatchFlat(query, rows.length, vectors, lengths, dimensions);
    const top = firstTen(scores, names);
    return { ms: performance.now() - start, top };
  });
}

function firstTen(scores, names) {
  const order = Uint32Array.from(scores.keys());
  const bound = Float32Array.from(scores).sort().at(-Math.min(10, scores.length));
  const best = order.filter((number) => scores[number] >= bound);
  return Array.from(best.sort((a, b) => scores[b] - scores[a] || a - b).slice(0, 10), (number) => names[number]);
}

function bytesOf(floats) {
  return new Uint8Array(floats.buffer, floats.byteOffset, floats.byteLength);
}
