"""Fusion: both signals count, by what the query looks like; Python and JavaScript agree bit for bit."""

import json
import subprocess
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from latefind.fusion import IDENTIFIER_WEIGHT, TEXT_WEIGHT, WORD_WEIGHT, Fused, fuse, semantic_weight

RUNNER = Path(__file__).with_name("run_fusion.mjs")

IDENTIFIERS = [
    "os.path.join",
    "--no-cache",
    "HTTPError",
    "C++",
    "snake_case",
    "a[0]",
    "`utf8`",
    "C#",
    "x86",
    "-v",
]
WORDS = ["cheese", "Käse", "well-known", "  slugs? ", "“Autoren”", "", "?", "日本語"]
TEXTS = ["how do I read a csv file", "os.path.join of two", "two words", "wie　geht"]


def run(text: str, lexical: list[float], semantic: list[float | None]) -> Fused:
    values = [np.nan if value is None else value for value in semantic]
    return fuse(text, np.arange(len(lexical)), np.float32(lexical), np.float32(values))


@pytest.mark.parametrize("text", IDENTIFIERS)
def test_identifier_is_for_the_words(text: str) -> None:
    assert semantic_weight(text) == IDENTIFIER_WEIGHT


@pytest.mark.parametrize("text", WORDS)
def test_single_word_counts_halfway(text: str) -> None:
    assert semantic_weight(text) == WORD_WEIGHT


@pytest.mark.parametrize("text", TEXTS)
def test_several_words_are_for_the_meaning(text: str) -> None:
    assert semantic_weight(text) == TEXT_WEIGHT


def test_section_that_both_find_stands_before_the_best_of_either() -> None:
    assert run("two words", [9, 8, 0], [8, 9.5, 10]).numbers.tolist() == [1, 0, 2]


def test_best_of_both_scores_almost_one() -> None:
    assert run("two words", [300, 1], [7, 2]).scores[0] == pytest.approx(1, abs=0.01)


def test_words_that_hardly_match_do_not_outweigh_the_meaning() -> None:
    """A question of which a small site has one common word, in the wrong section."""
    assert run("how do plants survive when I am away", [0.9, 0], [7.5, 9]).numbers.tolist() == [1, 0]
    assert run("how do plants survive when I am away", [9, 0], [7.5, 9]).numbers.tolist() == [0, 1]


def test_unknown_score_counts_as_the_mean_of_those_with_words() -> None:
    found = run("two words", [4, 4, 4, 0], [10, 5, None, 1])
    between = run("two words", [4, 4, 4, 0], [10, 5, 7.5, 1])
    assert found.numbers.tolist() == [0, 2, 1, 3]
    assert found.scores.tolist() == between.scores.tolist()


def test_unknown_score_counts_as_the_worst_where_no_known_one_has_words() -> None:
    found = run("two words", [0, 0, 0], [10, 5, None])
    assert found.scores[1] == found.scores[2]


def test_without_words_the_meaning_decides_and_the_reverse() -> None:
    assert run("two words", [0, 0], [1, 2]).numbers.tolist() == [1, 0]
    assert run("two words", [1, 2], [None, None]).numbers.tolist() == [1, 0]


def test_equal_scores_are_in_the_order_of_the_index() -> None:
    numbers = np.array([7, 3, 5])
    ones = np.ones(3, np.float32)
    assert fuse("two words", numbers, ones, ones).numbers.tolist() == [3, 5, 7]


def test_no_candidates_are_no_results() -> None:
    assert run("two words", [], []).numbers.tolist() == []


def test_javascript_gives_the_same_bits() -> None:
    rng = np.random.default_rng(5)
    cases: list[tuple[str, list[int], npt.NDArray[np.float32], npt.NDArray[np.float32]]] = []
    for text in [*IDENTIFIERS, *WORDS, *TEXTS] * 4:
        size = int(rng.integers(0, 200))
        lexical = rng.choice([0, *rng.gamma(3, 4, 20)], size).astype(np.float32)
        semantic = rng.normal(8, 4, size).astype(np.float32)
        semantic[rng.random(size) < 0.1] = np.nan
        cases.append((text, rng.permutation(1000)[:size].tolist(), lexical, semantic))
    lines = [
        json.dumps([text, numbers, lex.tolist(), [None if np.isnan(s) else s for s in sem.tolist()]])
        for text, numbers, lex, sem in cases
    ]
    done = subprocess.run(
        ["node", RUNNER], input="\n".join(lines), capture_output=True, text=True, check=True
    )
    found = [json.loads(line) for line in done.stdout.splitlines()]
    for (text, numbers, lex, sem), (weight, order, scores) in zip(cases, found, strict=True):
        expected = fuse(text, np.array(numbers, np.int64), lex, sem)
        assert (weight, order, scores) == (
            semantic_weight(text),
            expected.numbers.tolist(),
            expected.scores.tolist(),
        )
