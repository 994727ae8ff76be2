"""The index's binary parts, version 1: writer beside reader, in the order of ``docs/format.md``.

An index is a set of *parts*, each a self-contained file that fits one download: shards of token
embeddings (kind ``vectors``) and shards of section texts (kind ``sections``). Every part opens with the
same 24-byte header; all integers are little-endian. What the parts mean together (which belong to an
index, their sizes and SHA-256) is the manifest's business: :mod:`latefind.manifest`.

Guarantees: the same input gives the same bytes; a reader checks magic, version, kind, length, counts and
offsets before it allocates or slices; arrays that it returns are views of the bytes that it was given.
"""

import itertools
import json
import struct
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from latefind.errors import FormatError, VersionError
from latefind.passages import Passage, Section

FORMAT_VERSION = 1
"""Version of the index format, independent of the package's version; in every header and the manifest."""

MAGIC = b"latefind"
KIND_VECTORS = 1
KIND_SECTIONS = 2

MAX_DIMENSIONS = 4096
"""Wider token embeddings than any late-interaction model has."""

_HEADER = struct.Struct("<8sHHIQ")  # magic, version, kind, reserved, length of the file
_VECTORS = struct.Struct("<IIII")  # first passage, passages, vectors, dimensions
_SECTIONS = struct.Struct("<IIII")  # first section, sections, first passage, passages
_PASSAGE = np.dtype([("section", "<u4"), ("start", "<u4"), ("end", "<u4")])


@dataclass(frozen=True, slots=True)
class VectorShard:
    """Token embeddings of consecutive passages.

    Attributes
    ----------
    first_passage : int
        Number of the first passage in the index.
    lengths : uint32, shape (passages,)
        Stored vectors of each passage; 0 where every token was in the skiplist.
    scales : float32, shape (vectors,)
        A vector is ``codes * scale``; finite and not negative.
    codes : int8, shape (vectors, dimensions)
        From -127 to 127.
    """

    first_passage: int
    lengths: npt.NDArray[np.uint32]
    scales: npt.NDArray[np.float32]
    codes: npt.NDArray[np.int8]


@dataclass(frozen=True, slots=True)
class SectionShard:
    """Texts of consecutive sections, and the passages that they are cut into.

    ``records`` are the undecoded JSON objects, one a section; :func:`decode_section` reads one.
    ``passages`` has the fields section, start and end (uint32), with ``section`` counted over the index.
    """

    first_section: int
    first_passage: int
    records: Sequence[memoryview]
    passages: npt.NDArray[np.void]


def _pad(data: bytes) -> bytes:
    """Zero bytes up to a multiple of four, so that every array is aligned."""
    return data + bytes(-len(data) % 4)


def write_header(kind: int, body: bytes) -> bytes:
    """Prefix ``body`` with the header that every part has."""
    return _HEADER.pack(MAGIC, FORMAT_VERSION, kind, 0, _HEADER.size + len(body)) + body


def read_header(data: bytes, kind: int, where: str) -> memoryview:
    """Check the header of a part and return what follows it.

    Raises
    ------
    VersionError
        The part has another format version; the message names both.
    FormatError
        Wrong magic, kind or length (a truncated or a padded file).
    """
    if len(data) < _HEADER.size:
        raise FormatError.expected(
            where, f"at least {_HEADER.size} bytes", f"{len(data)}", "Is the file truncated? Build again."
        )
    magic, version, found, reserved, length = _HEADER.unpack_from(data)
    if magic != MAGIC:
        raise FormatError.expected(where, f"magic {MAGIC!r}", repr(magic), "This is no latefind index part.")
    if version != FORMAT_VERSION:
        raise VersionError.expected(
            where,
            f"format version {FORMAT_VERSION}",
            f"version {version}",
            "Build the index with the latefind that serves it.",
        )
    if found != kind or reserved:
        raise FormatError.expected(where, f"part kind {kind}", f"kind {found}, reserved {reserved}")
    if length != len(data):
        raise FormatError.expected(
            where, f"{length} bytes", f"{len(data)}", "Is the file truncated? Fetch or build it again."
        )
    return memoryview(data)[_HEADER.size :]


class _Cursor:
    """Walks a part's body and never reads or allocates past its end."""

    def __init__(self, body: memoryview, where: str) -> None:
        self._body = body
        self._where = where
        self._at = 0

    def take(self, size: int, what: str) -> memoryview:
        left = len(self._body) - self._at
        if size > left:
            raise FormatError.expected(self._where, f"{size} bytes of {what}", f"{left} bytes left")
        self._at += size
        return self._body[self._at - size : self._at]

    def array(self, dtype: Any, count: int, what: str) -> npt.NDArray[Any]:
        kind = np.dtype(dtype)
        size = count * kind.itemsize
        values = np.frombuffer(self.take(size, what), kind)
        self.take(-size % 4, f"padding after {what}")
        return values

    def end(self) -> None:
        if self._at != len(self._body):
            raise FormatError.expected(
                self._where, "the end of the part", f"{len(self._body) - self._at} more bytes"
            )


def write_vectors(shard: VectorShard) -> bytes:
    """Serialise a shard of token embeddings."""
    vectors, dimensions = shard.codes.shape
    body = b"".join(
        [
            _VECTORS.pack(shard.first_passage, len(shard.lengths), vectors, dimensions),
            shard.lengths.astype("<u4").tobytes(),
            shard.scales.astype("<f4").tobytes(),
            _pad(shard.codes.astype(np.int8).tobytes()),
        ]
    )
    return write_header(KIND_VECTORS, body)


