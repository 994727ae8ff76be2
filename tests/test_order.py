"""The order of sections in a large index: shards of bounded size, alike sections together."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from latefind_build.order import order_sections


def topics(groups: int, each: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Vectors around topics, shuffled; and the topic of each."""
    random = np.random.default_rng(seed)
    labels = random.permutation(np.repeat(np.arange(groups), each))
    vectors = random.standard_normal((groups, 16))[labels] * 3 + random.standard_normal((len(labels), 16))
    return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32), labels


@given(
    st.lists(st.integers(1, 50), min_size=1, max_size=60),
    st.integers(1, 120),
    st.integers(0, 5),
)
def test_order_sections_puts_every_section_into_one_shard_of_bounded_size(sizes, limit, seed):
    means = np.random.default_rng(seed).standard_normal((len(sizes), 4)).astype(np.float32)

    shards = order_sections(means, sizes, limit)

    assert sorted(np.concatenate(shards).tolist()) == list(range(len(sizes)))
    for shard in shards:
        assert sum(sizes[number] for number in shard) <= limit or len(shard) == 1


def test_order_sections_puts_alike_sections_together():
    means, labels = topics(groups=8, each=20)

    shards = order_sections(means, [10] * len(means), 200)

    purities = [np.bincount(labels[shard]).max() / len(shard) for shard in shards]
    assert len(shards) == 8
    # Shards of equal size cannot follow topics exactly; in the order given it is 0.23.
    assert np.mean(purities) > 0.6


def test_order_sections_fills_the_shards():
    means, _ = topics(groups=5, each=100)

    shards = order_sections(means, [10] * len(means), 300)

    assert len(shards) <= 20
    assert min(len(shard) for shard in shards) >= 15


def test_order_sections_gives_the_same_again():
    means, _ = topics(groups=5, each=30)

    first, second = (order_sections(means, [1] * len(means), 10) for _ in range(2))

    assert [shard.tolist() for shard in first] == [shard.tolist() for shard in second]


@pytest.mark.parametrize("rows", [1, 2, 50])
def test_order_sections_that_are_all_alike_keeps_the_order(rows):
    shards = order_sections(np.zeros((rows, 4), np.float32), [1] * rows, 7)

    assert np.concatenate(shards).tolist() == list(range(rows))
