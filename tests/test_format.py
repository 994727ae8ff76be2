"""The index format: round trips, determinism, and files that are not what they claim."""

import struct
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from latefind.errors import FormatError, VersionError
from latefind.format import (
    VectorShard,
    decode_section,
    encode_section,
    read_sections,
    read_vectors,
    write_sections,
    write_vectors,
)
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


def test_vectors_round_trip() -> None:
    shard = read_vectors(write_vectors(SHARD))
    assert shard.first_passage == 7
    assert shard.lengths.tolist() == [2, 0, 1]
    assert shard.scales.tolist() == [0.5, 0.25, 0.125]
    assert shard.codes.tolist() == SHARD.codes.tolist()


@given(data=st.data(), dimensions=st.integers(1, 9), lengths=st.lists(st.integers(0, 5), max_size=6))
def test_vectors_round_trip_any_shape(data: st.DataObject, dimensions: int, lengths: list[int]) -> None:
    codes = data.draw(arrays.arrays(np.int8, (sum(lengths), dimensions)))
    scales = data.draw(arrays.arrays(np.float32, (sum(lengths),), elements=st.floats(0, 2, width=32)))
    written = write_vectors(VectorShard(3, np.array(lengths, np.uint32), scales, codes))
    shard = read_vectors(written)
    assert len(written) % 4 == 0
    np.testing.assert_array_equal(shard.codes, codes)
    np.testing.assert_array_equal(shard.scales, scales)
    assert shard.lengths.tolist() == lengths


def test_sections_round_trip() -> None:
    shard = read_sections(write_sections(4, SECTIONS, 9, PASSAGES))
    assert (shard.first_section, shard.first_passage) == (4, 9)
    assert [decode_section(record) for record in shard.records] == SECTIONS
    assert shard.passages.tolist() == [(4, 0, 3), (4, 4, 10), (5, 0, 5)]


@given(text=st.text(st.characters(exclude_categories=["Cs"])), title=st.text(max_size=5))
def test_section_record_round_trips_any_text(text: str, title: str) -> None:
    title = title.encode("utf-8", "ignore").decode()
    section = Section("id", "u", title, text)
    assert decode_section(encode_section(section)) == section


@pytest.mark.parametrize("name", ["vectors.bin", "sections.bin"])
def test_golden_file_is_what_the_writer_writes(name: str) -> None:
    """Regenerate with `python tests/golden/regenerate.py`, together with docs/format.md and the version."""
    data = write_vectors(SHARD) if name == "vectors.bin" else write_sections(4, SECTIONS, 9, PASSAGES)
    assert (GOLDEN / name).read_bytes() == data


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


@pytest.mark.parametrize(("data", "says"), MALFORMED_VECTORS.values(), ids=MALFORMED_VECTORS)
def test_vectors_malformed_are_refused(data: bytes, says: str) -> None:
    with pytest.raises(FormatError, match=says):
        read_vectors(data, "vectors-0.bin")


@pytest.mark.parametrize(("data", "says"), MALFORMED_SECTIONS.values(), ids=MALFORMED_SECTIONS)
def test_sections_malformed_are_refused(data: bytes, says: str) -> None:
    with pytest.raises(FormatError, match=says):
        read_sections(data, "sections-0.bin")


@pytest.mark.parametrize("version", [0, 999])
def test_unknown_version_is_refused_naming_both(version: int) -> None:
    with pytest.raises(VersionError, match=rf"^v\.bin: expected format version 1, got version {version}\. "):
        read_vectors(patched(VECTORS, 8, "<H", version), "v.bin")


@given(st.integers(0, len(VECTORS) - 1), st.integers(1, 255))
def test_vectors_with_one_byte_changed_never_crash(offset: int, change: int) -> None:
    changed = bytearray(VECTORS)
    changed[offset] ^= change
    try:
        shard = read_vectors(bytes(changed))
    except FormatError:
        return
    assert shard.lengths.sum() == len(shard.codes) == len(shard.scales)


@pytest.mark.parametrize("record", [b"", b"[]", b"{}", b'{"id":"a"}', b'{"id":"a","text":"b","filters":1}'])
def test_section_record_malformed_is_refused(record: bytes) -> None:
    with pytest.raises(FormatError, match="section record"):
        decode_section(record)
