"""Sections out of scored passages, against NumPy's set operations, which the browser's Python lacks."""

import numpy as np
import numpy.typing as npt
from hypothesis import given
from hypothesis import strategies as st

from latefind.codec import GAINS, Codec
from latefind.format import Shard, encode_section
from latefind.kernels import Query, prepare_query
from latefind.passages import Section
from latefind.scoring import add_sections, score_sections
from latefind.shards import LoadedShard

CODEC = Codec(
    np.array([[1, 0], [0, 1], [1, 1]], np.int8),
    1.0,
    np.zeros((1, 256, 2), np.int8),
    np.ones(1, np.float32),
    np.zeros(GAINS, np.float32),
)
QUERY: Query = prepare_query(np.array([[1.0, 0.5]], np.float32), CODEC)
PASSAGES = st.lists(st.tuples(st.integers(0, 5), st.integers(0, 3)), min_size=1, max_size=12)
"""For each passage its section and the number of its vectors."""


def make_shard(passages: list[tuple[int, int]]) -> LoadedShard:
    """Return a shard of six sections with these passages; what each scores differs."""
    owners = np.array([(section, 0, 1) for section, _ in passages], np.uint32)
    rows = np.zeros(len(owners), np.dtype([("section", "<u4"), ("start", "<u4"), ("end", "<u4")]))
    rows["section"], rows["start"], rows["end"] = owners.T
    lengths = np.array([length for _, length in passages], np.uint32)
    vectors = int(lengths.sum())
    records = [encode_section(Section(str(n), "", "", "", filters={"odd": (str(n % 2),)})) for n in range(6)]
    codes = (np.arange(vectors) * 7 % 3 << 4).astype(np.uint16)
    return LoadedShard(Shard(0, 0, records, rows, lengths, codes, np.zeros((vectors, 1), np.uint8)))


@given(PASSAGES)
def test_score_sections_keeps_the_best_passage_of_each_section(passages: list[tuple[int, int]]) -> None:
    shard = make_shard(passages)
    every: npt.NDArray[np.intp] = np.arange(len(passages))
    scores = shard.score(QUERY, every)
    found = score_sections(shard, QUERY, every)
    assert found.sections.tolist() == np.unique(shard.owners).tolist()
    for section, passage, score in zip(found.sections, found.passages, found.scores, strict=True):
        own = np.flatnonzero(shard.owners == section)
        assert passage == own[np.argmax(scores[own])]
        assert score == scores[own].max()


@given(PASSAGES, st.sets(st.integers(0, 11)), st.lists(st.integers(0, 5), max_size=8), st.booleans())
def test_add_sections_adds_their_passages_to_those_chosen(
    passages: list[tuple[int, int]], before: set[int], numbers: list[int], is_chosen: bool
) -> None:
    shard = make_shard(passages)
    first = np.array(sorted(number for number in before if number < len(passages)), np.intp)
    chosen = {shard: first} if is_chosen else {}
    add_sections(chosen, {shard: numbers})
    theirs = np.flatnonzero(np.isin(shard.owners, np.array(numbers, np.intp)))
    expected = np.union1d(first, theirs) if is_chosen else theirs
    assert chosen[shard].tolist() == expected.tolist()


@given(PASSAGES)
def test_count_passing_counts_sections_with_vectors(passages: list[tuple[int, int]]) -> None:
    shard = make_shard(passages)
    filled = {section for section, length in passages if length}
    assert shard.count_passing(None) == len(filled)
    assert shard.count_passing({"odd": ["1"]}) == len([section for section in filled if section % 2])
