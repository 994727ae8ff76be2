"""MaxSim against a naive oracle: one passage, one query token, one document token at a time."""

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from latefind import maxsim as kernels
from latefind.format import quantize
from latefind.maxsim import maxsim, top


def naive_maxsim(
    query: npt.NDArray[np.float32],
    codes: npt.NDArray[np.int8],
    scales: npt.NDArray[np.float32],
    lengths: npt.NDArray[np.uint32],
) -> list[float]:
    scores, at = [], 0
    for length in lengths.tolist():
        vectors = [codes[i].astype(np.float64) * float(scales[i]) for i in range(at, at + length)]
        at += length
        total = (
            sum(max(float(token @ vector) for vector in vectors) for token in query) if vectors else -np.inf
        )
        scores.append(total)
    return scores


def random_vectors(rng: np.random.Generator, count: int, dimensions: int) -> npt.NDArray[np.float32]:
    vectors = rng.normal(size=(count, dimensions)).astype(np.float32)
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


@given(
    lengths=st.lists(st.integers(0, 7), min_size=0, max_size=12),
    tokens=st.integers(1, 5),
    block=st.integers(1, 9),
    seed=st.integers(0, 2**32 - 1),
)
def test_maxsim_equals_the_naive_score_whatever_the_block(
    lengths: list[int], tokens: int, block: int, seed: int
) -> None:
    rng = np.random.default_rng(seed)
    codes, scales = quantize(random_vectors(rng, sum(lengths), 16))
    query = random_vectors(rng, tokens, 16)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(kernels, "BLOCK_VECTORS", block)
        scores = maxsim(query, codes, scales, np.array(lengths, np.uint32))
    expected = naive_maxsim(query, codes, scales, np.array(lengths, np.uint32))
    np.testing.assert_allclose(scores, expected, atol=1e-5)


def test_maxsim_of_a_passage_without_vectors_is_never_a_result() -> None:
    codes, scales = quantize(np.eye(2, 4, dtype=np.float32))
    scores = maxsim(np.eye(1, 4, dtype=np.float32), codes, scales, np.array([0, 2, 0], np.uint32))
    assert scores.tolist() == [-np.inf, 1.0, -np.inf]
    assert top(scores, 3).tolist() == [1]


def test_top_orders_ties_by_number() -> None:
    assert top(np.array([1, 3, 2, 3, 3], np.float32), 2).tolist() == [1, 3]


@given(st.lists(st.sampled_from([-np.inf, -1.0, 0.0, 0.5, 2.0]), max_size=30), st.integers(0, 40))
def test_top_equals_a_stable_sort(scores: list[float], limit: int) -> None:
    order = sorted((i for i, s in enumerate(scores) if s > -np.inf), key=lambda i: -scores[i])
    assert top(np.array(scores, np.float32), limit).tolist() == order[:limit]


@given(st.integers(0, 2**32 - 1))
def test_quantize_errs_by_at_most_half_a_scale(seed: int) -> None:
    vectors = random_vectors(np.random.default_rng(seed), 20, 8)
    codes, scales = quantize(vectors)
    assert np.all(np.abs(codes * scales[:, None] - vectors) <= scales[:, None] * 0.5 + 1e-7)


def test_quantize_keeps_a_zero_vector() -> None:
    codes, scales = quantize(np.zeros((1, 3), np.float32))
    assert codes.tolist() == [[0, 0, 0]]
    assert scales.tolist() == [0.0]
