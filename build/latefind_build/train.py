"""The codec's tables, learnt from a sample of an index's own vectors by faiss.

Plain k-means (not spherical: measured, 0.3 points of nDCG@10 better), then a product quantiser of what the
centroids leave. Centroids are quantised before the residuals are taken, so that their rounding is corrected
by the residuals rather than added to them. Tables trained on each site are better by up to 0.3 points than
tables shipped with the model, and cost a site's visitor some hundred kilobytes at most.

The same sample gives the same tables: every random choice is seeded, and faiss runs on one thread. On more,
its thousands of tiny parallel loops wait for each other where others use the machine: 4.5 s instead of 0.3 s
for a small site, on two busy cores; on idle ones, 2.5 s instead of 3.4 s for 300,000 vectors.
"""

import math
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import faiss
import numpy as np
import numpy.typing as npt

from latefind.codec import CODEWORDS, GAINS, MAX_CENTROIDS, Codec, unbiased_gains

Vectors = npt.NDArray[np.float32]

MIN_CENTROIDS = 16
CENTROID_FACTOR = 4
"""PLAID (arXiv 2205.09707, section 4.1) takes 16·√T centroids. A quarter of them costs nothing in nDCG@10
(99.8 % at 16, 100.0 % at 4) and is a quarter of the resident table."""

SAMPLES_PER_CENTROID = 32
CENTROID_ROUNDS = 6
"""More samples or rounds gain nothing that is larger than the noise between seeds (0.15 points)."""

RESIDUAL_SAMPLES = 65_536
RESIDUAL_ROUNDS = 12
GAIN_RANGE = (0.5, 4.0)
"""A gain outside comes from a vector that its residual hardly describes."""

SMALLEST_SCALE = 1e-6
"""Scale of a table that is all zero (a site of equal vectors): zero would not be a scale."""


def count_centroids(vectors: int) -> int:
    """Return K for an index of that many vectors: 2^⌊log2(4·√T)⌋, from 16 to 4,096."""
    wanted = 1 << int(math.log2(CENTROID_FACTOR * math.sqrt(max(vectors, 1))))
    return min(max(wanted, MIN_CENTROIDS), MAX_CENTROIDS)


def sample_size(vectors: int) -> int:
    """Return how many vectors of an index :func:`train_codec` can use."""
    return min(vectors, max(SAMPLES_PER_CENTROID * count_centroids(vectors), RESIDUAL_SAMPLES))


def train_codec(vectors: Vectors, total: int, subspaces: int, seed: int) -> Codec:
    """Learn the tables of a codec.

    Parameters
    ----------
    vectors : float32, shape (n, D), n ≥ 1
        A sample of the index's vectors, of unit length.
    total : int
        Vectors of the whole index; sets the number of centroids, which is also at most n.
    subspaces : int
        M, bytes of a residual; divides D.
    """
    vectors = np.ascontiguousarray(vectors, np.float32)
    random = np.random.default_rng(seed)
    with _one_thread():
        centroids = _train_centroids(_choose(vectors, random, None), total, seed)
        codes, scale = _quantize(centroids, axis=None)
        table = codes.astype(np.float32) * scale
        chosen = _choose(vectors, random, RESIDUAL_SAMPLES)
        nearest = table[_nearest(chosen, table)]
        codebooks, codebook_scales, residuals = _train_codebooks(chosen - nearest, subspaces, seed)
    wanted = np.clip(unbiased_gains(chosen, nearest, residuals), *GAIN_RANGE)
    gains = np.quantile(wanted, (np.arange(GAINS) + 0.5) / GAINS)
    return Codec(codes, float(scale), codebooks, codebook_scales, gains.astype(np.float32))


@contextmanager
def _one_thread() -> Iterator[None]:
    threads = faiss.omp_get_max_threads()
    faiss.omp_set_num_threads(1)
    try:
        yield
    finally:
        faiss.omp_set_num_threads(threads)


def _choose(vectors: Vectors, random: np.random.Generator, most: int | None) -> Vectors:
    """Return at most ``most`` rows (all, where None), in random order."""
    return vectors[random.permutation(len(vectors))[:most]]


def _train_centroids(vectors: Vectors, total: int, seed: int) -> Vectors:
    """Return the k-means centroids, float32 (K, D), of rows in random order."""
    size = min(count_centroids(total), 1 << (len(vectors).bit_length() - 1))
    vectors = vectors[: SAMPLES_PER_CENTROID * size]
    means = faiss.Kmeans(
        vectors.shape[1],
        size,
        niter=CENTROID_ROUNDS,
        seed=seed,
        spherical=False,
        # The sample is chosen already, and faiss need not warn of a small one.
        min_points_per_centroid=1,
        max_points_per_centroid=SAMPLES_PER_CENTROID + 1,
    )
    means.train(vectors)
    return np.asarray(means.centroids, np.float32)


def _nearest(points: Vectors, table: Vectors) -> npt.NDArray[np.intp]:
    index = faiss.IndexFlatL2(table.shape[1])
    index.add(table)
    return np.asarray(index.search(points, 1)[1][:, 0], np.intp)


def _train_codebooks(
    residuals: Vectors, subspaces: int, seed: int
) -> tuple[npt.NDArray[np.int8], Vectors, Vectors]:
    """Return int8 codebooks (M, 256, D / M), their scales (M,), and ``residuals`` as coded by them."""
    count, dimensions = residuals.shape
    # Any: faiss's stub files describe its C++ signatures, which its Python wrappers replace.
    quantizer: Any = faiss.ProductQuantizer(dimensions, subspaces, 8)
    quantizer.cp.seed = seed
    quantizer.cp.niter = RESIDUAL_ROUNDS
    quantizer.cp.min_points_per_centroid = 1
    # Of a tiny site every residual is repeated until there is one a codeword: faiss asks for as many.
    repeated = np.resize(residuals, (max(count, CODEWORDS), dimensions))
    quantizer.train(np.ascontiguousarray(repeated))
    shape = (subspaces, CODEWORDS, dimensions // subspaces)
    books = faiss.vector_to_array(quantizer.centroids).reshape(shape)
    codes, scales = _quantize(books, axis=(1, 2))
    tables = codes.astype(np.float32) * scales[:, None, None]
    faiss.copy_array_to_vector(tables.ravel(), quantizer.centroids)
    return codes, scales, np.asarray(quantizer.decode(quantizer.compute_codes(residuals)), np.float32)


def _quantize(table: Vectors, axis: tuple[int, ...] | None) -> tuple[npt.NDArray[np.int8], Vectors]:
    """Quantise to int8 with one scale along ``axis`` (None: one for all)."""
    largest = np.abs(table).max(axis=axis, keepdims=True)
    scales = np.maximum(largest / 127, SMALLEST_SCALE).astype(np.float32)
    return np.rint(table / scales).astype(np.int8), scales.reshape(scales.size if axis else ())
