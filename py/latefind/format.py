"""The index's binary parts, version 3: writer beside reader, in the order of ``docs/format.md``.

An index is a set of *parts*, each a self-contained file that fits one download. This module has what all
parts share, the 24-byte header, and the *shard*, which holds whole sections: their texts, the passages
that they are cut into, and the passages' coded vectors. :mod:`latefind.format_tables` has the parts of
which an index has one: codec, summary and names. All integers are little-endian. What the parts mean
together (which belong to an index, their sizes and SHA-256) is the manifest's business:
:mod:`latefind.manifest`.

Guarantees: the same input gives the same bytes; a reader checks magic, version, kind, length, counts and
offsets before it allocates or slices; arrays that it returns are views of the bytes that it was given.
"""

import itertools
import json
import struct
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from latefind.errors import FormatError, VersionError
from latefind.passages import Passage, Section

FORMAT_VERSION = 3
"""Version of the index format, independent of the package's version; in every header and the manifest."""

MAGIC = b"latefind"
KIND_CODEC = 1
KIND_SHARD = 2
KIND_SUMMARY = 3
KIND_NAMES = 4

MAX_DIMENSIONS = 4096
"""Wider token embeddings than any late-interaction model has."""

_HEADER = struct.Struct("<8sHHIQ")  # magic, version, kind, reserved, length of the file
_SHARD = struct.Struct("<IIIIII")  # first section, sections, first passage, passages, vectors, subspaces
_PASSAGE = np.dtype([("section", "<u4"), ("start", "<u4"), ("end", "<u4")])


@dataclass(frozen=True, slots=True)
class Shard:
    """Consecutive sections of an index, with their passages and vectors.

    Attributes
    ----------
    first_section, first_passage : int
        Numbers of the first of each in the index.
    records : sequence of bytes
        Undecoded JSON objects, one a section; :func:`decode_section` reads one.
    passages : structured, shape (P,)
        Fields section, start and end (uint32); ``section`` counts over the index.
    lengths : uint32, shape (P,)
        Vectors of each passage; 0 where every token was in the skiplist.
    codes : uint16, shape (V,)
        Centroid and gain of each vector, see :mod:`latefind.codec`.
    residuals : uint8, shape (V, M)
        Codewords of each vector.
    """

    first_section: int
    first_passage: int
    records: Sequence[bytes | memoryview]
    passages: npt.NDArray[np.void]
    lengths: npt.NDArray[np.uint32]
    codes: npt.NDArray[np.uint16]
    residuals: npt.NDArray[np.uint8]


def pad(data: bytes) -> bytes:
    """Zero bytes up to a multiple of four, so that every array is aligned."""
    return data + bytes(-len(data) % 4)


def write_header(kind: int, body: bytes) -> bytes:
    """Prefix ``body`` with the header that every part has."""
    return _HEADER.pack(MAGIC, FORMAT_VERSION, kind, 0, _HEADER.size + len(body)) + body


def cut_part(data: bytes, where: str) -> tuple[memoryview, memoryview]:
    """Cut a file of two parts, one after the other, by the length in the header of the first.

    Raises
    ------
    FormatError
        The file is shorter than that.
    """
    length = _HEADER.unpack_from(data)[-1] if len(data) >= _HEADER.size else _HEADER.size
    if length > len(data):
        raise FormatError.expected(where, f"{length} bytes and another part", f"{len(data)}", "Build again.")
    return memoryview(data)[:length], memoryview(data)[length:]


def read_header(data: bytes | memoryview, kind: int, where: str) -> memoryview:
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


