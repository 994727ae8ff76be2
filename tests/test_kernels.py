"""The codec and the kernels against naive oracles: one passage, one token, one vector at a time."""

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from latefind import kernels
from latefind.codec import GAINS, Codec, decode_vectors, encode_vectors, split_codes
from latefind.format_tables import Summary
from latefind.kernels import NEVER, maxsim, prepare_query, quantize_scores, scan_codes, score_passages, top
from latefind.routing import choose_shards, scan_summary

SEEDS = st.integers(0, 2**32 - 1)


def unit_vectors(rng: np.random.Generator, count: int, dimensions: int) -> npt.NDArray[np.float32]:
    vectors = rng.normal(size=(count, dimensions)).astype(np.float32)
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def random_codec(
    rng: np.random.Generator, centroids: int = 7, dimensions: int = 8, subspaces: int = 2
) -> Codec:
    return Codec(
        rng.integers(-127, 128, (centroids, dimensions)).astype(np.int8),
        0.004,
        rng.integers(-127, 128, (subspaces, 256, dimensions // subspaces)).astype(np.int8),
        np.full(subspaces, 0.005, np.float32),
        np.linspace(0.5, 2, GAINS, dtype=np.float32),
    )


def naive_maxsim(
    query: npt.NDArray[np.float32], vectors: npt.NDArray[np.float32], lengths: list[int]
) -> list[float]:
    scores, at = [], 0
    for length in lengths:
        passage = vectors[at : at + length].astype(np.float64)
        at += length
        best = [max(float(token @ vector) for vector in passage) for token in query] if length else None
        scores.append(-np.inf if best is None else sum(best))
    return scores


def naive_decode(codec: Codec, code: int, residual: npt.NDArray[np.uint8]) -> npt.NDArray[np.float64]:
    words = [
        codec.codebooks[m, word].astype(np.float64) * float(codec.codebook_scales[m])
        for m, word in enumerate(residual.tolist())
    ]
    centroid = codec.centroids[code >> 4].astype(np.float64) * codec.centroid_scale
    return centroid + float(codec.gains[code & 15]) * np.concatenate(words)


@given(SEEDS)
def test_decode_equals_the_naive_sum(seed: int) -> None:
    rng = np.random.default_rng(seed)
    codec = random_codec(rng)
    codes, residuals = encode_vectors(codec, unit_vectors(rng, 6, 8))
    expected = [
        naive_decode(codec, int(code), residual) for code, residual in zip(codes, residuals, strict=True)
    ]
    np.testing.assert_allclose(decode_vectors(codec, codes, residuals), expected, atol=1e-5)


@given(SEEDS)
def test_encode_takes_the_nearest_centroid_and_codewords(seed: int) -> None:
    rng = np.random.default_rng(seed)
    codec = random_codec(rng)
    vectors = unit_vectors(rng, 5, 8)
    codes, residuals = encode_vectors(codec, vectors)
    centroids = codec.centroid_vectors()
    for vector, code, residual in zip(vectors, codes.tolist(), residuals, strict=True):
        distances = np.linalg.norm(centroids - vector, axis=1)
        assert distances[code >> 4] <= distances.min() + 1e-5
        rest = vector - centroids[code >> 4]
        for m in range(2):
            part = rest[m * 4 : m * 4 + 4]
            words = np.linalg.norm(codec.codewords()[m] - part, axis=1)
            assert words[residual[m]] <= words.min() + 1e-5


def test_encode_chooses_the_gain_that_keeps_a_vectors_own_length() -> None:
    """x · x̂ = x · x up to the step between two gains: what makes the scores unbiased."""
    rng = np.random.default_rng(5)
    codec = random_codec(rng, centroids=64, dimensions=32, subspaces=8)
    vectors = unit_vectors(rng, 400, 32)
    codes, residuals = encode_vectors(codec, vectors)
    along = (vectors * decode_vectors(codec, codes, residuals)).sum(axis=1)
    levels = split_codes(codes)[1]
    inside = (levels > 0) & (levels < GAINS - 1)
    assert inside.sum() > 300
    assert np.abs(along[inside] - 1).mean() < 0.03


@settings(deadline=None)
@given(
    lengths=st.lists(st.integers(0, 7), max_size=12),
    tokens=st.integers(1, 5),
    block=st.integers(1, 9),
    seed=SEEDS,
)
def test_score_equals_maxsim_of_the_decoded_vectors(
    lengths: list[int], tokens: int, block: int, seed: int
) -> None:
    rng = np.random.default_rng(seed)
    codec = random_codec(rng)
    query = unit_vectors(rng, tokens, 8)
    codes, residuals = encode_vectors(codec, unit_vectors(rng, sum(lengths), 8))
    counts = np.array(lengths, np.uint32)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(kernels, "SCORE_BLOCK", block)
        scores = score_passages(prepare_query(query, codec), codes, residuals, counts)
        exact = maxsim(query, decode_vectors(codec, codes, residuals), counts)
    expected = naive_maxsim(query, decode_vectors(codec, codes, residuals), lengths)
    np.testing.assert_allclose(scores, expected, atol=1e-4)
    np.testing.assert_allclose(exact, expected, atol=1e-4)


@settings(deadline=None)
@given(
    lengths=st.lists(st.integers(0, 7), max_size=12),
    tokens=st.integers(1, 5),
    block=st.integers(1, 9),
    seed=SEEDS,
)
def test_scan_equals_the_naive_integer_sum(lengths: list[int], tokens: int, block: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    table = rng.integers(-127, 128, (9, tokens)).astype(np.int8)
    centroids = rng.integers(0, 9, sum(lengths)).astype(np.intp)
    expected, at = [], 0
    for length in lengths:
        rows = table[centroids[at : at + length]].astype(int)
        at += length
        expected.append(int(rows.max(axis=0).sum()) if length else NEVER)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(kernels, "SCAN_BLOCK", block)
        assert scan_codes(table, centroids, np.array(lengths, np.uint32)).tolist() == expected


@given(SEEDS)
def test_quantized_scores_err_by_at_most_half_a_step(seed: int) -> None:
    scores = np.random.default_rng(seed).normal(size=(6, 4)).astype(np.float32)
    step = np.abs(scores).max() / 127
    assert np.abs(quantize_scores(scores) * step - scores).max() <= step / 2 + 1e-6


def test_quantized_scores_of_nothing_are_zero() -> None:
    assert quantize_scores(np.zeros((2, 3), np.float32)).tolist() == [[0, 0, 0], [0, 0, 0]]
    assert quantize_scores(np.zeros((2, 0), np.float32)).shape == (2, 0)


@pytest.mark.parametrize(("worst", "dtype"), [(-np.inf, np.float32), (NEVER, np.int32)])
def test_top_orders_ties_by_number_and_never_returns_the_worst(worst: float, dtype: type) -> None:
    scores = np.array([1, worst, 3, 2, 3, 3], dtype)
    assert top(scores, 2).tolist() == [2, 4]
    assert top(scores, 10).tolist() == [2, 4, 5, 3, 0]
    assert top(scores, 0).tolist() == []


@given(st.lists(st.sampled_from([-np.inf, -1.0, 0.0, 0.5, 2.0]), max_size=30), st.integers(0, 40))
def test_top_equals_a_stable_sort(scores: list[float], limit: int) -> None:
    order = sorted((i for i, s in enumerate(scores) if s > -np.inf), key=lambda i: -scores[i])
    assert top(np.array(scores, np.float32), limit).tolist() == order[:limit]


def test_passage_without_vectors_is_never_a_result() -> None:
    rng = np.random.default_rng(1)
    codec = random_codec(rng)
    codes, residuals = encode_vectors(codec, unit_vectors(rng, 2, 8))
    query = prepare_query(unit_vectors(rng, 3, 8), codec)
    scores = score_passages(query, codes, residuals, np.array([0, 2, 0], np.uint32))
    assert np.isneginf(scores).tolist() == [True, False, True]
    assert top(scores, 3).tolist() == [1]


@given(passages=st.integers(1, 20), slots=st.integers(1, 4), seed=SEEDS)
def test_summary_scan_equals_the_naive_sum(passages: int, slots: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    table = rng.integers(-127, 128, (9, 3)).astype(np.int8)
    codes = rng.integers(0, 9, (slots, passages)).astype(np.uint16)
    summary = Summary(codes, np.array([0, passages], np.uint32), np.array([0, 1], np.uint32))
    expected = [int(table[codes[:, p]].astype(int).max(axis=0).sum()) for p in range(passages)]
    assert scan_summary(summary, table).tolist() == expected


def test_shards_are_chosen_by_the_ranks_of_their_passages() -> None:
    """Passages 0 to 9 in shards of two; those of shards 3 and 1 hold the query's centroid."""
    rng = np.random.default_rng(2)
    codec = random_codec(rng, centroids=2)
    query = prepare_query(codec.centroid_vectors()[1:] * 2, codec)
    codes = np.zeros((1, 10), np.uint16)
    codes[0, [6, 7, 2]] = 1
    bounds = np.arange(0, 12, 2, dtype=np.uint32)
    assert choose_shards(Summary(codes, bounds, bounds), query)[:2] == [3, 1]
