"""The parts of which an index has one: codec, summary and names. Writer beside reader, in spec order.

The *codec* has the tables that every vector needs. The *summary* and the *names* belong to the large tier:
the summary says, without any shard, which shards are likely to answer a query; the names say in which
section an id or URL is.
"""

import hashlib
import struct
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from latefind.codec import CODEWORDS, GAINS, MAX_CENTROIDS, Codec
from latefind.errors import FormatError
from latefind.format import (
    KIND_CODEC,
    KIND_NAMES,
    KIND_SUMMARY,
    MAX_DIMENSIONS,
    Cursor,
    pad,
    read_header,
    write_header,
)

_CODEC = struct.Struct("<IIIf")  # dimensions, centroids, subspaces, centroid scale
_SUMMARY = struct.Struct("<IIII")  # passages, slots, shards, centroids
_NAMES = struct.Struct("<II")  # entries, sections
_NAME = np.dtype([("hash", "<u8"), ("section", "<u4")])

MAX_SLOTS = 256
"""More summary codes of a passage than make sense."""


def write_codec(codec: Codec) -> bytes:
    """Serialise the codec's tables."""
    clusters, dimensions = codec.centroids.shape
    body = b"".join(
        [
            _CODEC.pack(dimensions, clusters, codec.subspaces, codec.centroid_scale),
            codec.gains.astype("<f4").tobytes(),
            codec.codebook_scales.astype("<f4").tobytes(),
            pad(codec.codebooks.astype(np.int8).tobytes()),
            pad(codec.centroids.astype(np.int8).tobytes()),
        ]
    )
    return write_header(KIND_CODEC, body)