class Cursor:
    """Walks a part's body and never reads or allocates past its end."""

    def __init__(self, body: memoryview, where: str) -> None:
        self._body = body
        self._where = where
        self._at = 0

    def take(self, size: int, what: str) -> memoryview:
        """Return the next ``size`` bytes, or raise :class:`FormatError` naming ``what`` is missing."""
        left = len(self._body) - self._at
        if size > left:
            raise FormatError.expected(self._where, f"{size} bytes of {what}", f"{left} bytes left")
        self._at += size
        return self._body[self._at - size : self._at]

    def array(self, dtype: Any, count: int, what: str) -> npt.NDArray[Any]:
        """Return the next ``count`` values as a view, and step over the padding to four bytes."""
        kind = np.dtype(dtype)
        size = count * kind.itemsize
        values = np.frombuffer(self.take(size, what), kind)
        self.take(-size % 4, f"padding after {what}")
        return values

    def end(self) -> None:
        """Raise unless everything was read."""
        if self._at != len(self._body):
            raise FormatError.expected(
                self._where, "the end of the part", f"{len(self._body) - self._at} more bytes"
            )


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


def write_shard(
    first_section: int,
    sections: Sequence[Section],
    first_passage: int,
    passages: Sequence[Passage],
    lengths: npt.NDArray[np.uint32],
    codes: npt.NDArray[np.uint16],
    residuals: npt.NDArray[np.uint8],
) -> bytes:
    """Serialise sections with their passages and coded vectors; the arrays are those of :class:`Shard`."""
    records = [encode_section(section) for section in sections]
    offsets = np.zeros(len(records) + 1, "<u4")
    np.cumsum([len(record) for record in records], out=offsets[1:])
    table = np.array([(p.section, p.start, p.end) for p in passages], _PASSAGE)
    vectors, subspaces = residuals.shape
    body = b"".join(
        [
            _SHARD.pack(first_section, len(records), first_passage, len(passages), vectors, subspaces),
            offsets.tobytes(),
            table.tobytes(),
            lengths.astype("<u4").tobytes(),
            pad(codes.astype("<u2").tobytes()),
            pad(residuals.astype(np.uint8).tobytes()),
            pad(b"".join(records)),
        ]
    )
    return write_header(KIND_SHARD, body)


def read_shard(data: bytes | memoryview, where: str = "shard") -> Shard:
    """Read a shard; the arrays are views of ``data``, records stay undecoded.

    Raises
    ------
    FormatError
        The header is wrong, a count does not fit the file, an offset runs backwards or past the end,
        lengths do not add up, or a passage names a section that the shard does not hold.
    """
    cursor = Cursor(read_header(data, KIND_SHARD, where), where)
    first_section, sections, first_passage, passages, vectors, subspaces = _SHARD.unpack(
        cursor.take(_SHARD.size, "counts")
    )
    if not 1 <= subspaces <= MAX_DIMENSIONS:
        raise FormatError.expected(where, f"1 to {MAX_DIMENSIONS} subspaces", str(subspaces))
    offsets = cursor.array("<u4", sections + 1, "record offsets")
    table = cursor.array(_PASSAGE, passages, "passages")
    lengths = cursor.array("<u4", passages, "passage lengths")
    codes = cursor.array("<u2", vectors, "codes")
    residuals = cursor.array(np.uint8, vectors * subspaces, "residuals").reshape(vectors, subspaces)
    if offsets[0] or bool((offsets[1:] < offsets[:-1]).any()):
        raise FormatError.expected(where, "record offsets that start at 0 and never fall", "others")
    blob = cursor.take(int(offsets[-1]), "records")
    cursor.take(-len(blob) % 4, "padding after records")
    cursor.end()
    summed = int(lengths.sum(dtype=np.uint64))
    if summed != vectors:
        raise FormatError.expected(where, f"passage lengths that add up to {vectors} vectors", str(summed))
    inside = (table["section"] >= first_section) & (table["section"] - first_section < sections)
    if not bool(inside.all() and (table["start"] <= table["end"]).all()):
        raise FormatError.expected(where, f"passages of sections {first_section} and on", "a passage of none")
    bounds = offsets.tolist()
    records = [blob[start:end] for start, end in itertools.pairwise(bounds)]
    return Shard(first_section, first_passage, records, table, lengths, codes, residuals)
