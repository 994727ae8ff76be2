"""Token pooling: how many vectors stay, which tokens share one, and what that one is."""

import itertools

import numpy as np
import pytest

from latefind_build import pool
from latefind_build.pool import cluster_tokens, merge_clusters, pool_vectors


@pytest.fixture(autouse=True)
def pool_short_passages_too(monkeypatch: pytest.MonkeyPatch) -> None:
    """So that an example can be small enough to read."""
    monkeypatch.setattr(pool, "SHORTEST", 4)


def unit_vectors(count: int, dimensions: int = 8, seed: int = 0) -> np.ndarray:
    vectors = np.random.default_rng(seed).standard_normal((count, dimensions))
    return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)


def naive_ward(vectors: np.ndarray, clusters: int) -> set[frozenset[int]]:
    """Merge the nearest pair until few enough are left; distances by the Lance-Williams formula for Ward."""
    members = {number: frozenset([number]) for number in range(len(vectors))}
    distance = {
        frozenset(pair): 1 - float(vectors[pair[0]].astype(float) @ vectors[pair[1]])
        for pair in itertools.combinations(members, 2)
    }
    for new in itertools.count(len(vectors)):
        if len(members) <= clusters:
            return set(members.values())
        a, b = min(distance, key=lambda pair: distance[pair])
        between = distance.pop(frozenset((a, b)))
        joined_a, joined_b = members.pop(a), members.pop(b)
        for other, group in members.items():
            na, nb, n = len(joined_a), len(joined_b), len(group)
            to_a, to_b = distance.pop(frozenset((a, other))), distance.pop(frozenset((b, other)))
            squared = (na + n) * to_a**2 + (nb + n) * to_b**2 - n * between**2
            distance[frozenset((new, other))] = (squared / (na + nb + n)) ** 0.5
        members[new] = joined_a | joined_b
    raise AssertionError


@pytest.mark.parametrize("seed", range(20))
def test_cluster_tokens_is_wards_hierarchy(seed):
    vectors = unit_vectors(12, seed=seed)

    labels = cluster_tokens(vectors, 5)

    found = {frozenset(np.flatnonzero(labels == label).tolist()) for label in set(labels.tolist())}
    assert found == naive_ward(vectors, 5)


def test_cluster_tokens_counts_by_first_members():
    a, b = unit_vectors(2)

    assert cluster_tokens(np.array([b, a, b, a, b]), 2).tolist() == [0, 1, 0, 1, 0]


def test_merge_clusters_points_along_the_mean():
    vectors = unit_vectors(3)

    [first, second] = merge_clusters(vectors, np.array([0, 0, 1]))

    mean = vectors[:2].mean(axis=0)
    assert np.allclose(first / np.linalg.norm(first), mean / np.linalg.norm(mean), atol=1e-6)
    assert np.linalg.norm(first) >= 1
    assert np.allclose(second, vectors[2], atol=1e-6)


def test_merge_clusters_that_cancel_out_is_finite():
    assert np.isfinite(merge_clusters(np.array([[1, 0], [-1, 0]], np.float32), np.array([0, 0]))).all()


@pytest.mark.parametrize(("factor", "left"), [(1, 21), (2, 11), (3, 8), (4, 6)])
def test_pool_vectors_keeps_a_part_and_the_first_token(factor, left):
    vectors = unit_vectors(21)

    pooled = pool_vectors(vectors, factor)

    assert len(pooled) == left
    assert pooled.dtype == np.float32
    assert (pooled[0] == vectors[0]).all()


@pytest.mark.parametrize("count", [0, 1, 2, 3])
def test_pool_vectors_leaves_a_scrap_as_it_is(count):
    vectors = unit_vectors(count) if count else np.zeros((0, 8), np.float32)

    assert (pool_vectors(vectors, 4) == vectors).all()


def test_pool_vectors_joins_repeated_tokens():
    a, b, c = unit_vectors(3)

    pooled = pool_vectors(np.array([a, b, c, b, c]), 2)

    assert np.allclose(pooled, [a, b, c], atol=1e-5)


def test_pool_vectors_leaves_a_short_passage_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pool, "SHORTEST", 10)
    short, long = unit_vectors(9), unit_vectors(10)
    assert pool_vectors(short, 2) is short
    assert len(pool_vectors(long, 2)) == 6
