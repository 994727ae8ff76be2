"""Which shards may answer a query: the large tier's first stage, on the summary that is always in memory.

Every passage has a few centroids there, those of its vectors pooled down to as many. A scan like that of
the candidate stage ranks the passages by them, and each of the best gives its shard a share that falls with
its rank. Shards hold passages that resemble each other, so few of them hold most of what a query wants.

Lists by centroid fetched on demand, as PLAID and WARP have them on disk, were measured against this: a
query's tokens spread over 17 to 50 files, and the best eight of them kept 61 % of the nDCG@10 where the
summary and six shards of the same total size keep 90 % (100,000 passages, ``docs/design.md``).
"""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from latefind.codec import Codec
from latefind.format_tables import Summary
from latefind.kernels import Query, top
from latefind.weights import Background, sample

MAX_SHARDS = 6
"""Shards of one query. With manifest, and codec and summary, that is eight requests after the runtime."""

RANKED = 400
"""Passages that vote."""

RANK_OFFSET = 10
"""A passage of rank r (from 0) votes 1 / (r + RANK_OFFSET); 10 was measured best among 10, 40 and 150."""


NOMINATED = 2
"""How many of the shards another ranking may choose. Measured with BM25 on 181 shards of 14,500 sections: six
by the summary keep 78 % of the combined nDCG@10 that all in memory give, four and two 97 %, two and four
98 %. Four are left to the summary for questions in other words than their answer's."""

NOMINATING = 10
"""Candidates that vote; of 20, 50 and 100 the later ones outvote the first."""

NOMINATION_OFFSET = 0.5
"""A candidate of rank r (from 0) votes 1 / (r + NOMINATION_OFFSET): the first count by far the most."""


def choose_shards(summary: Summary, query: Query) -> list[int]:
    """Return the numbers of at most ``MAX_SHARDS`` shards, best first; ties in the order of the index.

    Time O(slots · P · Q); memory O(P · Q) bytes.
    """
    passages = summary.codes.shape[1]
    if not passages or not query.table.shape[1]:
        return []
    ranked = top(scan_summary(summary, query.table), RANKED)
    shards = np.searchsorted(summary.passages, ranked, side="right") - 1
    votes = np.bincount(shards, 1 / (np.arange(len(ranked)) + RANK_OFFSET), len(summary.passages) - 1)
    order = np.argsort(-votes, kind="stable")
    return [int(shard) for shard in order[:MAX_SHARDS] if votes[shard] > 0]


def summary_background(summary: Summary, codec: Codec) -> Background:
    """Return a sample of all passages that queries are weighed by, as the summary has them."""
    slots, passages = summary.codes.shape
    chosen = sample(passages)
    centroids = summary.codes[:, chosen].T.reshape(-1).astype(np.intp)
    return Background(codec.centroid_vectors(), centroids, np.full(len(chosen), slots, np.intp))


def scan_summary(summary: Summary, table: npt.NDArray[np.int8]) -> npt.NDArray[np.int32]:
    """Return the score of every passage by its summary codes, int32 (P,).

    ``table`` is int8 (K, Q), :func:`latefind.kernels.quantize_scores`: the sum over query tokens of the
    largest entry among the passage's codes.
    """
    best = table.take(summary.codes[0].astype(np.intp), axis=0)  # (P, Q)
    for slot in summary.codes[1:]:
        np.maximum(best, table.take(slot.astype(np.intp), axis=0), out=best)
    total: npt.NDArray[np.int32] = best.sum(axis=1, dtype=np.int32)
    return total


def nominate_shards(chosen: Sequence[int], candidates: Sequence[int]) -> list[int]:
    """Return the shards that a query wants, once another ranking has had its say.

    Parameters
    ----------
    chosen : sequence of int
        :func:`choose_shards`.
    candidates : sequence of int
        The shard of each section that the other ranking found, best first.
    """
    votes: dict[int, float] = {}
    for rank, shard in enumerate(candidates[:NOMINATING]):
        votes[shard] = votes.get(shard, 0) + 1 / (rank + NOMINATION_OFFSET)
    kept = list(chosen[: MAX_SHARDS - NOMINATED])
    ordered = sorted(votes, key=lambda shard: (-votes[shard], shard))
    kept += [shard for shard in ordered if shard not in kept][:NOMINATED]
    return [*kept, *(shard for shard in chosen if shard not in kept)][:MAX_SHARDS]
