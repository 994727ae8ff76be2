"""Scoring codes: the kernels of a search, in the order in which it runs them.

A search scores the query against the centroids once, scans every passage's centroid codes in int8, and
scores the residuals of the survivors from lookup tables, without decoding a vector. The stages are those of
PLAID (arXiv 2205.09707, section 4), the lookup tables those of product quantisation (EMVB, arXiv 2404.02805).
MaxSim is equation 3 of ColBERT (arXiv 2004.12832): the sum, over the query's token embeddings, of the
largest dot product with any vector of the passage.

Everywhere: Q query tokens, K centroids, M subspaces, V vectors of P passages, passage after passage, with
``lengths`` (P,) adding up to V. A passage without vectors scores ``-inf`` (``NEVER`` in integers), so that
it is never a result. Ties are left to :func:`top`.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from latefind.codec import Codec, split_codes

NEVER = np.iinfo(np.int32).min
"""Integer score of a passage without vectors."""

SCAN_BLOCK = 32_768
"""Vectors scanned at a time: their int8 scores for 32 query tokens are 1 MiB and stay in the cache."""

SCORE_BLOCK = 4_096
"""Vectors scored at a time: their float32 scores for 32 query tokens are 512 KiB."""


def score_centroids(
    query: npt.NDArray[np.float32], centroids: npt.NDArray[np.float32]
) -> npt.NDArray[np.float32]:
    """Return the dot products of (Q, D) query tokens with (K, D) centroids, float32 (K, Q)."""
    return np.ascontiguousarray(centroids @ query.T)


def quantize_scores(scores: npt.NDArray[np.float32]) -> npt.NDArray[np.int8]:
    """Quantise (K, Q) centroid scores to int8 with one scale, the largest magnitude becoming ±127.

    The scale is common to all tokens, so sums over tokens can be compared; an error is at most half a step,
    Q half steps in a sum.
    """
    largest = float(np.abs(scores).max(initial=0.0))
    steps: npt.NDArray[np.float32] = np.rint(scores * np.float32(127 / largest if largest > 0 else 0))
    return steps.astype(np.int8)


def scan_codes(
    table: npt.NDArray[np.int8], centroids: npt.NDArray[np.intp], lengths: npt.NDArray[np.uint32]
) -> npt.NDArray[np.int32]:
    """Score every passage by its centroid codes alone: the candidate stage.

    Parameters
    ----------
    table : int8, shape (K, Q)
        Quantised centroid scores.
    centroids : intp, shape (V,)
        Centroid of each vector; an index type, since NumPy gathers twice as fast by it.
    lengths : uint32, shape (P,)

    Returns
    -------
    int32, shape (P,)
        Sum over query tokens of the largest entry among the passage's centroids; ``NEVER`` without vectors.

    Notes
    -----
    Time O(V · Q); memory of one block's gathered rows beyond the result.
    """
    scores = np.full(len(lengths), NEVER, np.int32)
    for first, last, start, end in _blocks(lengths, SCAN_BLOCK):
        rows = table.take(centroids[start:end], axis=0)  # (block vectors, Q)
        filled, offsets = _segments(lengths[first:last])
        if len(filled):
            best = np.maximum.reduceat(rows, offsets, axis=0)  # (filled passages, Q)
            scores[first + filled] = best.sum(axis=1, dtype=np.int32)
    return scores


def residual_tables(
    query: npt.NDArray[np.float32], codewords: npt.NDArray[np.float32]
) -> npt.NDArray[np.float32]:
    """Return the dot products of query tokens with every codeword, float32 (M, 256, Q).

    ``query`` is (Q, D), ``codewords`` (M, 256, D / M): subspace m meets its slice of each token.
    """
    subspaces, _, width = codewords.shape
    sliced = query.reshape(len(query), subspaces, width).transpose(1, 2, 0)  # (M, D / M, Q)
    return np.ascontiguousarray(codewords @ sliced)  # (M, 256, D/M) · (M, D/M, Q) -> (M, 256, Q)


def score_passages(
    query: "Query",
    codes: npt.NDArray[np.uint16],
    residuals: npt.NDArray[np.uint8],
    lengths: npt.NDArray[np.uint32],
) -> npt.NDArray[np.float32]:
    """Return the MaxSim of every passage on its decoded vectors, which are never decoded.

    Parameters
    ----------
    query : Query
        :func:`prepare_query`.
    codes, residuals : uint16, shape (V,) and uint8, shape (V, M)
        Packed centroid and gain, and codewords, of each vector.
    lengths : uint32, shape (P,)

    Returns
    -------
    float32, shape (P,)
        Equal to the MaxSim with :func:`latefind.codec.decode_vectors` but for rounding; ``-inf`` without
        vectors.

    Notes
    -----
    Time O(V · M · Q), memory O(block · Q).
    """
    result = np.full(len(lengths), -np.inf, np.float32)
    for first, last, start, end in _blocks(lengths, SCORE_BLOCK):
        filled, offsets = _segments(lengths[first:last])
        if not len(filled):
            continue
        centroids, levels = split_codes(codes[start:end])
        chosen = residuals[start:end].astype(np.intp)
        total = query.codewords[0].take(chosen[:, 0], axis=0)  # (block vectors, Q)
        row = np.empty_like(total)
        for m in range(1, len(query.codewords)):
            query.codewords[m].take(chosen[:, m], axis=0, out=row, mode="clip")
            total += row
        total *= query.gains[levels][:, None]
        total += query.scores.take(centroids, axis=0, out=row, mode="clip")
        best = np.maximum.reduceat(total, offsets, axis=0)  # (filled passages, Q)
        result[first + filled] = best.sum(axis=1)
    return result


@dataclass(frozen=True, slots=True)
class Query:
    """What the kernels need of a query, computed once.

    Attributes
    ----------
    scores : float32, shape (K, Q)
        Centroid scores.
    table : int8, shape (K, Q)
        The same at unit length, quantised.
    codewords : float32, shape (M, 256, Q)
        Codeword scores.
    gains : float32, shape (16,)
        Of the codec.
    """

    scores: npt.NDArray[np.float32]
    table: npt.NDArray[np.int8]
    codewords: npt.NDArray[np.float32]
    gains: npt.NDArray[np.float32]


def prepare_query(query: npt.NDArray[np.float32], codec: Codec) -> Query:
    """Score a query (Q, D) against the codec's tables.

    The candidates' table takes centroids at unit length. A centroid is the mean of vectors that differ, so
    it is the shorter the more they do, and would lose to those of tight clusters: at unit length, 200
    survivors of 25,600 passages keep 99.6 % of the nDCG@10 of scoring all, 98.4 % otherwise.
    """
    centroids = codec.centroid_vectors()
    scores = score_centroids(query, centroids)
    norms = np.linalg.norm(centroids, axis=1, keepdims=True)
    table = quantize_scores(scores / np.maximum(norms, np.float32(1e-6)))
    return Query(scores, table, residual_tables(query, codec.codewords()), codec.gains)


def maxsim(
    query: npt.NDArray[np.float32], vectors: npt.NDArray[np.float32], lengths: npt.NDArray[np.uint32]
) -> npt.NDArray[np.float32]:
    """Return the exact MaxSim of float32 vectors (V, D), float32 (P,): what the codes approximate."""
    result = np.full(len(lengths), -np.inf, np.float32)
    for first, last, start, end in _blocks(lengths, SCORE_BLOCK):
        filled, offsets = _segments(lengths[first:last])
        if len(filled):
            similarities = vectors[start:end] @ query.T  # (block vectors, Q)
            best = np.maximum.reduceat(similarities, offsets, axis=0)
            result[first + filled] = best.sum(axis=1)
    return result


def _blocks(lengths: npt.NDArray[np.uint32], size: int) -> list[tuple[int, int, int, int]]:
    """Cut passages into blocks of at most ``size`` vectors, or one passage: (first, last, start, end)."""
    ends = np.cumsum(lengths, dtype=np.int64)
    blocks = []
    first = start = 0
    while first < len(lengths):
        last = max(first + 1, int(np.searchsorted(ends, start + size, side="right")))
        blocks.append((first, last, start, int(ends[last - 1])))
        first, start = last, int(ends[last - 1])
    return blocks


def _segments(lengths: npt.NDArray[np.uint32]) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.intp]]:
    """Return which passages have vectors, and where the vectors of each of those begin.

    ``reduceat`` takes an empty segment for one element, so empty passages must not reach it.
    """
    filled = np.flatnonzero(lengths)
    starts = np.cumsum(lengths, dtype=np.int64) - lengths
    return filled, starts[filled].astype(np.intp)


def top(scores: npt.NDArray[np.float32] | npt.NDArray[np.int32], limit: int) -> npt.NDArray[np.intp]:
    """Return the numbers of the ``limit`` best scores, best first; ties in ascending order of number.

    ``-inf`` and ``NEVER`` are never returned. Time O(n + limit · log limit).
    """
    limit = min(limit, len(scores))
    if limit <= 0:
        return np.empty(0, np.intp)
    # The limit-th best score bounds the candidates; all that tie with it stay in until the stable sort.
    bound = np.partition(scores, len(scores) - limit)[len(scores) - limit]
    worst = NEVER if scores.dtype == np.int32 else -np.inf
    candidates = np.flatnonzero((scores >= bound) & (scores > worst))
    return candidates[np.argsort(-scores[candidates].astype(np.float64), kind="stable")][:limit]
