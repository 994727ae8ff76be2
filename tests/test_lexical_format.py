"""The files of the word index: round trips, and what a reader refuses."""

import contextlib
import gzip
import json
import struct
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from latefind.errors import FormatError, VersionError
from latefind.lexical_analysis import plain
from latefind.lexical_codes import decode_keys, decode_varints, encode_varints, front_code, read_keys
from latefind.lexical_format import (
    GROUPS,
    KIND_CARDS,
    KIND_POSTINGS,
    KIND_ROOT,
    KIND_WORDS,
    FileList,
    Root,
    read_file,
    read_json,
    read_postings,
    read_root,
    read_words,
    slug,
    write_file,
    write_json,
    write_postings,
    write_root,
    write_words,
)

LEVELS, SECTIONS = 15, 1000
GOLDEN = Path(__file__).parent / "golden" / "lexical-2" / "terms.bin"
KEYS = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=12)
LISTS = st.dictionaries(st.integers(0, SECTIONS - 1), st.integers(1, LEVELS), min_size=1, max_size=30)


def make_postings(lists: dict[str, dict[int, int]]) -> bytes:
    keys = sorted(lists)
    documents = [number for key in keys for number in sorted(lists[key])]
    impacts = [lists[key][number] for key in keys for number in sorted(lists[key])]
    counts = [len(lists[key]) for key in keys]
    return write_postings(keys, np.array(counts), np.array(documents), np.array(impacts, np.uint8))


@given(st.dictionaries(KEYS, LISTS, min_size=1, max_size=20))
def test_postings_survive(lists: dict[str, dict[int, int]]) -> None:
    found = read_postings(make_postings(lists), SECTIONS, LEVELS)
    ends = found.bounds.tolist()
    read = {
        key: dict(zip(found.documents[start:end].tolist(), found.impacts[start:end].tolist(), strict=True))
        for key, start, end in zip(found.keys, ends, ends[1:], strict=False)
    }
    assert read == lists


@given(st.dictionaries(KEYS, st.integers(1, 2**32 - 1), max_size=30))
def test_words_survive(words: dict[str, int]) -> None:
    ordered = sorted(words, key=lambda word: (plain(word), word))
    found, counts = read_words(write_words(ordered, [words[word] for word in ordered]))
    assert dict(zip(found, counts, strict=True)) == words


@given(st.lists(st.integers(0, 2**32 - 1)))
def test_varints_survive(values: list[int]) -> None:
    data = encode_varints(np.array(values, np.int64))
    assert decode_varints(data, len(values), "test").tolist() == values


@given(st.lists(KEYS))
def test_front_coded_keys_survive_in_any_order(keys: list[str]) -> None:
    assert decode_keys(read_keys(front_code(keys), len(keys), "test"), "test") == keys


def make_root(**changes: object) -> Root:
    empty = FileList([], [])
    fields: dict[str, object] = {
        "sections": 3,
        "length": 7.5,
        "languages": [("en", 2), ("de", 1)],
        "levels": LEVELS,
        "fields": {"title": 3.0, "breadcrumb": 1.0, "text": 1.0},
        "common": [("the", 3)],
        "keep": 5,
        "facets": [{"key": "kind", "values": [{"value": "guide", "count": 2}]}],
        "files": dict.fromkeys(GROUPS, empty)
        | {"texts": FileList([0], ["0" * 16]), "cards": FileList([0, 2], ["1" * 16, "2" * 16])},
    }
    return Root(**{**fields, **changes})  # type: ignore[arg-type]


def test_root_survives() -> None:
    assert read_root(write_root(make_root())) == make_root()


def test_same_root_has_the_same_bytes() -> None:
    assert write_root(make_root()) == write_root(make_root())


@pytest.mark.parametrize(
    ("title", "expected"),
    [("Getting Started", "getting-started"), (" C++ & you! ", "c-you"), ("Über", "ber"), ("", "")],
)
def test_slug_is_the_usual_anchor(title: str, expected: str) -> None:
    assert slug(title) == expected


@pytest.mark.parametrize(
    "change",
    [
        {"sections": 0},
        {"languages": []},
        {"levels": 0},
        {"levels": 256},
        {"keep": 0},
        {"common": [("the", 4)]},
        {"cards": {"title": []}},
        {"files": {group: FileList([], []) for group in GROUPS}},
        {"files": {group: FileList([0], ["x" * 16]) for group in GROUPS}},
        {"files": {group: FileList([0], ["0" * 15]) for group in GROUPS}},
        {"files": {group: FileList([1, 0], ["0" * 16] * 2) for group in GROUPS}},
        {"files": {group: FileList([0, 1], ["0" * 16]) for group in GROUPS}},
        {"files": {group: FileList([1], ["0" * 16]) for group in GROUPS}},
    ],
)
def test_root_out_of_range_is_refused(change: dict[str, object]) -> None:
    with pytest.raises(FormatError):
        read_root(write_root(make_root(**change)))


@pytest.mark.parametrize("key", ["sections", "languages", "files", "common", "keep", "levels", "facets"])
def test_root_without_a_field_is_refused(key: str) -> None:
    fields = read_json(write_root(make_root()), KIND_ROOT, "root")
    del fields[key]
    with pytest.raises(FormatError, match="a complete root"):
        read_root(write_json(KIND_ROOT, fields))