def read_vectors(data: bytes, where: str = "vectors") -> VectorShard:
    """Read a shard of token embeddings; the arrays are views of ``data``.

    Raises
    ------
    FormatError
        The header is wrong, a count does not fit the file, lengths do not add up, or a scale is not finite.
    """
    if sys.byteorder != "little":
        raise FormatError.expected(where, "a little-endian machine", sys.byteorder)
    cursor = _Cursor(read_header(data, KIND_VECTORS, where), where)
    first, passages, vectors, dimensions = _VECTORS.unpack(cursor.take(_VECTORS.size, "counts"))
    if not 1 <= dimensions <= MAX_DIMENSIONS:
        raise FormatError.expected(where, f"1 to {MAX_DIMENSIONS} dimensions", str(dimensions))
    lengths = cursor.array("<u4", passages, "passage lengths")
    scales = cursor.array("<f4", vectors, "scales")
    codes = cursor.array(np.int8, vectors * dimensions, "codes")
    cursor.end()
    if int(lengths.sum(dtype=np.uint64)) != vectors:
        raise FormatError.expected(
            where,
            f"passage lengths that add up to {vectors} vectors",
            str(int(lengths.sum(dtype=np.uint64))),
        )
    if not bool(np.isfinite(scales).all() and (scales >= 0).all()):
        raise FormatError.expected(where, "finite scales of at least 0", "a scale that is not")
    return VectorShard(first, lengths, scales, codes.reshape(vectors, dimensions))


def encode_section(section: Section) -> bytes:
    """Return the record of a section: compact JSON, empty fields left out, keys in a fixed order."""
    fields: dict[str, object] = {
        "id": section.id,
        "url": section.url,
        "title": section.title,
        "breadcrumb": list(section.breadcrumb),
        "text": section.text,
        "lang": section.lang,
        "meta": dict(section.meta),
        "filters": {key: list(values) for key, values in section.filters.items()},
    }
    kept = {key: value for key, value in fields.items() if value or key in ("id", "text")}
    return json.dumps(kept, ensure_ascii=False, separators=(",", ":")).encode("utf-8")


def decode_section(record: memoryview | bytes, where: str = "sections") -> Section:
    """Read one record.

    Raises
    ------
    FormatError
        The record is not a JSON object with an id and a text.
    """
    try:
        fields = json.loads(bytes(record))
        return Section(
            id=fields["id"],
            url=fields.get("url", ""),
            title=fields.get("title", ""),
            text=fields["text"],
            breadcrumb=tuple(fields.get("breadcrumb", ())),
            lang=fields.get("lang", ""),
            meta=fields.get("meta", {}),
            filters={key: tuple(values) for key, values in fields.get("filters", {}).items()},
        )
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise FormatError.expected(
            where, "a section record with id and text", repr(bytes(record[:40]))
        ) from error


def write_sections(
    first_section: int, sections: Sequence[Section], first_passage: int, passages: Sequence[Passage]
) -> bytes:
    """Serialise a shard of sections with the passages that they are cut into."""
    records = [encode_section(section) for section in sections]
    offsets = np.zeros(len(records) + 1, "<u4")
    np.cumsum([len(record) for record in records], out=offsets[1:])
    table = np.array([(p.section, p.start, p.end) for p in passages], _PASSAGE)
    body = b"".join(
        [
            _SECTIONS.pack(first_section, len(records), first_passage, len(passages)),
            offsets.tobytes(),
            table.tobytes(),
            _pad(b"".join(records)),
        ]
    )
    return write_header(KIND_SECTIONS, body)


def read_sections(data: bytes, where: str = "sections") -> SectionShard:
    """Read a shard of sections; records stay undecoded.

    Raises
    ------
    FormatError
        The header is wrong, an offset runs backwards or past the end, or a passage names a section that
        the shard does not hold.
    """
    cursor = _Cursor(read_header(data, KIND_SECTIONS, where), where)
    first_section, sections, first_passage, passages = _SECTIONS.unpack(cursor.take(_SECTIONS.size, "counts"))
    offsets = cursor.array("<u4", sections + 1, "record offsets")
    table = cursor.array(_PASSAGE, passages, "passages")
    if offsets[0] or bool((offsets[1:] < offsets[:-1]).any()):
        raise FormatError.expected(where, "record offsets that start at 0 and never fall", "others")
    blob = cursor.take(int(offsets[-1]), "records")
    cursor.take(-len(blob) % 4, "padding after records")
    cursor.end()
    inside = (table["section"] >= first_section) & (table["section"] - first_section < sections)
    if not bool(inside.all() and (table["start"] <= table["end"]).all()):
        raise FormatError.expected(where, f"passages of sections {first_section} and on", "a passage of none")
    bounds = offsets.tolist()
    records = [blob[start:end] for start, end in itertools.pairwise(bounds)]
    return SectionShard(first_section, first_passage, records, table)


def quantize(vectors: npt.NDArray[np.float32]) -> tuple[npt.NDArray[np.int8], npt.NDArray[np.float32]]:
    """Quantise (vectors, dimensions) float32 to int8 codes and one float32 scale a vector.

    Symmetric: the largest component of each vector becomes ±127, so that the error of a component is at
    most half a scale. A zero vector gets scale 0.
    """
    scales = (np.abs(vectors).max(axis=1, initial=0.0) / 127).astype(np.float32)
    divisors = np.where(scales > 0, scales, np.float32(1))
    return np.rint(vectors / divisors[:, None]).astype(np.int8), scales
