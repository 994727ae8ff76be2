// Run graphs in the very onnxruntime-web that a visitor gets, under Node:
// `node run_onnxruntime_web.mjs < jobs.json > embeddings.json`.
// In: [{model: "model.onnx", ids: [[…]], mask: [[…]]}, …], each batch (texts, length). Out: a list of {dims, data} in the
// same order, data being the float32 embeddings in base64.
import path from "node:path";
import { readFile } from "node:fs/promises";
import { pathToFileURL, fileURLToPath } from "node:url";

const repository = path.dirname(path.dirname(fileURLToPath(import.meta.url)));
const dist = path.join(repository, "web", "node_modules", "onnxruntime-web", "dist");
const ort = await import(pathToFileURL(path.join(dist, "ort.wasm.bundle.min.mjs")).href);
// It is made for browsers and reads no file itself.
ort.env.wasm.wasmBinary = await readFile(path.join(dist, "ort-wasm-simd-threaded.wasm"));
ort.env.wasm.numThreads = 1;

const chunks = [];
for await (const chunk of process.stdin) chunks.push(chunk);
const int64 = (rows) => new ort.Tensor("int64", BigInt64Array.from(rows.flat(), BigInt), [rows.length, rows[0].length]);
const outputs = [];
for (const { model, ids, mask } of JSON.parse(Buffer.concat(chunks).toString())) {
  const session = await ort.InferenceSession.create(await readFile(model), { executionProviders: ["wasm"] });
  const { token_embeddings: output } = await session.run({ input_ids: int64(ids), attention_mask: int64(mask) });
  const bytes = Buffer.from(output.data.buffer, output.data.byteOffset, output.data.byteLength);
  outputs.push({ dims: output.dims, data: bytes.toString("base64") });
  await session.release();
}
process.stdout.write(JSON.stringify(outputs));
