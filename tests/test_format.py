"""The index format: round trips, golden files, and files that are not what they claim."""

import tracemalloc

import numpy as np
import pytest
from format_examples import CODEC, FILES, GOLDEN, MALFORMED, NAMES, PASSAGES, SECTIONS, SUMMARY, patched
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from latefind.errors import FormatError, VersionError
from latefind.format import decode_section, encode_section, read_shard, write_shard
from latefind.format_tables import read_codec, read_names, read_summary
from latefind.passages import Section

READERS = {
    "codec.bin": read_codec,
    "shard.bin": read_shard,
    "summary.bin": read_summary,
    "names.bin": read_names,
}


def test_shard_round_trips() -> None:
    shard = read_shard(FILES["shard.bin"])
    assert (shard.first_section, shard.first_passage) == (4, 9)
    assert [decode_section(record) for record in shard.records] == SECTIONS
    assert shard.passages.tolist() == [(4, 0, 3), (4, 4, 10), (5, 0, 5)]
    assert shard.lengths.tolist() == [2, 0, 1]
    assert shard.codes.tolist() == [0x10, 0x1F, 0]
    assert shard.residuals.tolist() == [[1, 2], [3, 255], [0, 9]]


@given(
    data=st.data(), subspaces=st.integers(1, 9), lengths=st.lists(st.integers(0, 5), min_size=3, max_size=3)
)
def test_shard_round_trips_any_vectors(data: st.DataObject, subspaces: int, lengths: list[int]) -> None:
    codes = data.draw(arrays.arrays(np.uint16, (sum(lengths),)))
    residuals = data.draw(arrays.arrays(np.uint8, (sum(lengths), subspaces)))
    written = write_shard(4, SECTIONS, 9, PASSAGES, np.array(lengths, np.uint32), codes, residuals)
    shard = read_shard(written)
    assert len(written) % 4 == 0
    np.testing.assert_array_equal(shard.codes, codes)
    np.testing.assert_array_equal(shard.residuals, residuals)
    assert shard.lengths.tolist() == lengths


@given(text=st.text(st.characters(exclude_categories=["Cs"])), title=st.text(max_size=5))
def test_section_record_round_trips_any_text(text: str, title: str) -> None:
    title = title.encode("utf-8", "ignore").decode()
    section = Section("id", "u", title, text)
    assert decode_section(encode_section(section)) == section


def test_codec_round_trips() -> None:
    codec = read_codec(FILES["codec.bin"])
    assert codec.centroid_scale == 0.25
    for name in ("centroids", "codebooks", "codebook_scales", "gains"):
        np.testing.assert_array_equal(getattr(codec, name), getattr(CODEC, name))


def test_summary_round_trips() -> None:
    summary = read_summary(FILES["summary.bin"])
    for name in ("codes", "passages", "sections"):
        np.testing.assert_array_equal(getattr(summary, name), getattr(SUMMARY, name))


def test_names_find_ids_and_nothing_else() -> None:
    names = read_names(FILES["names.bin"])
    assert [names.find(name) for name, _ in NAMES] == [0, 1]
    assert names.find("nowhere") is None


@pytest.mark.parametrize("name", FILES)
def test_golden_file_is_what_the_writer_writes(name: str) -> None:
    """Regenerate with `python tests/golden/regenerate.py`, together with docs/format.md and the version."""
    assert (GOLDEN / name).read_bytes() == FILES[name]


@pytest.mark.parametrize(("name", "data", "says"), MALFORMED.values(), ids=MALFORMED)
def test_malformed_part_is_refused_before_much_is_allocated(name: str, data: bytes, says: str) -> None:
    tracemalloc.start()
    try:
        with pytest.raises(FormatError, match=says):
            READERS[name](data, name)
        assert tracemalloc.get_traced_memory()[1] < 2**20
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("name", FILES)
def test_truncation_at_every_byte_is_refused(name: str) -> None:
    for size in range(len(FILES[name])):
        with pytest.raises(FormatError):
            READERS[name](FILES[name][:size], name)


@pytest.mark.parametrize("version", [0, 999])
def test_unknown_version_is_refused_naming_both(version: int) -> None:
    with pytest.raises(VersionError, match=rf"^s\.bin: expected format version 3, got version {version}\. "):
        read_shard(patched("shard.bin", 8, "<H", version), "s.bin")


@pytest.mark.parametrize("name", FILES)
@given(data=st.data())
def test_part_with_some_bytes_changed_never_crashes(name: str, data: st.DataObject) -> None:
    changed = bytearray(FILES[name])
    for _ in range(data.draw(st.integers(1, 4))):
        changed[data.draw(st.integers(0, len(changed) - 1))] = data.draw(st.integers(0, 255))
    try:
        part = READERS[name](bytes(changed), name)
    except FormatError:
        return
    if name == "shard.bin":
        assert part.lengths.sum() == len(part.codes) == len(part.residuals)


@pytest.mark.parametrize("record", [b"", b"[]", b"{}", b'{"id":"a"}', b'{"id":"a","text":"b","filters":1}'])
def test_section_record_malformed_is_refused(record: bytes) -> None:
    with pytest.raises(FormatError, match="section record"):
        decode_section(record)
