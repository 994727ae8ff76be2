"""Searching a word index: order by BM25, titles, identifiers, prefixes, typing errors, filters."""

import math
import random
from collections import Counter
from collections.abc import Sequence

import pytest

from latefind.lexical import LexicalHits, LexicalIndex
from latefind.lexical_query import within_one_edit
from latefind.passages import Section
from latefind_build import lexical
from latefind_build.lexical import build_lexical
from latefind_build.stemmers import analyser_of

NAMES = (
    "os.path.join",
    "--no-cache",
    "HTTPError",
    "C++",
    ".gitignore",
    "std::vector",
    "snake_case",
    "@media",
    "x86_64",
    "HTTP/2",
)

PROSE = """The cache keeps an answer until it is older than a day. No cache is asked when a path has changed.
Join two paths with a slash between them. An error of the server is shown with its number. A vector grows when
it is full. In the worst case a snake sleeps for a week. Files that git should ignore are listed one a line.
The media of a page are loaded last. A version of two parts is older than one of three."""


def make(title: str, text: str, **fields: object) -> Section:
    return Section(id=title, url=f"/{title}", title=title, text=text, **{"lang": "en", **fields})  # type: ignore[arg-type]


def open_index(sections: Sequence[Section]) -> LexicalIndex:
    files = build_lexical(sections, ["en"])
    return LexicalIndex.open(files.root, files.others.__getitem__)


def search(index: LexicalIndex, text: str, **options: object) -> LexicalHits:
    return index.search(text, analyser_of(index.languages[0]), **options)  # type: ignore[arg-type]


def found(sections: Sequence[Section], text: str, **options: object) -> list[str]:
    hits = search(open_index(sections), text, **options)
    return [sections[number].title for number in hits.documents.tolist()]


def filler(count: int = 30) -> list[Section]:
    chance = random.Random(5)
    return [make(f"Filler {n}", " ".join(chance.choices(PROSE.split(), k=40))) for n in range(count)]


def naive_scores(sections: Sequence[Section], query: str) -> list[float]:
    """BM25 as Lucene has it, in floats, on the words of titles (thrice) and texts."""
    analyser = analyser_of("en")

    def count(text: str) -> Counter[str]:
        return Counter(term for terms in analyser.analyse(text) for term, _ in terms.words)

    lengths = [sum((count(s.title) + count(s.text)).values()) for s in sections]
    weights = [count(s.text) + count(s.title) + count(s.title) + count(s.title) for s in sections]
    average = sum(lengths) / len(lengths)
    scores = [0.0] * len(sections)
    for term, times in count(query).items():
        df = sum(term in weight for weight in weights)
        idf = math.log(1 + (len(sections) - df + 0.5) / (df + 0.5))
        for number, weight in enumerate(weights):
            norm = 1.2 * (0.25 + 0.75 * lengths[number] / average)
            scores[number] += times * idf * weight[term] / (weight[term] + norm)
    return scores


@pytest.mark.parametrize("query", ["older cache", "vector grows", "worst case snake", "git files line line"])
def test_scores_are_bm25s_but_for_their_steps(query: str) -> None:
    sections = filler()
    hits = search(open_index(sections), query)
    expected = naive_scores(sections, query)
    weight = sum(len(query.split()) * [math.log(1 + len(sections))])
    for number, score in zip(hits.documents.tolist(), hits.scores.tolist(), strict=True):
        assert score == pytest.approx(expected[number], abs=weight / lexical.LEVELS / 2)
    assert hits.total == sum(score > 0 for score in expected)


def test_subject_of_a_small_site_is_found_beside_unknown_words() -> None:
    sections = [make("A", "widgets turn"), make("B", "widgets"), make("C", "gears")]
    assert found(sections, "whatever about my widgets") == ["B", "A"]


def test_equal_scores_are_in_the_order_of_the_sections() -> None:
    sections = [make("", "same words here")] * 5
    assert search(open_index(sections), "same words").documents.tolist() == [0, 1, 2, 3, 4]


def test_words_are_alternatives_of_which_one_is_enough() -> None:
    sections = [make("A", "apples and pears"), make("B", "pears"), make("C", "plums")]
    assert found(sections, "apples or pears and grapes") == ["A", "B"]


