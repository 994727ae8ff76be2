"""The index format: round trips, determinism, and files that are not what they claim."""

import numpy as np
import pytest
from format_examples import (
    GOLDEN,
    MALFORMED_SECTIONS,
    MALFORMED_VECTORS,
    PASSAGES,
    SECTIONS,
    SHARD,
    VECTORS,
    patched,
)
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
from latefind.passages import Section


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
