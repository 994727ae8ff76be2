"""Measures of a ranking against judgements: nDCG@k, Recall@k, MRR@k.

Three formulas of a few lines each, rather than a dependency: the libraries that have them bring compilers
(pytrec_eval) or numba (ranx). The tests hold them against trec_eval.

A judgement is a whole number, and relevant from 1 on. Ids that are not judged are not relevant. Every
measure is from 0 to 1, and asks for at least one relevant id.
"""

from collections.abc import Mapping, Sequence
from itertools import islice
from math import log2

Judged = Mapping[str, int]
"""Of one query: id to grade."""


def ndcg(ranking: Sequence[str], judged: Judged, k: int) -> float:
    """Return the discounted cumulative gain of the first ``k``, divided by that of the best order.

    Gain ``2^grade − 1`` as in Burges et al., "Learning to rank using gradient descent" (2005), discount
    ``1 / log2(rank + 1)`` as in Järvelin and Kekäläinen (2002). trec_eval's own gain is the grade itself;
    with grades of 0 and 1 the two are equal.
    """
    best = sorted(judged.values(), reverse=True)[:k]
    return _dcg([judged.get(name, 0) for name in ranking[:k]]) / _dcg(best)


def _dcg(grades: Sequence[int]) -> float:
    return sum((2.0 ** max(0, grade) - 1) / log2(rank + 1) for rank, grade in enumerate(grades, 1))


def recall(ranking: Sequence[str], judged: Judged, k: int) -> float:
    """Return which part of the relevant ids is among the first ``k``: trec_eval's ``recall_k``."""
    relevant = {name for name, grade in judged.items() if grade > 0}
    return len(relevant.intersection(ranking[:k])) / len(relevant)


def reciprocal_rank(ranking: Sequence[str], judged: Judged, k: int) -> float:
    """Return 1 / rank of the first relevant id, 0 where none is among the first ``k`` (Voorhees, TREC-8)."""
    hits = (1 / rank for rank, name in enumerate(ranking[:k], 1) if judged.get(name, 0) > 0)
    return next(hits, 0.0)


def overlap(one: Sequence[str], other: Sequence[str], k: int) -> float:
    """Return which part of the first ``k`` of ``one`` is among the first ``k`` of ``other``, in any order.

    Where ``one`` has fewer than ``k``, of those; 1 where it has none.
    """
    expected = set(islice(one, k))
    return len(expected.intersection(islice(other, k))) / len(expected) if expected else 1.0
