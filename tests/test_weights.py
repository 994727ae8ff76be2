"""What each token of a query counts for, against a naive version, and on a real site."""

from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from latefind import weights
from latefind.codec import decode_vectors
from latefind.weights import Background, sample
from latefind_build.native import NativeSearch, read_shards

Floats = npt.NDArray[np.float32]


def weigh_naively(vectors: Floats, passages: list[list[int]], query: Floats) -> list[float]:
    """Weigh token by token: (1 - mean best similarity) ** POWER, and 1 in the mean."""
    unit = [vector / np.linalg.norm(vector) for vector in vectors]
    found = []
    for token in query:
        best = [max(float(unit[number] @ token) for number in passage) for passage in passages]
        found.append(max(1 - sum(best) / len(best), weights.LEAST) ** weights.POWER)
    return [weight * len(found) / sum(found) for weight in found]


def unit(rng: np.random.Generator, rows: int, width: int = 8) -> Floats:
    vectors = rng.normal(size=(rows, width)).astype(np.float32)
    return np.asarray(vectors / np.linalg.norm(vectors, axis=1, keepdims=True), np.float32)


def test_weights_are_those_of_the_definition() -> None:
    rng = np.random.default_rng(1)
    vectors = unit(rng, 12) * np.float32(0.7)  # centroids are shorter than what they stand for
    passages = [[0, 3, 5], [5], [7, 7, 1, 2], [11, 4]]
    query = unit(rng, 5)
    query[2] = vectors[5] / np.linalg.norm(vectors[5])
    background = Background(
        vectors, np.array([n for p in passages for n in p], np.intp), np.array([len(p) for p in passages])
    )
    assert background.weigh(query) == pytest.approx(weigh_naively(vectors, passages, query), rel=1e-4)


def test_what_all_passages_have_counts_little_and_never_nothing() -> None:
    vectors = np.eye(4, dtype=np.float32)
    background = Background(vectors, np.array([0, 1, 0, 2], np.intp), np.array([2, 2]))
    common, rare, absent = background.weigh(vectors[[0, 1, 3]])
    assert 0 < common < rare < absent


@pytest.mark.parametrize(("passages", "tokens"), [(0, 3), (2, 0), (0, 0)])
def test_without_passages_or_tokens_all_counts_alike(passages: int, tokens: int) -> None:
    vectors = np.eye(4, dtype=np.float32)
    background = Background(vectors, np.zeros(passages, np.intp), np.ones(passages, np.intp))
    assert background.weigh(vectors[:tokens]).tolist() == [1.0] * tokens


@pytest.mark.parametrize("passages", [0, 1, 5, 127, 128, 129, 10_000])
def test_a_sample_is_spread_over_all_passages(passages: int) -> None:
    numbers = sample(passages)
    assert len(set(numbers.tolist())) == len(numbers) == min(passages, weights.SAMPLED)
    steps = np.diff(np.append(numbers, passages))
    assert steps.max(initial=0) - steps.min(initial=passages) <= 1


@pytest.fixture(scope="module")
def small(built_site: Path) -> NativeSearch:
    return NativeSearch(built_site)


def test_the_first_token_which_every_passage_has_alike_counts_least(small: NativeSearch) -> None:
    lengths = np.linalg.norm(small.engine.weigh(small.encode("how do I sharpen a blade")), axis=1)
    assert lengths[0] < lengths[1:].min() / 2


def test_scores_are_the_maxsim_of_weighed_tokens(small: NativeSearch) -> None:
    text = "where do I keep copies of my files"
    query = small.engine.weigh(small.encode(text))
    [shard] = read_shards(small.folder, small.manifest)
    vectors = decode_vectors(small.engine._shards.codec, shard.codes, shard.residuals)
    starts = np.cumsum(shard.lengths) - shard.lengths
    for result in small.search(text, 5).results:
        own = [
            (vectors[start : start + length] @ query.T).max(axis=0).sum()
            for start, length, section in zip(starts, shard.lengths, shard.passages["section"], strict=True)
            if section == result.number
        ]
        assert result.score == pytest.approx(max(own), rel=1e-4)
