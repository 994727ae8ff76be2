"""The files of the word index, version 2: writer beside reader, in the order of ``docs/lexical-format.md``.

The word index has files of its own, apart from the semantic parts (:mod:`latefind.format`), because the
page's JavaScript reads them too, before any Python is loaded: gzip around a header of 12 bytes and a body
that one pass reads. What is *in* the keys is the business of :mod:`latefind.lexical_analysis`.

Guarantees: the same input gives the same bytes; a reader checks gzip's CRC, magic, version, kind, length,
counts, the order of keys and the range of documents before it returns anything.
"""

import itertools
import json
import re
import struct
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from latefind.errors import FormatError, VersionError
from latefind.lexical_analysis import plain
from latefind.lexical_codes import decode_keys, decode_varints, encode_varints, front_code, read_keys

LEXICAL_VERSION = 2
"""Version of the word index, independent of the index format's and of the package's."""

MAGIC = b"LFLX"
KIND_ROOT = 1
KIND_POSTINGS = 2
KIND_WORDS = 3
KIND_CARDS = 4
KIND_TEXTS = 5

GROUPS = ("terms", "common", "filters", "words", "reversed", "cards", "texts")
"""Groups of files that the root names, in this order."""

MAX_BYTES = 2**28
"""Longest file, unzipped: nothing that is read by a browser is near it."""

MAX_LEVELS = 255
_HEADER = struct.Struct("<4sHHI")  # magic, version, kind, length
_POSTINGS = struct.Struct("<IIIII")  # terms, postings, key bytes, frequency bytes, gap bytes
_WORDS = struct.Struct("<III")  # words, key bytes, frequency bytes
_GZIP_HEADER = b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x02\xff"


@dataclass(frozen=True, slots=True)
class Postings:
    """Keys with the documents that have them.

    Attributes
    ----------
    keys : sequence of str
        Sorted by UTF-8 bytes.
    bounds : int64, shape (T + 1,)
        The postings of key i are ``documents[bounds[i]:bounds[i + 1]]``.
    documents : int64, shape (P,)
        Rising within a key.
    impacts : uint8, shape (P,)
        1 to the root's levels.
    """

    keys: Sequence[str]
    bounds: npt.NDArray[np.int64]
    documents: npt.NDArray[np.int64]
    impacts: npt.NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class FileList:
    """The files of a group: the first key or document of each, and the hash in its name."""

    first: Sequence[str | int]
    hashes: Sequence[str]


@dataclass(frozen=True, slots=True)
class Root:
    """What a reader has to know before the first word; see the specification for each field."""

    sections: int
    length: float
    languages: Sequence[tuple[str, int]]
    levels: int
    fields: Mapping[str, float]
    common: Sequence[tuple[str, int]]
    keep: int
    facets: Sequence[Mapping[str, Any]]
    files: Mapping[str, FileList]
    cards: Mapping[str, Any] | None = None


def file_name(group: str, digits: str) -> str:
    """Return the name of a file of a group, which lies beside the root."""
    return f"lexical-{group}-{digits}.bin"


def page_of(url: str) -> tuple[str, str]:
    """Cut a URL at its first ``#``; the second half is empty where there is none."""
    page, _, anchor = url.partition("#")
    return page, anchor


def slug(title: str) -> str:
    """Return the anchor that most generators give a heading: ASCII letters and digits, joined by hyphens."""
    return re.sub("[^a-z0-9]+", "-", re.sub("[A-Z]", lambda match: match[0].lower(), title)).strip("-")


def write_file(kind: int, body: bytes) -> bytes:
    """Return a whole file: header and ``body``, in gzip."""
    data = _HEADER.pack(MAGIC, LEXICAL_VERSION, kind, _HEADER.size + len(body)) + body
    packer = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS, 9)
    packed = packer.compress(data) + packer.flush()
    return _GZIP_HEADER + packed + struct.pack("<II", zlib.crc32(data), len(data))


