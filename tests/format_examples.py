"""Examples of the index format: what the golden files hold, and files that must be refused.

Imports no test library, so that the same tables are checked inside Pyodide.
"""

import struct
from pathlib import Path

import numpy as np

from latefind.codec import Codec
from latefind.format import write_shard
from latefind.format_tables import Summary, write_codec, write_names, write_summary
from latefind.passages import Passage, Section

GOLDEN = Path(__file__).parent / "golden" / "format-3"

SECTIONS = [
    Section("a#b", "a#b", "Été", "Two\nblocks", ("Page",), "fr", {"date": 3}, {"kind": ("guide",)}),
    Section("c", "", "", "third"),
]
PASSAGES = [Passage(4, 0, 3), Passage(4, 4, 10), Passage(5, 0, 5)]
LENGTHS = np.array([2, 0, 1], np.uint32)
CODES = np.array([0x0010, 0x001F, 0x0000], np.uint16)
RESIDUALS = np.array([[1, 2], [3, 255], [0, 9]], np.uint8)
CODEC = Codec(
    np.array([[1, -2, 3, -4], [127, -127, 0, 5]], np.int8),
    0.25,
    np.arange(2 * 256 * 2).reshape(2, 256, 2).astype(np.int8),
    np.array([0.5, 0.125], np.float32),
    np.arange(1, 17, dtype=np.float32) / 8,
)
SUMMARY = Summary(
    np.array([[0, 1, 1], [1, 1, 0]], np.uint16),
    np.array([0, 2, 3], np.uint32),
    np.array([0, 1, 2], np.uint32),
)
NAMES = [("a#b", 0), ("c", 1)]

FILES = {
    "codec.bin": write_codec(CODEC),
    "shard.bin": write_shard(4, SECTIONS, 9, PASSAGES, LENGTHS, CODES, RESIDUALS),
    "summary.bin": write_summary(SUMMARY, 2),
    "names.bin": write_names(NAMES, 2),
}
"""Every kind of part, as the writers write it."""


def patched(name: str, offset: int, layout: str, value: object) -> bytes:
    """Return the example with one field overwritten."""
    changed = bytearray(FILES[name])
    struct.pack_into(layout, changed, offset, value)
    return bytes(changed)