def test_nothing_matches_no_words() -> None:
    hits = search(open_index(filler()), "?! …")
    assert (hits.total, hits.documents.tolist(), hits.corrected) == (0, [], {})


def test_limit_bounds_documents_and_not_the_total() -> None:
    hits = search(open_index(filler()), "cache", limit=3)
    assert len(hits.documents) == 3
    assert hits.total > 3


@pytest.mark.parametrize("name", NAMES)
def test_identifier_finds_its_entry_first(name: str) -> None:
    entries = [
        make(other, f"{other} is described here at some length, with a word or two.") for other in NAMES
    ]
    mentions = [make(f"Guide {n}", f"{name} {name} {name} and again {name}") for n in range(3)]
    sections = [*mentions, *filler(), *entries]
    assert found(sections, name)[0] == name


@pytest.mark.parametrize(
    ("query", "title"),
    [
        ("os.path.join", "os.path.join(path, *paths)"),
        ("path.join", "os.path.join(path, *paths)"),
        ("join", "os.path.join(path, *paths)"),
        ("HTTPError", "exception urllib.error.HTTPError(url, code)"),
        ("httperror", "exception urllib.error.HTTPError(url, code)"),
        ("no-cache", "--no-cache"),
        ("gitignore", ".gitignore"),
        ("how do I use --no-cache in a path", "--no-cache"),
    ],
)
def test_identifier_within_a_title_is_found_first(query: str, title: str) -> None:
    mentions = [make(f"Guide {n}", "--no-cache os.path.join HTTPError .gitignore " * 3) for n in range(3)]
    assert found([*mentions, *filler(), make(title, "It does something.")], query)[0] == title


def test_c_and_cpp_are_told_apart() -> None:
    sections = [make("C", "A language."), make("C++", "A language."), make("C#", "A language."), *filler()]
    assert [found(sections, name)[0] for name in ("C", "C++", "C#")] == ["C", "C++", "C#"]


def test_whole_title_is_first_whatever_the_texts_say() -> None:
    loud = make("Other", "installing widgets " * 20)
    assert found([loud, *filler(), make("Installing the widget", "Short.")], "installing the widgets")[0] == (
        "Installing the widget"
    )


@pytest.mark.parametrize("typed", ["config", "configura", "configurat", "configuration"])
def test_word_being_typed_finds_what_begins_with_it(typed: str) -> None:
    sections = [make("A", "The configuration of a server"), *filler()]
    assert found(sections, typed, typing=True)[:1] == ["A"]


def test_word_is_not_completed_once_it_is_typed() -> None:
    sections = [make("A", "The configuration of a server"), *filler()]
    assert found(sections, "confi ", typing=True) == []


def test_word_as_typed_is_better_than_one_that_goes_on() -> None:
    sections = [make("Long", "carpets carpets"), make("Short", "car here"), *filler()]
    assert found(sections, "car", typing=True)[:2] == ["Short", "Long"]


@pytest.mark.parametrize("typed", ["vctor", "vecttor", "vextor", "evctor", "vecotr", "ector", "vectorr"])
def test_one_edit_leads_to_the_word(typed: str) -> None:
    sections = [make("A", "The vector grows"), make("B", "Something else"), make("C", "Other things")]
    hits = search(open_index(sections), typed)
    assert hits.documents.tolist() == [0]
    assert hits.corrected == {typed: "vector"}


@pytest.mark.parametrize("typed", ["vctr", "xvectorx", "abc"])
def test_two_edits_and_short_words_lead_nowhere(typed: str) -> None:
    sections = [make("A", "The vector grows abd"), make("B", "Something else"), make("C", "Other things")]
    assert search(open_index(sections), typed).total == 0


def test_word_without_its_accents_is_found() -> None:
    sections = [make("A", "La configuración", lang="es"), make("B", "Nada más", lang="es")]
    hits = search(open_index(sections), "configuracion")
    assert hits.documents.tolist() == [0]


def test_known_word_is_not_corrected() -> None:
    sections = [make("A", "the form"), make("B", "the farm"), make("C", "firm")]
    assert found(sections, "form") == ["A"]


