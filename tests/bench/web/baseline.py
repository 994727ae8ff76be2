"""What the engine is compared with, in the same Pyodide: exact scans of the index's vectors in NumPy."""

import json
import time

import numpy as np

from latefind.codec import decode_vectors
from latefind.format import cut_part, decode_section, read_shard
from latefind.format_tables import read_codec

BLOCK_VECTORS = 16_384

codec = None
shards = []


def add(role, tier, data):
    """Take the bytes of the index part or of a shard."""
    global codec
    shard = data.to_bytes()
    if role == "index":
        tables, shard = cut_part(shard, role)
        codec = read_codec(tables)
    if role == "shard" or tier == "small":
        shards.append(read_shard(shard))


def prepare():
    """Lay all shards out as one; decode every vector once. Returns counts as JSON."""
    global codes, residuals, lengths, owners, ids, vectors, blocks
    shards.sort(key=lambda shard: shard.first_passage)
    codes = np.concatenate([shard.codes for shard in shards])
    residuals = np.concatenate([shard.residuals for shard in shards])
    lengths = np.concatenate([shard.lengths for shard in shards]).astype(np.int64)
    owners = np.concatenate([shard.passages["section"] for shard in shards])
    ids = [decode_section(record).id for shard in shards for record in shard.records]
    blocks = list(_blocks())
    vectors = np.empty((len(codes), codec.dimensions), np.float32)
    for _, _, start, end in blocks:
        vectors[start:end] = decode_vectors(codec, codes[start:end], residuals[start:end])
    return json.dumps({"vectors": len(codes), "passages": len(lengths), "dimensions": codec.dimensions})


def _blocks():
    """Yield (first passage, last passage, first vector, last vector) of blocks of whole passages."""
    ends = np.cumsum(lengths)
    first = 0
    while first < len(lengths):
        start = int(ends[first] - lengths[first])
        last = max(first + 1, int(np.searchsorted(ends, start + BLOCK_VECTORS, side="right")))
        yield first, last, start, int(ends[last - 1])
        first = last


def decoding(query):
    """Decode block by block, multiply, and take the maxima: what search costs without lookup tables."""
    return _scan(query, lambda start, end: decode_vectors(codec, codes[start:end], residuals[start:end]))


def scanning(query):
    """Multiply the float32 vectors, held in memory, block by block, and take the maxima."""
    return _scan(query, lambda start, end: vectors[start:end])


def _scan(query, take):
    query = np.frombuffer(query.to_bytes(), np.float32).reshape(-1, codec.dimensions)
    start_time = time.perf_counter()
    scores = np.full(len(lengths), -np.inf, np.float32)
    for first, last, start, end in blocks:
        similarities = take(start, end) @ query.T
        filled = np.flatnonzero(lengths[first:last])
        starts = np.cumsum(lengths[first:last])[filled] - lengths[first:last][filled]
        if len(filled):
            scores[first + filled] = np.maximum.reduceat(similarities, starts.astype(np.intp), axis=0).sum(
                axis=1
            )
    best = [ids[owners[number]] for number in np.argsort(-scores, kind="stable")[:10]]
    return json.dumps({"ms": (time.perf_counter() - start_time) * 1000, "top": best})


def names():
    """Return the ids of all passages, in order, as JSON."""
    return json.dumps([ids[owner] for owner in owners])