EXAMPLE: dict[str, dict[int, int]] = {"ab": {0: 1, 5: 15}, "abc": {999: 3}, "path\x01os.path": {5: 9}}
"""What the golden file holds; docs/lexical-format.md explains its bytes."""


def test_golden_file_is_what_the_writer_writes() -> None:
    """Zipped bytes depend on zlib; rewrite the file by ``write_bytes(make_postings(EXAMPLE))``."""
    assert gzip.decompress(GOLDEN.read_bytes()) == gzip.decompress(make_postings(EXAMPLE))


def test_golden_file_is_read() -> None:
    found = read_postings(GOLDEN.read_bytes(), SECTIONS, LEVELS)
    assert list(found.keys) == list(EXAMPLE)
    assert found.documents.tolist() == [0, 5, 999, 5]
    assert found.impacts.tolist() == [1, 15, 3, 9]


GOOD = make_postings({"ab": {0: 1, 5: 15}, "abc": {999: 3}})


def body_of(stored: bytes) -> bytearray:
    return bytearray(gzip.decompress(stored))


def repack(data: bytes) -> bytes:
    return gzip.compress(data)


def set_field(at: int, form: str, value: object) -> Callable[[bytes], bytes]:
    def change(stored: bytes) -> bytes:
        data = body_of(stored)
        struct.pack_into(form, data, at, value)
        return repack(bytes(data))

    return change


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda stored: b"", "one whole gzip member"),
        (lambda stored: b"<!doctype html>", "a gzip file"),
        (lambda stored: stored[:-1], "one whole gzip member"),
        (lambda stored: stored + b"\0", "one whole gzip member"),
        (lambda stored: stored[:-8] + b"\0" * 8, "a gzip file"),
        (lambda stored: repack(b"LFLX"), "at least 12 bytes"),
        (set_field(0, "<4s", b"LFLY"), "magic"),
        (set_field(6, "<H", KIND_CARDS), "kind 2"),
        (set_field(8, "<I", 1), "1 bytes"),
        (set_field(12, "<I", 0), "counts that fit"),
        (set_field(12, "<I", 3), "3 keys"),
        (set_field(16, "<I", 2), "counts that fit"),
        (set_field(20, "<I", 2**32 - 1), "counts that fit"),
        (lambda stored: repack(bytes(body_of(stored)[:20])), "bytes"),
    ],
)
def test_damaged_postings_are_refused(damage: Callable[[bytes], bytes], message: str) -> None:
    with pytest.raises(FormatError, match=message):
        read_postings(damage(GOOD), SECTIONS, LEVELS, "file")


def test_another_version_is_refused_naming_both() -> None:
    with pytest.raises(VersionError, match=r"version 2, got version 9"):
        read_file(set_field(4, "<H", 9)(GOOD), KIND_POSTINGS, "file")


def test_document_beyond_the_index_is_refused() -> None:
    with pytest.raises(FormatError, match="documents below 999"):
        read_postings(GOOD, 999, LEVELS)


def test_impact_beyond_the_levels_is_refused() -> None:
    with pytest.raises(FormatError, match="impacts of 1 to 14"):
        read_postings(GOOD, SECTIONS, 14)


def test_keys_out_of_order_are_refused() -> None:
    ones = np.ones(2, np.int64)
    with pytest.raises(FormatError, match="sorted keys"):
        read_postings(write_postings(["b", "a"], ones, ones, ones.astype(np.uint8)), SECTIONS, LEVELS)


def test_words_out_of_order_are_refused() -> None:
    with pytest.raises(FormatError, match="sorted words"):
        read_words(write_words(["b", "a"], [1, 1]))


def test_key_that_is_no_text_is_refused() -> None:
    body = struct.pack("<III", 1, 3, 1) + b"\x00\x01\xff" + b"\x01"
    with pytest.raises(FormatError, match="UTF-8"):
        read_words(write_file(KIND_WORDS, body))


@pytest.mark.parametrize(
    "keys", [b"\x01\x01a", b"\x00\x09a", b"\x00", b"\xff\xff\xff\xff\xff\xff", b"\x00\x01aa"]
)
def test_front_coding_past_its_end_is_refused(keys: bytes) -> None:
    with pytest.raises(FormatError):
        read_words(write_file(KIND_WORDS, struct.pack("<III", 1, len(keys), 1) + keys + b"\x01"))


@pytest.mark.parametrize("data", [b"\x80", b"\x80\x80\x80\x80\x80\x01", b"\xff\xff\xff\xff\x7f"])
def test_number_too_long_or_too_large_is_refused(data: bytes) -> None:
    with pytest.raises(FormatError):
        decode_varints(data, 1, "test")


@pytest.mark.parametrize("body", [b"{", b"[]", json.dumps("x").encode()])
def test_json_that_is_no_object_is_refused(body: bytes) -> None:
    with pytest.raises(FormatError):
        read_json(write_file(KIND_ROOT, body), KIND_ROOT, "file")


@given(st.binary(max_size=200))
def test_any_bytes_are_read_or_refused(body: bytes) -> None:
    for kind, read in ((KIND_POSTINGS, lambda data: read_postings(data, 9, 9)), (KIND_WORDS, read_words)):
        with contextlib.suppress(FormatError):
            read(write_file(kind, body))