def read_codec(data: bytes | memoryview, where: str = "codec") -> Codec:
    """Read the codec's tables; the arrays are views of ``data``.

    Raises
    ------
    FormatError
        The header is wrong, a count does not fit the file, the subspaces do not divide the dimensions, there
        is no centroid or more than a code can name, or a scale or gain is not finite and positive.
    """
    cursor = Cursor(read_header(data, KIND_CODEC, where), where)
    dimensions, clusters, subspaces, scale = _CODEC.unpack(cursor.take(_CODEC.size, "counts"))
    if not 1 <= dimensions <= MAX_DIMENSIONS:
        raise FormatError.expected(where, f"1 to {MAX_DIMENSIONS} dimensions", str(dimensions))
    if not 1 <= clusters <= MAX_CENTROIDS:
        raise FormatError.expected(where, f"1 to {MAX_CENTROIDS} centroids", str(clusters))
    if not 1 <= subspaces <= dimensions or dimensions % subspaces:
        raise FormatError.expected(where, f"subspaces that divide {dimensions} dimensions", str(subspaces))
    gains = cursor.array("<f4", GAINS, "gains")
    scales = cursor.array("<f4", subspaces, "codebook scales")
    codebooks = cursor.array(np.int8, CODEWORDS * dimensions, "codebooks")
    centroids = cursor.array(np.int8, clusters * dimensions, "centroids")
    cursor.end()
    for what, values in (("gains", gains), ("codebook scales", scales), ("centroid scale", np.array(scale))):
        if not bool(np.isfinite(values).all() and (values >= 0).all()):
            raise FormatError.expected(where, f"finite {what} of at least 0", "one that is not")
    if bool((gains[1:] < gains[:-1]).any()):
        raise FormatError.expected(where, "gains in ascending order", "others")
    return Codec(
        centroids.reshape(clusters, dimensions),
        scale,
        codebooks.reshape(subspaces, CODEWORDS, dimensions // subspaces),
        scales,
        gains,
    )


@dataclass(frozen=True, slots=True)
class Summary:
    """What the large tier keeps in memory of every passage.

    Attributes
    ----------
    codes : uint16, shape (slots, P)
        A few centroids for each passage, those of its heavily pooled vectors; a passage with fewer repeats
        its last. Slot after slot, since a scan takes one slot of all passages at a time.
    passages, sections : uint32, shape (shards + 1,)
        First passage and first section of each shard, and at the end the number of all.
    """

    codes: npt.NDArray[np.uint16]
    passages: npt.NDArray[np.uint32]
    sections: npt.NDArray[np.uint32]


def write_summary(summary: Summary, centroids: int) -> bytes:
    """Serialise a summary whose codes are below ``centroids``."""
    slots, passages = summary.codes.shape
    body = b"".join(
        [
            _SUMMARY.pack(passages, slots, len(summary.passages) - 1, centroids),
            summary.passages.astype("<u4").tobytes(),
            summary.sections.astype("<u4").tobytes(),
            pad(summary.codes.astype("<u2").tobytes()),
        ]
    )
    return write_header(KIND_SUMMARY, body)


def read_summary(data: bytes | memoryview, where: str = "summary") -> Summary:
    """Read a summary; the arrays are views of ``data``.

    Raises
    ------
    FormatError
        The header is wrong, a count does not fit the file, shards overlap or leave passages out, or a code
        names no centroid.
    """
    cursor = Cursor(read_header(data, KIND_SUMMARY, where), where)
    passages, slots, shards, centroids = _SUMMARY.unpack(cursor.take(_SUMMARY.size, "counts"))
    if not 1 <= slots <= MAX_SLOTS:
        raise FormatError.expected(where, f"1 to {MAX_SLOTS} codes a passage", str(slots))
    first_passages = cursor.array("<u4", shards + 1, "first passages")
    first_sections = cursor.array("<u4", shards + 1, "first sections")
    codes = cursor.array("<u2", slots * passages, "codes")
    cursor.end()
    for what, bounds in (("passages", first_passages), ("sections", first_sections)):
        if bounds[0] or bool((bounds[1:] < bounds[:-1]).any()):
            raise FormatError.expected(where, f"shards whose {what} start at 0 and never overlap", "others")
    if int(first_passages[-1]) != passages:
        raise FormatError.expected(where, f"shards of {passages} passages", str(int(first_passages[-1])))
    if not 1 <= centroids <= MAX_CENTROIDS or (passages and int(codes.max()) >= centroids):
        raise FormatError.expected(where, f"codes of {centroids} centroids", "a code of none")
    return Summary(codes.reshape(slots, passages), first_passages, first_sections)


def hash_name(name: str) -> int:
    """Return 64 bits of the BLAKE2b hash of an id or URL."""
    return int.from_bytes(hashlib.blake2b(name.encode("utf-8"), digest_size=8).digest(), "little")


@dataclass(frozen=True, slots=True)
class Names:
    """Hashes of ids and URLs in ascending order (uint64, (n,)), and the section of each (uint32, (n,))."""

    hashes: npt.NDArray[np.uint64]
    sections: npt.NDArray[np.uint32]

    def find(self, name: str) -> int | None:
        """Return the number of the section that may have this id or URL; its record has the last word."""
        wanted = np.uint64(hash_name(name))
        at = int(np.searchsorted(self.hashes, wanted))
        return int(self.sections[at]) if at < len(self.hashes) and self.hashes[at] == wanted else None


def write_names(names: Iterable[tuple[str, int]], sections: int) -> bytes:
    """Serialise pairs of an id or URL and its section's number; of a name given twice the first counts."""
    first: dict[int, int] = {}
    for name, section in names:
        first.setdefault(hash_name(name), section)
    table = np.array(sorted(first.items()), _NAME)
    return write_header(KIND_NAMES, pad(_NAMES.pack(len(table), sections) + table.tobytes()))


def read_names(data: bytes, where: str = "names") -> Names:
    """Read the names.

    Raises
    ------
    FormatError
        The header is wrong, the count does not fit the file, hashes are out of order, or a section's number
        is not one of the index.
    """
    cursor = Cursor(read_header(data, KIND_NAMES, where), where)
    entries, sections = _NAMES.unpack(cursor.take(_NAMES.size, "counts"))
    table = cursor.array(_NAME, entries, "names")
    cursor.end()
    hashes = np.ascontiguousarray(table["hash"])
    if bool((hashes[1:] <= hashes[:-1]).any()):
        raise FormatError.expected(where, "hashes in ascending order", "others")
    if entries and int(table["section"].max()) >= sections:
        raise FormatError.expected(where, f"sections below {sections}", str(int(table["section"].max())))
    return Names(hashes, np.ascontiguousarray(table["section"]))
