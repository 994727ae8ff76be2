"""Which shards a query of a large index wants, once candidates of another ranking have had their say."""

from hypothesis import given
from hypothesis import strategies as st

from latefind.routing import MAX_SHARDS, NOMINATED, nominate_shards
from latefind.scoring import reachable

CHOSEN = [10, 11, 12, 13, 14, 15]
SHARDS = st.lists(st.integers(0, 20), max_size=40)


def test_without_candidates_the_choice_stands() -> None:
    assert nominate_shards(CHOSEN, []) == CHOSEN


def test_candidates_replace_the_weakest() -> None:
    assert nominate_shards(CHOSEN, [3, 4]) == [*CHOSEN[: MAX_SHARDS - 2], 3, 4]


def test_candidates_of_chosen_shards_change_nothing() -> None:
    assert sorted(nominate_shards(CHOSEN, [15, 14, 10])) == CHOSEN


def test_shard_of_most_of_the_best_candidates_comes_first() -> None:
    assert nominate_shards(CHOSEN, [7, 3, 5, 3, 5, 5, 5])[MAX_SHARDS - NOMINATED :] == [7, 5]


@given(st.lists(st.integers(0, 20), unique=True, max_size=MAX_SHARDS), SHARDS)
def test_shards_are_few_and_named_once(chosen: list[int], candidates: list[int]) -> None:
    found = nominate_shards(chosen, candidates)
    assert len(found) == len(set(found)) <= MAX_SHARDS
    assert set(found) <= {*chosen, *candidates}
    assert set(chosen[: MAX_SHARDS - NOMINATED]) <= set(found)
    assert len(found) >= len(chosen)


@given(st.lists(st.one_of(st.none(), st.integers(0, 9)), max_size=12), st.integers(1, 4))
def test_reachable_candidates_are_those_that_few_precede_in_both_orders(
    scores: list[float | None], limit: int
) -> None:
    naive = [
        place
        for place, score in enumerate(scores)
        if score is not None and sum(other is not None and other > score for other in scores[:place]) < limit
    ]
    assert reachable(scores, limit) == naive