@pytest.mark.parametrize(
    ("a", "b", "expected"),
    [
        ("word", "word", True),
        ("word", "wrod", True),
        ("word", "wod", True),
        ("word", "woord", True),
        ("word", "ward", True),
        ("ab", "ba", True),
        ("word", "wrdo", False),
        ("word", "wo", False),
        ("abcd", "badc", False),
        ("", "a", True),
        ("", "ab", False),
    ],
)
def test_one_edit_is_told(a: str, b: str, expected: bool) -> None:
    assert within_one_edit(a, b) is expected
    assert within_one_edit(b, a) is expected


def test_frequent_words_do_not_outweigh_the_others(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lexical, "SINGLE_POSTINGS", 1)
    sections = [make("A", "the the the of of a"), make("B", "the slug"), *[make("", "the of a and")] * 300]
    index = open_index(sections)
    assert search(index, "what is the purpose of a slug").documents.tolist() == [1]
    assert not any("common" in name for name in index.fetched)


@pytest.mark.parametrize("typing", [False, True])
@pytest.mark.parametrize("text", ["th", "this", "the week th", "there", "slug the cache a day", "to be"])
def test_order_is_the_same_whether_common_words_have_a_file_of_their_own(
    text: str, typing: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    words = ["the", "this", "that", "then", "them", "theme", "a", "cache", "day", "week", "slug", "to", "be"]
    chance = random.Random(6)
    weights = range(len(words), 0, -1)
    sections = [make(f"A {n % 7}", " ".join(chance.choices(words, weights, k=12))) for n in range(300)]
    together = open_index(sections)
    monkeypatch.setattr(lexical, "SINGLE_POSTINGS", 1)
    apart = open_index(sections)
    assert (len(together.root.files["common"].hashes), len(apart.root.files["common"].hashes)) == (0, 1)
    one, other = (search(index, text, typing=typing) for index in (together, apart))
    assert one.documents.tolist() == other.documents.tolist()
    assert one.points.tolist() == other.points.tolist()


@pytest.mark.parametrize(
    ("query", "typing"), [("zebra yak widget", False), ("a zebra widgets", False), ("zebra yak widget", True)]
)
def test_frequent_word_is_found_where_nothing_else_is(query: str, typing: bool) -> None:
    sections = [*[make("A", "widget cases")] * 250, *[make("B", "something")] * 50]
    assert search(open_index(sections), query, typing=typing).total == 250


def test_frequent_word_is_dropped_where_only_the_filter_forbids_what_else_was_found() -> None:
    sections = [make("A", "slug and more"), *[make("B", "and more", filters={"kind": ["guide"]})] * 300]
    assert search(open_index(sections), "more and slug zebra", filters={"kind": ["guide"]}).total == 0


def test_frequent_words_alone_are_looked_up() -> None:
    sections = [make("A", "to be or not"), *[make("B", "to be")] * 300]
    assert search(open_index(sections), "to be").total == 301


FILTERED = [
    make("A", "apple", filters={"kind": ["guide"], "version": ["1", "2"]}),
    make("B", "apple", filters={"kind": ["reference"], "version": ["2"]}),
    make("C", "apple"),
]


@pytest.mark.parametrize(
    ("filters", "expected"),
    [
        ({}, ["A", "B", "C"]),
        ({"kind": ["guide"]}, ["A"]),
        ({"kind": ["guide", "reference"]}, ["A", "B"]),
        ({"kind": ["reference"], "version": ["1"]}, []),
        ({"version": ["2"]}, ["A", "B"]),
        ({"unknown": ["x"]}, []),
        ({"kind": []}, []),
    ],
)
def test_filters_restrict(filters: dict[str, list[str]], expected: list[str]) -> None:
    assert found(FILTERED, "apple", filters=filters) == expected


def test_query_is_analysed_in_the_pages_language_if_the_index_has_it() -> None:
    index = open_index(
        [make("A", "x", lang="de"), make("B", "x", lang="en-GB"), make("C", "x", lang="de-AT")]
    )
    assert [index.language_of(tag) for tag in ("de-CH", "en", "fr", "")] == ["de", "en", "de", "de"]
