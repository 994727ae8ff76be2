"""Words of a passage that a query matched: against naive computations, and on the shipped model."""

import itertools

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from latefind.highlight import (
    FAINTEST,
    NEARLY_BEST,
    WEAKEST,
    Passage,
    Words,
    compare_words,
    find_words,
    highlight_passage,
    mark_words,
    weigh_matches,
)
from latefind.model import Model
from latefind_build.bundle import open_bundle
from latefind_build.encode import Encoder

Vectors = npt.NDArray[np.float32]

TEXT = (
    "Garden. Slugs and snails. Copper tape around a raised bed keeps molluscs away; 𝒳 beer traps catch them."
)
OWN = TEXT.index("Copper")
QUERY = "How do I stop the snails eating my lettuce?"
COMMON = {"how", "do", "i", "the", "my", "and", "a", "them", "around", "away"}


def unit(random: np.random.Generator, count: int) -> Vectors:
    vectors = random.normal(size=(count, 8)).astype(np.float32)
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def rows(lengths: list[int]) -> Words:
    """Return words of one, two … tokens, with a special token before each."""
    bounds = itertools.pairwise(np.cumsum([0, *lengths]).tolist())
    owned = [list(range(start + at + 1, end + at + 1)) for at, (start, end) in enumerate(bounds)]
    return Words(["word"] * len(lengths), [(0, 1)] * len(lengths), owned)


LENGTHS = st.lists(st.integers(1, 4), max_size=6)


@given(LENGTHS, LENGTHS, st.integers(0, 99))
def test_similarity_of_words_is_the_mean_of_their_tokens_best(
    asked_lengths: list[int], found_lengths: list[int], seed: int
) -> None:
    random = np.random.default_rng(seed)
    asked, found = rows(asked_lengths), rows(found_lengths)
    query, passage = unit(random, 40), unit(random, 40)
    naive = [
        [np.mean([max(float(query[q] @ passage[p]) for p in word) for q in mine]) for word in found.rows]
        for mine in asked.rows
    ]
    expected = np.array(naive, np.float32).reshape(len(asked.rows), len(found.rows))
    np.testing.assert_allclose(compare_words(query, passage, asked, found), expected, atol=1e-5)


@given(st.integers(0, 5), st.integers(0, 7), st.integers(0, 99))
def test_marks_are_those_of_a_naive_computation(asked: int, found: int, seed: int) -> None:
    random = np.random.default_rng(seed)
    similarities = random.uniform(-1, 1, (asked, found)).astype(np.float32)
    counts, worth = random.uniform(0, 1, asked), random.uniform(0, 1, found)
    strengths = [
        [max(0.0, value - float(np.mean(row))) * counts[u] * worth[w] for w, value in enumerate(row)]
        for u, row in enumerate(similarities)
    ]
    best = [
        max((row[w] for row in strengths if row[w] >= NEARLY_BEST * max(row)), default=0.0)
        for w in range(found)
    ]
    strongest = max(best, default=0.0)
    expected = [
        value / strongest if value >= FAINTEST and value >= WEAKEST * strongest else 0.0 for value in best
    ]
    weighed = weigh_matches(similarities, counts.astype(np.float32), worth.astype(np.float32))
    np.testing.assert_allclose(mark_words(weighed), expected, atol=1e-4)


def test_words_own_the_tokens_that_overlap_them() -> None:
    words = find_words("un-do it!", [(0, 0), (0, 2), (2, 3), (3, 5), (5, 8), (8, 9), (0, 0)])
    assert words.texts == ["un-do", "it"]
    assert words.rows == [[1, 2, 3], [4]]


def test_word_whose_tokens_were_cut_off_is_none() -> None:
    assert find_words("one two three", [(0, 3), (4, 7)]).texts == ["one", "two"]


def test_tokens_are_the_words_of_scripts_without_spaces() -> None:
    words = find_words("天地 玄黄x", [(0, 1), (1, 2), (3, 4), (4, 5), (5, 6)])
    assert words.texts == ["天", "地", "玄", "黄", "x"]


@pytest.fixture(scope="module")
def model() -> Model:
    bundle = open_bundle()
    return Model.from_bytes(bundle.settings, bundle.tokenizer.read_bytes())


@pytest.fixture(scope="module")
def encoder() -> Encoder:
    return Encoder(open_bundle().onnx)


@pytest.fixture(scope="module")
def passage(model: Model, encoder: Encoder) -> Passage:
    plan, tokens = model.locate_document(TEXT)
    return Passage(7, TEXT, OWN, tokens, encoder.encode(plan))