BIG = 2**32 - 1
# Offsets in the shard: counts 24, record offsets 48 (3), passages 60 (3 of 12), lengths 96 (3), codes 108.
# In the codec: counts 24, gains 40, codebook scales 104, codebooks 112. In the summary: counts 24, first
# passages 40 (3), first sections 52 (3), codes 64. In the names: counts 24, entries 32 (2 of 12).
MALFORMED: dict[str, tuple[str, bytes, str]] = {
    "empty": ("shard.bin", b"", "at least 24 bytes"),
    "magic": ("shard.bin", b"LATEFIND" + FILES["shard.bin"][8:], "magic"),
    "version 0": ("shard.bin", patched("shard.bin", 8, "<H", 0), "version 3, got version 0"),
    "version 999": ("shard.bin", patched("shard.bin", 8, "<H", 999), "version 3, got version 999"),
    "another kind": ("shard.bin", FILES["codec.bin"], "part kind 2"),
    "reserved field": ("shard.bin", patched("shard.bin", 12, "<I", 1), "reserved 1"),
    "truncated": ("shard.bin", FILES["shard.bin"][:-1], "truncated"),
    "longer than it says": ("shard.bin", FILES["shard.bin"] + b"\0", "bytes, got"),
    "length of 2^40": ("shard.bin", patched("shard.bin", 16, "<Q", 2**40), "truncated"),
    "sections past the end": ("shard.bin", patched("shard.bin", 28, "<I", BIG - 1), "record offsets"),
    "passages past the end": ("shard.bin", patched("shard.bin", 36, "<I", BIG), "of passages"),
    "vectors past the end": ("shard.bin", patched("shard.bin", 40, "<I", BIG), "of codes"),
    "no subspace": ("shard.bin", patched("shard.bin", 44, "<I", 0), "subspaces"),
    "2^32 - 1 subspaces": ("shard.bin", patched("shard.bin", 44, "<I", BIG), "subspaces"),
    "more subspaces": ("shard.bin", patched("shard.bin", 44, "<I", 4096), "of residuals"),
    "first record offset": ("shard.bin", patched("shard.bin", 48, "<I", 1), "start at 0"),
    "record offsets that fall": ("shard.bin", patched("shard.bin", 52, "<I", 2**31), "start at 0"),
    "records past the end": ("shard.bin", patched("shard.bin", 56, "<I", 2**31), "of records"),
    "passage of an earlier section": ("shard.bin", patched("shard.bin", 60, "<I", 3), "passages of sections"),
    "passage of a later section": ("shard.bin", patched("shard.bin", 84, "<I", 6), "passages of sections"),
    "passage that ends first": ("shard.bin", patched("shard.bin", 64, "<I", 9), "passages of sections"),
    "lengths that do not add up": ("shard.bin", patched("shard.bin", 96, "<I", 1), "add up to 3"),
    "lengths that overflow": ("shard.bin", patched("shard.bin", 96, "<I", BIG), "add up to 3"),
    "no dimensions": ("codec.bin", patched("codec.bin", 24, "<I", 0), "dimensions"),
    "too many dimensions": ("codec.bin", patched("codec.bin", 24, "<I", 2**20), "dimensions"),
    "no centroid": ("codec.bin", patched("codec.bin", 28, "<I", 0), "centroids"),
    "2^32 - 1 centroids": ("codec.bin", patched("codec.bin", 28, "<I", BIG), "centroids"),
    "centroids past the end": ("codec.bin", patched("codec.bin", 28, "<I", 4096), "of centroids"),
    "no codebook": ("codec.bin", patched("codec.bin", 32, "<I", 0), "subspaces that divide"),
    "codebooks that do not divide": ("codec.bin", patched("codec.bin", 32, "<I", 3), "subspaces that divide"),
    "NaN centroid scale": ("codec.bin", patched("codec.bin", 36, "<f", float("nan")), "centroid scale"),
    "NaN gain": ("codec.bin", patched("codec.bin", 40, "<f", float("nan")), "gains"),
    "gains that fall": ("codec.bin", patched("codec.bin", 40, "<f", 9.0), "ascending"),
    "infinite codebook scale": (
        "codec.bin",
        patched("codec.bin", 104, "<f", float("inf")),
        "codebook scales",
    ),
    "negative codebook scale": ("codec.bin", patched("codec.bin", 104, "<f", -1.0), "codebook scales"),
    "summary passages past the end": ("summary.bin", patched("summary.bin", 24, "<I", BIG), "of codes"),
    "no slot": ("summary.bin", patched("summary.bin", 28, "<I", 0), "codes a passage"),
    "2^32 - 1 slots": ("summary.bin", patched("summary.bin", 28, "<I", BIG), "codes a passage"),
    "shards past the end": ("summary.bin", patched("summary.bin", 32, "<I", BIG - 1), "first passages"),
    "summary code of no centroid": ("summary.bin", patched("summary.bin", 36, "<I", 1), "a code of none"),
    "overlapping shards": ("summary.bin", patched("summary.bin", 44, "<I", 9), "never overlap"),
    "overlapping sections": ("summary.bin", patched("summary.bin", 56, "<I", 9), "never overlap"),
    "passages of no shard": ("summary.bin", patched("summary.bin", 48, "<I", 2), "shards of 3 passages"),
    "names past the end": ("names.bin", patched("names.bin", 24, "<I", BIG), "of names"),
    "names out of order": ("names.bin", patched("names.bin", 32, "<Q", 2**64 - 1), "ascending"),
    "name of no section": ("names.bin", patched("names.bin", 40, "<I", 7), "sections below 2"),
}
"""Name: (the part that it is read as, its bytes, what the message must say)."""
