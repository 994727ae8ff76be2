"""Building a word index: equal bytes, bounded files, what a query costs, what comes back out."""

import random
import subprocess
import sys
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from latefind.lexical import LexicalIndex
from latefind.lexical_format import KIND_TEXTS, read_json, read_root
from latefind.passages import Section
from latefind_build.lexical import build_lexical
from latefind_build.lexical_files import LexicalFiles, cut_evenly
from latefind_build.stemmers import analyser_of

VOCABULARY = 12_000
"""Words of the synthetic site, used as often as Zipf says."""


def open_files(files: LexicalFiles) -> LexicalIndex:
    return LexicalIndex.open(files.root, files.others.__getitem__)


def make_site(count: int, words_each: int = 110) -> list[Section]:
    """Make sections of about a screen each, on pages of ten, of words as frequent as words are."""
    draw = random.Random(1)
    letters = "etaoinshrdlucmfwypvbgk"
    words = ["".join(draw.choices(letters, k=draw.randint(3, 11))) for _ in range(VOCABULARY)]
    weights = [1 / (rank + 2) for rank in range(VOCABULARY)]
    sections = []
    for number in range(count):
        drawn = draw.choices(words, weights, k=words_each)
        title = " ".join(draw.choices(words[100:], k=3)).capitalize()
        url = f"/guide/page-{number // 10}/#{title.lower().replace(' ', '-')}"
        text = " ".join(drawn)
        sections.append(Section(url, url, title, text, (f"Page {number // 10}",), "en"))
    return sections


@pytest.fixture(scope="module")
def site() -> list[Section]:
    return make_site(2_500)


@pytest.fixture(scope="module")
def built(site: Sequence[Section]) -> LexicalFiles:
    return build_lexical(site, ["en"])


def test_same_sections_give_the_same_bytes(site: Sequence[Section]) -> None:
    again = make_site(300)
    assert build_lexical(site[:300], ["en"]) == build_lexical(again, ["en"])


def test_bytes_do_not_depend_on_the_order_of_hashing() -> None:
    code = (
        "import hashlib, test_lexical_build as t;"
        "f = t.build_lexical(t.make_site(40), ['en']);"
        "print(hashlib.sha256(f.root + b''.join(f.others.values())).hexdigest())"
    )
    digests = {
        subprocess.run(
            [sys.executable, "-c", code],
            env={"PYTHONHASHSEED": seed, "PYTHONPATH": "tests"},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in ("1", "2")
    }
    assert len(digests) == 1


def test_query_of_three_words_keeps_to_its_budget(site: Sequence[Section], built: LexicalFiles) -> None:
    draw = random.Random(2)
    for _ in range(30):
        index = open_files(built)
        words = " ".join(draw.choice(site).text.split()[5] for _ in range(3))
        hits = index.search(words, analyser_of("en"), limit=10)
        list(index.cards(hits.documents.tolist()))
        size = len(built.root) + sum(len(built.others[name]) for name in index.fetched)
        # The manifest, which brings the root along, is one request more.
        assert len(index.fetched) + 1 <= 5
        assert size <= 150_000


def test_words_and_texts_of_a_small_site_are_a_file_each(site: Sequence[Section]) -> None:
    files = build_lexical(site[:250], ["en"])
    groups = sorted(name.split("-")[1] for name in files.others)
    assert groups == ["terms", "texts", "words"]
    assert read_root(files.root).common
    assert max(map(len, files.others.values())) < 100_000


def test_common_words_of_a_larger_site_are_apart(built: LexicalFiles) -> None:
    root = read_root(built.root)
    assert len(root.files["common"].hashes) == 1
    assert len(root.files["terms"].hashes) > 10


def test_files_do_not_grow_with_the_sections(built: LexicalFiles) -> None:
    assert len(built.others) < 80


@given(st.lists(st.floats(0.1, 1e5), min_size=1, max_size=200), st.integers(1, 10_000), st.integers(1, 20))
def test_a_row_is_cut_into_runs_without_gap(costs: list[float], size: int, most: int) -> None:
    runs = list(cut_evenly(costs, size, most))
    assert [start for start, _ in runs] == [0, *(end for _, end in runs[:-1])]
    assert runs[-1][1] == len(costs)
    assert len(runs) <= most


SHOWN = [
    Section("a", "/a/#getting-started", "Getting started", "One.\nTwo.", ("Guide", "Intro"), "en"),
    Section("/a/#x", "/a/#x", "Other", "Three", ("Guide", "Intro"), "de", {"image": "i.png"}, {"k": ("v",)}),
    Section("id", "", "", "Four", (), "", {}, {}),
    Section("/b/", "/b/", "<b>&</b>", "Five", ("\u202e",), "en"),
]


def test_sections_come_back_as_they_were() -> None:
    index = open_files(build_lexical(SHOWN, ["en"]))
    assert list(index.sections([3, 2, 1, 0])) == SHOWN[::-1]


def test_cards_of_a_larger_site_come_back_from_files(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("latefind_build.lexical_files.ROOT_CARD_BYTES", 1_000)
    monkeypatch.setattr("latefind_build.lexical_files.CARD_BYTES", 4_000)
    sections = make_site(900, words_each=5)
    index = open_files(build_lexical(sections, ["en"]))
    assert list(index.sections([0, 450, 899])) == [sections[0], sections[450], sections[899]]
    assert sum("cards" in name for name in index.fetched) > 1


@pytest.mark.parametrize(
    ("tags", "languages", "expected"),
    [
        (["de", "en-US", "en"], [], [("en", 2), ("de", 1)]),
        (["de", "", ""], ["en"], [("de", 3)]),
        (["", ""], ["fr-CA", "en"], [("fr", 2)]),
        ([""], [], [("", 1)]),
        (["nl", "de"], [], [("de", 1), ("nl", 1)]),
    ],
)
def test_languages_are_counted(
    tags: list[str], languages: list[str], expected: list[tuple[str, int]]
) -> None:
    sections = [Section(str(n), "", "", "text", lang=tag) for n, tag in enumerate(tags)]
    assert read_root(build_lexical(sections, languages).root).languages == expected


def test_facets_are_listed_with_their_counts() -> None:
    root = read_root(build_lexical(SHOWN, ["en"]).root)
    assert root.facets == [{"key": "k", "values": [{"value": "v", "count": 1}]}]


@pytest.mark.parametrize("text", ["", "?! …", "\u00ad"])
def test_sections_without_a_word_are_indexed(text: str) -> None:
    index = open_files(build_lexical([Section("a", "", "", text)], ["en"]))
    assert index.search("anything", analyser_of("en")).total == 0
    assert [section.text for section in index.sections([0])] == [text]


def test_texts_are_in_the_order_of_the_sections(site: Sequence[Section], built: LexicalFiles) -> None:
    files = read_root(built.root).files["texts"]
    texts: list[str] = []
    for digits in files.hashes:
        texts += read_json(built.others[f"lexical-texts-{digits}.bin"], KIND_TEXTS, "texts")["text"]
    assert texts == [section.text for section in site]