@pytest.fixture(scope="module")
def query(model: Model, encoder: Encoder) -> Vectors:
    return encoder.encode(model.plan_query(QUERY))


def commonness(word: str) -> float:
    return 0.0 if word.casefold() in COMMON else 1.0


def test_every_vector_knows_its_token(model: Model, passage: Passage) -> None:
    assert len(passage.tokens) == len(passage.vectors)
    assert [TEXT[start:end] for start, end in passage.tokens[:6]] == ["", "", "Garden", "Slug", "s", "and"]


def test_spans_of_a_stripped_text_are_those_of_the_text(model: Model) -> None:
    _, tokens = model.locate_document("  Copper tape ")
    assert tokens == [(0, 0), (0, 0), (2, 8), (9, 13), (0, 0)]  # [CLS] and the prefix first
    assert len(model.query_spans(" bread")) == len(model.plan_query(" bread").ids)


def test_highlights_mark_what_was_asked_and_no_common_word(
    model: Model, passage: Passage, query: Vectors
) -> None:
    asked = find_words(QUERY, model.query_spans(QUERY))
    found = highlight_passage(query, asked, passage, commonness)
    marked = {found.snippet[mark.start : mark.end] for mark in found.highlights}
    assert "keeps" in marked
    assert not marked & COMMON
    assert max(mark.weight for mark in found.highlights) == 1.0
    assert found.number == 7
    assert found.snippet == TEXT[OWN:]


def test_highlights_count_code_units(model: Model, passage: Passage, query: Vectors) -> None:
    """The letter before "beer" takes two in UTF-16."""
    asked = find_words(QUERY, model.query_spans(QUERY))
    found = highlight_passage(query, asked, passage, lambda word: float(word == "catch" or word == "eating"))
    [mark] = found.highlights
    encoded = found.snippet.encode("utf-16-le")
    assert encoded[2 * mark.start : 2 * mark.end].decode("utf-16-le") == "catch"


def test_explanation_has_every_word_of_the_query_in_order(
    model: Model, passage: Passage, query: Vectors
) -> None:
    asked = find_words(QUERY, model.query_spans(QUERY))
    matches = highlight_passage(query, asked, passage, commonness).explanation
    assert [match.word for match in matches] == QUERY.rstrip("?").split()
    snails = next(match for match in matches if match.word == "snails")
    assert (snails.match, snails.weight) == ("snails", 1.0)
    assert snails.similarity > 0.7


def test_nothing_asked_marks_nothing(passage: Passage) -> None:
    found = highlight_passage(np.zeros((2, 128), np.float32), Words([], [], []), passage, commonness)
    assert (found.highlights, found.explanation) == ([], [])
    assert found.snippet == TEXT[OWN:]


@settings(deadline=None)
@given(st.text(st.sampled_from("ab é.!-\n。天𝒳"), max_size=80))
def test_any_text_is_highlighted_in_bounds(model: Model, query: Vectors, text: str) -> None:
    plan, tokens = model.locate_document(text)
    random = np.random.default_rng(0)
    vectors = random.normal(size=(len(tokens), query.shape[1])).astype(np.float32)
    asked = find_words(QUERY, model.query_spans(QUERY))
    found = highlight_passage(query, asked, Passage(0, text, 0, tokens, vectors), lambda _: 1.0)
    units = len(found.snippet.encode("utf-16-le")) // 2
    ends = [0, *(mark.end for mark in found.highlights)]
    for before, mark in zip(ends, found.highlights, strict=False):
        assert before <= mark.start < mark.end <= units
        assert 0 < mark.weight <= 1
    assert len(plan.ids) >= len(tokens)


HOSTILE = [
    "Press <script>alert(1)</script> to keep molluscs away",
    '<img src=x onerror="alert(1)"> molluscs </mark>',
    "\u202emolluscs\u202c javascript:alert(1) &lt;b&gt;",
    f"molluscs{'-a' * 3000} {'x' * 5000}",
    "mol\u0301luscs \x00\x1b[31m molluscs \u200b\ufeff",
    "[MASK] [CLS] molluscs [SEP] <!-- ]]> molluscs",
]


@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
def test_hostile_text_comes_as_it_is(model: Model, encoder: Encoder, query: Vectors, text: str) -> None:
    plan, tokens = model.locate_document(text)
    asked = find_words(QUERY, model.query_spans(QUERY))
    found = highlight_passage(query, asked, Passage(0, text, 0, tokens, encoder.encode(plan)), commonness)
    assert found.snippet.removesuffix(" …") == " ".join(text.split())[: len(found.snippet.removesuffix(" …"))]
    for mark in found.highlights:
        assert found.snippet[mark.start : mark.end] in text
