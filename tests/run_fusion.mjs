// For tests: reads JSON Lines [text, numbers, lexical, semantic] and prints for each [weight, numbers, scores].
import { createInterface } from "node:readline";

import { fuse, semanticWeight } from "../web/fusion.js";

for await (const line of createInterface({ input: process.stdin })) {
  const [text, numbers, lexical, semantic] = JSON.parse(line);
  const candidates = numbers.map((number, at) => ({ number, lexical: lexical[at], semantic: semantic[at] }));
  const fused = fuse(text, candidates);
  console.log(JSON.stringify([semanticWeight(text), fused.map((c) => c.number), fused.map((c) => c.score)]));
}
