"""The order of sections in a large index: alike beside alike, so that candidates share shards.

Recursive balanced bisection: the sections are split in two halves along the direction that separates them
best, each half again, until one fits a shard. Unlike k-means it gives shards of even size, and unlike a tree
of clusters no shard is left nearly empty. The same input gives the same order; nothing is drawn at random.
"""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

POWER_ROUNDS = 8
"""Rounds of power iteration: enough for a direction that two-means then corrects."""

MEANS_ROUNDS = 4


def order_sections(
    means: npt.NDArray[np.float32], sizes: Sequence[int], limit: int
) -> list[npt.NDArray[np.intp]]:
    """Group sections into shards of at most ``limit`` bytes, alike ones together.

    Parameters
    ----------
    means : float32, shape (sections, D)
        Mean vector of each section; zeros where it has no vectors.
    sizes : sequence of int, (sections,)
        Bytes that each section takes in a shard.
    limit : int
        A section that alone is larger is a shard of its own.

    Returns
    -------
    list of intp arrays
        The section numbers of each shard, ascending; neighbouring shards are alike. Every section is in
        exactly one. Time O(sections · D · log shards).
    """
    weights = np.asarray(sizes, np.int64)
    centred = means - means.mean(axis=0, keepdims=True)
    lengths = np.linalg.norm(centred, axis=1, keepdims=True)
    directions = np.divide(centred, lengths, out=np.zeros_like(centred), where=lengths > 0)
    shards: list[npt.NDArray[np.intp]] = []
    # Depth first, left half on top: the shards come out in the order of the tree's leaves.
    pending = [np.arange(len(weights))]
    while pending:
        members = pending.pop()
        total = int(weights[members].sum())
        if total <= limit or len(members) == 1:
            shards.append(np.sort(members))
            continue
        ordered = members[np.argsort(-_separate(directions[members]), kind="stable")]
        # Whole shards go left, so that their leaves are full rather than between half full and full.
        leaves = -(-total // limit)
        cut = int(np.searchsorted(np.cumsum(weights[ordered]), total * (leaves // 2) / leaves, "right"))
        cut = min(max(cut, 1), len(ordered) - 1)
        pending += [ordered[cut:], ordered[:cut]]
    return shards


def _separate(rows: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """Return each row's place along the direction between two means of the rows, float32 (n,)."""
    centred = rows - rows.mean(axis=0)
    # Starting at the row farthest from the mean, the iteration meets the principal direction at once.
    direction = centred[int(np.argmax((centred * centred).sum(axis=1)))]
    for _ in range(POWER_ROUNDS):
        direction = (centred @ direction) @ centred
        direction = direction / max(float(np.linalg.norm(direction)), 1e-12)
    places = centred @ direction
    for _ in range(MEANS_ROUNDS):
        right = places > 0
        if right.all() or not right.any():
            break
        upper, lower = centred[right].mean(axis=0), centred[~right].mean(axis=0)
        places = (centred - (upper + lower) / 2) @ (upper - lower)
    return np.asarray(places, np.float32)
