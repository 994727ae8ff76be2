"""Measures against values worked out by hand, and against trec_eval."""

import random
from math import log2

import pytest

from latefind_build.metrics import ndcg, overlap, recall, reciprocal_rank

JUDGED = {"a": 3, "b": 1, "c": 0, "d": 2}


def test_ndcg_is_the_quotient_of_discounted_gains() -> None:
    # Gains 7, 3, 1 for grades 3, 2, 1; ranks 1 to 4 are divided by 1, log2(3), 2, log2(5).
    found = 1 / 1 + 0 / log2(3) + 7 / 2 + 3 / log2(5)
    best = 7 / 1 + 3 / log2(3) + 1 / 2
    assert ndcg(["b", "x", "a", "d"], JUDGED, 10) == pytest.approx(found / best)


def test_ndcg_of_the_best_order_is_one() -> None:
    assert ndcg(["a", "d", "b", "c"], JUDGED, 10) == pytest.approx(1.0)


def test_ndcg_looks_no_further_than_k() -> None:
    assert ndcg(["x", "y", "a"], JUDGED, 2) == 0.0


def test_ndcg_divides_by_what_k_results_can_gain() -> None:
    assert ndcg(["a"], JUDGED, 1) == pytest.approx(1.0)


def test_ndcg_gives_a_negative_grade_no_gain() -> None:
    assert ndcg(["x", "a"], {"a": 1, "x": -2}, 10) == pytest.approx(1 / log2(3))


def test_recall_is_the_part_of_relevant_ids_found() -> None:
    assert recall(["c", "x", "a", "b"], JUDGED, 3) == pytest.approx(1 / 3)


def test_reciprocal_rank_is_that_of_the_first_relevant_id() -> None:
    assert reciprocal_rank(["c", "x", "b", "a"], JUDGED, 10) == pytest.approx(1 / 3)


def test_reciprocal_rank_beyond_k_is_zero() -> None:
    assert reciprocal_rank(["c", "x", "b"], JUDGED, 2) == 0.0


def test_overlap_ignores_order_and_what_is_beyond_k() -> None:
    assert overlap(["a", "b", "c"], ["b", "a", "x"], 2) == 1.0
    assert overlap(["a", "b", "c"], ["c", "x", "y"], 3) == pytest.approx(1 / 3)


def test_overlap_with_an_empty_ranking_is_complete() -> None:
    assert overlap([], ["a"], 10) == 1.0


@pytest.mark.parametrize("seed", range(20))
def test_measures_equal_those_of_trec_eval(seed: int) -> None:
    pytrec_eval = pytest.importorskip("pytrec_eval")
    rng = random.Random(seed)
    names = [f"d{number}" for number in range(150)]
    grades = {name: rng.choice([0, 0, 1, 2, 3]) for name in rng.sample(names, 40)} | {"d0": 1}
    ranking = rng.sample(names, 120)
    run = {"q": {name: float(-rank) for rank, name in enumerate(ranking)}}
    # trec_eval's gain is the grade itself: give it the gain that ours makes of the grade.
    gains = {"q": {name: 2**grade - 1 for name, grade in grades.items()}}
    names_of_measures = {"ndcg_cut.10", "recall.100", "recip_rank"}
    expected = pytrec_eval.RelevanceEvaluator(gains, names_of_measures).evaluate(run)["q"]
    assert ndcg(ranking, grades, 10) == pytest.approx(expected["ndcg_cut_10"])
    assert recall(ranking, grades, 100) == pytest.approx(expected["recall_100"])
    assert reciprocal_rank(ranking, grades, 120) == pytest.approx(expected["recip_rank"])
