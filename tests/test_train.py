"""Training of the codec: the rule for K, determinism, sites of any size, and how well vectors come back."""

import faiss
import numpy as np
import pytest

from latefind.codec import Codec, decode_vectors, encode_vectors
from latefind.format_tables import write_codec
from latefind_build.train import count_centroids, sample_size, train_codec

D = 32


def unit_vectors(count: int, seed: int = 0, topics: int = 20) -> np.ndarray:
    """Vectors around a few topics, as token embeddings are."""
    random = np.random.default_rng(seed)
    around = random.standard_normal((topics, D))[random.integers(0, topics, count)]
    vectors = around + 0.5 * random.standard_normal((count, D))
    return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)


def coded(codec: Codec, vectors: np.ndarray) -> np.ndarray:
    return decode_vectors(codec, *encode_vectors(codec, vectors))


@pytest.mark.parametrize(
    ("vectors", "centroids"),
    [(0, 16), (1, 16), (300, 64), (1_023, 64), (1_024, 128), (300_000, 2_048), (10**9, 4_096)],
)
def test_count_centroids_is_a_power_of_two_of_four_roots(vectors, centroids):
    assert count_centroids(vectors) == centroids


def test_sample_size_is_at_most_the_index():
    assert sample_size(1_000) == 1_000
    assert sample_size(10**7) == 32 * 4_096


@pytest.mark.parametrize("count", [1, 2, 3, 10, 255, 300])
def test_train_codec_of_a_tiny_site_gives_vectors_back(count):
    vectors = unit_vectors(count)

    codec = train_codec(vectors, count, 16, seed=1)

    assert len(codec.centroids) <= min(count, 64)
    assert (coded(codec, vectors) * vectors).sum(axis=1).min() > 0.95


def test_train_codec_of_equal_vectors_gives_them_back():
    vectors = np.repeat(unit_vectors(1), 40, axis=0)

    assert np.allclose(coded(train_codec(vectors, 40, 8, seed=1), vectors), vectors, atol=0.02)


def test_train_codec_shapes_are_those_of_the_format():
    codec = train_codec(unit_vectors(500), 100_000, 8, seed=1)

    assert codec.centroids.shape == (256, D)
    assert codec.codebooks.shape == (8, 256, D // 8)
    assert codec.centroids.dtype == codec.codebooks.dtype == np.int8
    assert (np.diff(codec.gains) >= 0).all()
    assert codec.gains.min() >= 0.5
    assert codec.gains.max() <= 4


def test_train_codec_is_the_same_again():
    vectors = unit_vectors(2_000)

    first, second = (write_codec(train_codec(vectors, 2_000, 8, seed=3)) for _ in range(2))

    assert first == second


def test_train_codec_leaves_the_threads_of_faiss_as_they_were():
    before = faiss.omp_get_max_threads()

    train_codec(unit_vectors(20), 20, 8, seed=3)

    assert faiss.omp_get_max_threads() == before


def test_train_codec_by_more_bytes_is_nearer():
    vectors = unit_vectors(1_500)

    errors = [
        np.square(coded(train_codec(vectors, 1_500, subspaces, seed=1), vectors) - vectors).sum()
        for subspaces in (4, 8, 16)
    ]

    assert errors[0] > errors[1] > errors[2]


def test_train_codec_is_unbiased_along_each_vector():
    vectors = unit_vectors(1_500)

    along = (coded(train_codec(vectors, 1_500, 8, seed=1), vectors) * vectors).sum(axis=1)

    assert abs(along.mean() - 1) < 0.005
