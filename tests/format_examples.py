"""Examples of the index format: what the golden files hold, and files that must be refused.

Imports no test library, so that the same tables are checked inside Pyodide.
"""

import struct
from pathlib import Path

import numpy as np

from latefind.format import VectorShard, write_sections, write_vectors
from latefind.passages import Passage, Section

GOLDEN = Path(__file__).parent / "golden" / "format-1"

SHARD = VectorShard(
    first_passage=7,
    lengths=np.array([2, 0, 1], np.uint32),
    scales=np.array([0.5, 0.25, 0.125], np.float32),
    codes=np.array([[1, 2, 3], [-4, 5, -6], [127, -127, 0]], np.int8),
)
SECTIONS = [
    Section("a#b", "a#b", "Été", "Two\nblocks", ("Page",), "fr", {"date": 3}, {"kind": ("guide",)}),
    Section("c", "", "", "third"),
]
PASSAGES = [Passage(4, 0, 3), Passage(4, 4, 10), Passage(5, 0, 5)]


def patched(data: bytes, offset: int, layout: str, value: object) -> bytes:
    changed = bytearray(data)
    struct.pack_into(layout, changed, offset, value)
    return bytes(changed)


VECTORS = write_vectors(SHARD)
RECORDS = write_sections(4, SECTIONS, 9, PASSAGES)

MALFORMED_VECTORS = {
    "empty": (b"", "at least 24 bytes"),
    "magic": (b"LATEFIND" + VECTORS[8:], "magic"),
    "kind of sections": (patched(VECTORS, 10, "<H", 2), "part kind 1"),
    "reserved field": (patched(VECTORS, 12, "<I", 1), "reserved 1"),
    "truncated": (VECTORS[:-1], "truncated"),
    "longer than it says": (VECTORS + b"\0", "bytes, got"),
    "passages past the end": (patched(VECTORS, 28, "<I", 2**32 - 1), "passage lengths"),
    "vectors past the end": (patched(VECTORS, 32, "<I", 2**32 - 1), "scales"),
    "no dimensions": (patched(VECTORS, 36, "<I", 0), "dimensions"),
    "2^32 - 1 dimensions": (patched(VECTORS, 36, "<I", 2**32 - 1), "dimensions"),
    "fewer dimensions": (patched(VECTORS, 36, "<I", 1), "end of the part"),
    "lengths that do not add up": (patched(VECTORS, 40, "<I", 1), "add up to 3"),
    "lengths that overflow": (patched(VECTORS, 40, "<I", 2**32 - 1), "add up to 3"),
    "NaN scale": (patched(VECTORS, 52, "<f", float("nan")), "finite"),
    "negative scale": (patched(VECTORS, 52, "<f", -1.0), "finite"),
}

MALFORMED_SECTIONS = {
    "kind of vectors": (patched(RECORDS, 10, "<H", 1), "part kind 2"),
    "sections past the end": (patched(RECORDS, 28, "<I", 2**32 - 2), "record offsets"),
    "passages past the end": (patched(RECORDS, 36, "<I", 2**32 - 1), "passages"),
    "first offset": (patched(RECORDS, 40, "<I", 1), "start at 0"),
    "offsets that fall": (patched(RECORDS, 44, "<I", 2**31), "start at 0"),
    "records past the end": (patched(RECORDS, 48, "<I", 2**31), "records"),
    "passage of another section": (patched(RECORDS, 52, "<I", 3), "passages of sections 4"),
    "passage that ends before it starts": (patched(RECORDS, 56, "<I", 9), "passages of sections 4"),
}