def read_file(stored: bytes, kind: int, where: str) -> bytes:
    """Unzip a file, check its header and return the body.

    Raises
    ------
    VersionError
        Another version; the message names both.
    FormatError
        No gzip, damaged, too long, or of another kind.
    """
    again = "Fetch the file again, or build again."
    unpacker = zlib.decompressobj(zlib.MAX_WBITS | 16)
    try:
        data = unpacker.decompress(stored, MAX_BYTES)
    except zlib.error as error:
        raise FormatError.expected(where, "a gzip file", str(error), again) from error
    if not unpacker.eof or unpacker.unused_data:
        raise FormatError.expected(where, "one whole gzip member", "less or more", again)
    if len(data) < _HEADER.size:
        raise FormatError.expected(where, f"at least {_HEADER.size} bytes", str(len(data)), again)
    magic, version, found, length = _HEADER.unpack_from(data)
    if magic != MAGIC:
        raise FormatError.expected(where, f"magic {MAGIC!r}", repr(magic), "This is no file of a word index.")
    if version != LEXICAL_VERSION:
        raise VersionError.expected(
            where,
            f"word index version {LEXICAL_VERSION}",
            f"version {version}",
            "Build the index with the latefind that serves it.",
        )
    if found != kind:
        raise FormatError.expected(where, f"kind {kind}", f"kind {found}")
    if length != len(data):
        raise FormatError.expected(where, f"{length} bytes", str(len(data)), again)
    return data[_HEADER.size :]


def write_json(kind: int, fields: Mapping[str, object]) -> bytes:
    """Return a file whose body is one JSON object."""
    return write_file(kind, json.dumps(fields, ensure_ascii=False, separators=(",", ":")).encode("utf-8"))


def read_json(stored: bytes, kind: int, where: str) -> dict[str, Any]:
    """Read a file whose body is one JSON object."""
    try:
        fields = json.loads(read_file(stored, kind, where))
    except ValueError as error:
        raise FormatError.expected(where, "JSON", str(error), "Build the index again.") from error
    if not isinstance(fields, dict):
        raise FormatError.expected(where, "a JSON object", type(fields).__name__)
    return fields


def write_root(root: Root) -> bytes:
    """Serialise the root."""
    files = {
        group: {"first": list(files.first), "hash": list(files.hashes)}
        for group, files in ((group, root.files[group]) for group in GROUPS)
    }
    cards = {} if root.cards is None else {"cards": dict(root.cards)}
    return write_json(
        KIND_ROOT,
        {
            "sections": root.sections,
            "length": root.length,
            "languages": [list(pair) for pair in root.languages],
            "levels": root.levels,
            "fields": dict(root.fields),
            "common": [list(pair) for pair in root.common],
            "keep": root.keep,
            "facets": list(root.facets),
            "files": files,
            **cards,
        },
    )


def read_root(stored: bytes, where: str = "lexical root") -> Root:
    """Read and check the root."""
    fields = read_json(stored, KIND_ROOT, where)
    try:
        root = Root(
            sections=int(fields["sections"]),
            length=float(fields["length"]),
            languages=[(str(tag), int(count)) for tag, count in fields["languages"]],
            levels=int(fields["levels"]),
            fields={str(name): float(weight) for name, weight in fields["fields"].items()},
            common=[(str(term), int(df)) for term, df in fields["common"]],
            keep=int(fields["keep"]),
            facets=list(fields["facets"]),
            files={group: _read_list(fields["files"][group], group, where) for group in GROUPS},
            cards=fields.get("cards"),
        )
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise FormatError.expected(where, "a complete root", f"{error!r}", "Build again.") from error
    if root.sections < 1 or not root.languages or not 1 <= root.levels <= MAX_LEVELS or root.keep < 1:
        raise FormatError.expected(where, "sections, a language, levels and keep", "others")
    if (root.cards is None) != bool(root.files["cards"].first):
        raise FormatError.expected(where, "cards in the root or in files", "both or neither")
    for term, df in root.common:
        if not 1 <= df <= root.sections:
            raise FormatError.expected(where, f"1 to {root.sections} documents of {term!r}", str(df))
    return root


def _read_list(fields: Any, group: str, where: str) -> FileList:
    numbers = group in ("cards", "texts")
    first = [int(key) if numbers else str(key) for key in fields["first"]]
    hashes = [str(digits) for digits in fields["hash"]]
    rising = [key.encode("utf-8") if isinstance(key, str) else key for key in first]
    in_order = all(a < b for a, b in itertools.pairwise(rising))  # type: ignore[operator]
    if len(first) != len(hashes) or not in_order:
        raise FormatError.expected(where, f"{group}: rising keys and a hash for each", "others")
    if numbers and first[:1] != [0] and (first or group == "texts"):
        raise FormatError.expected(where, f"{group}: files from document 0 on", repr(first[:1]))
    if any(len(digits) != 16 or set(digits) - set("0123456789abcdef") for digits in hashes):
        raise FormatError.expected(where, f"{group}: hashes of 16 hex digits", "others")
    return FileList(first, hashes)


