"""Indexes of the sizes that the benchmark asks for, built by ``latefind build`` like any other.

Encoding 100,000 passages takes a quarter of an hour. So only real passages are encoded; copies of them get
the vectors of their original, turned a little, which are put into the builder's cache of embeddings under
the copies' own keys before it runs.
"""

import contextlib
import io
import json
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from tokenizers import Tokenizer

from latefind.manifest import Manifest
from latefind.model import TokenPlan, insert_prefix, plan_document_ids
from latefind.passages import Passage, Section, encoded_text
from latefind_build.bundle import ModelBundle
from latefind_build.cache import EmbeddingCache, cache_file, encode_cached, key_of
from latefind_build.cli import main
from latefind_build.encode import Encoder, default_jobs
from latefind_build.native import read_shards
from latefind_build.progress import progress, say

TURN = 0.35
"""Length of the random vector that is added to each (unit) vector of a copy: their cosine is about .94."""


@dataclass(frozen=True)
class Built:
    """A bundle, and how long it took."""

    folder: Path
    seconds: float


def build(
    sections: Sequence[Section], real: int, folder: Path, model: ModelBundle, options: list[str]
) -> Built:
    """Index ``sections``, of which the first ``real`` are to be encoded, into ``folder``."""
    start = time.monotonic()
    # The user's own cache must not lose its entries to a benchmark.
    cache = folder.parent / "cache"
    fill_cache(sections, real, model, cache)
    records = folder.parent / f"{folder.name}.jsonl"
    with records.open("w", encoding="utf-8") as file:
        for section in sections:
            row = {"id": section.id, "title": section.title, "text": section.text}
            file.write(json.dumps(row, ensure_ascii=False) + "\n")
    run_build(records, folder, cache, options)
    return Built(folder, time.monotonic() - start)


def run_build(records: Path, folder: Path, cache: Path, options: list[str]) -> None:
    """Run ``latefind build``; end the program where it fails."""
    arguments = ["build", "--records", str(records), "--output", str(folder), "--cache", str(cache), *options]
    with contextlib.redirect_stdout(io.StringIO()):
        code = main(arguments)
    if code:
        raise SystemExit(f"latefind {' '.join(arguments)} ended with {code}")


def describe(folder: Path) -> dict[str, Any]:
    """Return counts and bytes of an index."""
    manifest = Manifest.from_bytes((folder / "manifest.json").read_bytes())
    parts = [part for part in manifest.parts if part.path.startswith("index/")]
    shards = list(read_shards(folder, manifest))
    index = sum(part.size for part in parts)
    text = sum(len(record) for shard in shards for record in shard.records)
    return {
        "passages": manifest.counts["passages"],
        "vectors": manifest.counts["vectors"],
        "tier": manifest.tier,
        "index_bytes": index,
        "text_bytes": text,
        "vector_bytes": index - text,
    }


def fill_cache(sections: Sequence[Section], real: int, model: ModelBundle, folder: Path) -> None:
    """Encode the real passages, and give every copy its original's vectors, turned."""
    path = cache_file(folder, model.settings)
    cap = 64 * 2**30
    plans = list(_plan(sections, model))
    with EmbeddingCache(path, model.spec.dimensions, cap, say) as cache:
        encoder = Encoder(model.onnx)
        found = encode_cached(encoder, plans[:real], default_jobs(), cache)
        for _ in progress(found, real, "Encoding", "passages"):
            pass
        cache.flush()
        missing = [n for n in range(real, len(plans)) if cache.get(key_of(plans[n])) is None]
        for number in progress(missing, len(missing), "Copying", "passages"):
            original = cache.get(key_of(plans[number % real]))
            assert original is not None
            cache.put(key_of(plans[number]), turn(original.astype(np.float32), number).astype(np.float16))


def turn(vectors: np.ndarray, seed: int) -> np.ndarray:
    """Return unit vectors (n, D) near the given ones, in random directions."""
    noise = np.random.default_rng(seed).standard_normal(vectors.shape, np.float32)
    turned = vectors + noise * np.float32(TURN / np.sqrt(vectors.shape[1]))
    return turned / np.linalg.norm(turned, axis=1, keepdims=True)


def _plan(sections: Sequence[Section], model: ModelBundle) -> Iterator[TokenPlan]:
    """Yield the token plans that the builder will make: one passage a section."""
    spec = model.spec
    tokenizer = Tokenizer.from_file(str(model.tokenizer))
    tokenizer.no_padding()
    tokenizer.enable_truncation(spec.document_length - (spec.document_prefix_id is not None))
    for section in sections:
        ids = tokenizer.encode(encoded_text(section, Passage(0, 0, len(section.text)))).ids
        yield plan_document_ids(spec, insert_prefix(ids, spec.document_prefix_id))
