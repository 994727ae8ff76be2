"""MaxSim: the late-interaction score of a query against passages.

Khattab and Zaharia, "ColBERT" (arXiv 2004.12832), equation 3: the score of a passage is the sum, over the
query's token embeddings, of the largest dot product with any token embedding of the passage.
"""

import numpy as np
import numpy.typing as npt

BLOCK_VECTORS = 16_384
"""Vectors that are unpacked to float32 at a time: 8 MiB at 128 dimensions."""


def maxsim(
    query: npt.NDArray[np.float32],
    codes: npt.NDArray[np.int8],
    scales: npt.NDArray[np.float32],
    lengths: npt.NDArray[np.uint32],
) -> npt.NDArray[np.float32]:
    """Score every passage of a shard exactly.

    Parameters
    ----------
    query : float32, shape (query tokens, dimensions)
        L2-normalised token embeddings.
    codes, scales : int8, shape (vectors, dimensions) and float32, shape (vectors,)
        Quantised token embeddings, passage after passage: a vector is ``codes * scale``.
    lengths : uint32, shape (passages,)
        Vectors of each passage; they add up to ``vectors``.

    Returns
    -------
    float32, shape (passages,)
        From ``-query tokens`` to ``query tokens``; ``-inf`` for a passage without vectors, so that it is
        never a result, and 0 for every other passage where the query has no tokens.

    Notes
    -----
    Ties are left to the caller. Time O(query tokens · vectors · dimensions); beyond the result, memory for
    one block of vectors and its scores: passages are scored in blocks of at most ``BLOCK_VECTORS`` vectors
    (more only where one passage has more).
    """
    scores = np.full(len(lengths), -np.inf, np.float32)
    ends = np.cumsum(lengths, dtype=np.int64)
    first = 0
    while first < len(lengths):
        start = int(ends[first]) - int(lengths[first])
        last = max(first + 1, int(np.searchsorted(ends, start + BLOCK_VECTORS, side="right")))
        end = int(ends[last - 1])
        # (block vectors, dimensions) · (dimensions, query tokens) -> (block vectors, query tokens)
        similarities = codes[start:end].astype(np.float32) @ query.T
        similarities *= scales[start:end, None]
        filled = np.flatnonzero(lengths[first:last])
        if len(filled):
            starts = (ends[first:last][filled] - lengths[first:last][filled] - start).astype(np.intp)
            # (filled passages, query tokens) -> (filled passages,)
            best = np.maximum.reduceat(similarities, starts, axis=0)
            scores[first + filled] = best.sum(axis=1)
        first = last
    return scores


def top(scores: npt.NDArray[np.float32], limit: int) -> npt.NDArray[np.intp]:
    """Return the numbers of the ``limit`` best scores, best first; ties in ascending order of number.

    ``-inf`` is never returned. Time O(n + limit · log limit).
    """
    limit = min(limit, len(scores))
    if limit <= 0:
        return np.empty(0, np.intp)
    # The limit-th best score bounds the candidates; all that tie with it stay in until the stable sort.
    bound = np.partition(scores, len(scores) - limit)[len(scores) - limit]
    candidates = np.flatnonzero((scores >= bound) & (scores > -np.inf))
    return candidates[np.argsort(-scores[candidates], kind="stable")][:limit]