def write_postings(
    keys: Sequence[str],
    counts: npt.NDArray[np.int64],
    documents: npt.NDArray[np.int64],
    impacts: npt.NDArray[np.uint8],
) -> bytes:
    """Serialise sorted ``keys``, each with ``counts`` of the ``documents`` (rising) and ``impacts``."""
    starts = np.cumsum(counts) - counts
    gaps = np.diff(documents, prepend=0) - 1
    gaps[starts] = documents[starts]
    names, frequencies, steps = front_code(keys), encode_varints(counts), encode_varints(gaps)
    counted = _POSTINGS.pack(len(keys), len(documents), len(names), len(frequencies), len(steps))
    body = counted + names + frequencies + steps + impacts.astype(np.uint8).tobytes()
    return write_file(KIND_POSTINGS, body)


def read_postings(stored: bytes, sections: int, levels: int, where: str = "postings") -> Postings:
    """Read postings of an index of ``sections`` documents and impacts of 1 to ``levels``."""
    body = read_file(stored, KIND_POSTINGS, where)
    terms, postings, *sizes = _take(_POSTINGS, body, where)
    if not terms or _POSTINGS.size + sum(sizes) + postings != len(body):
        raise FormatError.expected(where, "counts that fit the file", f"{terms}, {postings}, {sizes}")
    at = _POSTINGS.size
    keys = read_keys(body[at : at + sizes[0]], terms, where)
    if any(a >= b for a, b in itertools.pairwise(keys)):
        raise FormatError.expected(where, "sorted keys", "others")
    at += sizes[0]
    counts = decode_varints(body[at : at + sizes[1]], terms, where)
    at += sizes[1]
    if int(counts.sum()) != postings or not bool(((counts >= 1) & (counts <= sections)).all()):
        raise FormatError.expected(where, f"document counts that add up to {postings}", "others")
    gaps = decode_varints(body[at : at + sizes[2]], postings, where)
    at += sizes[2]
    bounds = np.concatenate([np.zeros(1, np.int64), np.cumsum(counts)])
    documents = np.cumsum(gaps + 1)
    before = documents[bounds[:-1]] - gaps[bounds[:-1]]
    documents -= np.repeat(before, counts)
    impacts = np.frombuffer(body, np.uint8, postings, at)
    if not bool((documents[bounds[1:] - 1] < sections).all()):
        raise FormatError.expected(where, f"documents below {sections}", "others")
    if not bool(((impacts >= 1) & (impacts <= levels)).all()):
        raise FormatError.expected(where, f"impacts of 1 to {levels}", "others")
    return Postings(decode_keys(keys, where), bounds, documents, impacts)


def write_words(words: Sequence[str], counts: Sequence[int]) -> bytes:
    """Serialise words, sorted by plain form and then by themselves, with the documents of each."""
    names, frequencies = front_code(words), encode_varints(np.array(counts, np.int64))
    return write_file(KIND_WORDS, _WORDS.pack(len(words), len(names), len(frequencies)) + names + frequencies)


def read_words(stored: bytes, where: str = "words") -> tuple[Sequence[str], Sequence[int]]:
    """Read words and the documents of each."""
    body = read_file(stored, KIND_WORDS, where)
    count, *sizes = _take(_WORDS, body, where)
    if _WORDS.size + sum(sizes) != len(body):
        raise FormatError.expected(where, "counts that fit the file", f"{count}, {sizes}")
    at = _WORDS.size + sizes[0]
    words = decode_keys(read_keys(body[_WORDS.size : at], count, where), where)
    counts = decode_varints(body[at:], count, where)
    order = [plain(word).encode("utf-8") for word in words]
    if any(a > b for a, b in itertools.pairwise(order)):
        raise FormatError.expected(where, "sorted words", "others")
    return words, counts.tolist()


def _take(layout: struct.Struct, body: bytes, where: str) -> tuple[int, ...]:
    if len(body) < layout.size:
        raise FormatError.expected(where, f"{layout.size} bytes of counts", f"{len(body)} bytes")
    return layout.unpack_from(body)
