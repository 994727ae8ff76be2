"""Sentences in other languages that ask for English passages, and shards that were packed apart."""

import random
from pathlib import Path

import numpy as np
import pytest
import torch
from checkpoint_tokenizers import train_wordpiece

from latefind_train.collate import Collator, Prefixes
from latefind_train.config import Data, Run
from latefind_train.crossed import MOST, Crossed, cross
from latefind_train.pack import LANGUAGES, Packer, Texts, deal, read_shards, write_shard
from latefind_train.plan import draw_plan
from latefind_train.sources import Kind, Row
from latefind_train.spans import Aligner
from latefind_train.wordpiece import WordPiece

SENTENCE = "the index is searched in the browser"
COMMON = "see also the pages of the manual"


@pytest.fixture(scope="module")
def vocabulary(tmp_path_factory: pytest.TempPathFactory) -> WordPiece:
    path = tmp_path_factory.mktemp("vocabulary") / "tokenizer.json"
    train_wordpiece(500, 64).backend_tokenizer.save(str(path))
    return WordPiece(path)


def read(vocabulary: WordPiece, folder: Path, *packings: list[Row]) -> dict[Kind, Texts]:
    """Pack each list of rows apart and read them all."""
    paths = []
    for number, rows in enumerate(packings):
        packer = Packer(vocabulary, 64)
        packer.add(rows)
        paths.append(folder / f"{number}.xz")
        write_shard(paths[-1], packer, deal(packer, 2**20, 1)[0])
    return read_shards(paths, vocabulary)


@pytest.fixture
def texts(vocabulary: WordPiece, tmp_path: Path) -> dict[Kind, Texts]:
    pairs = [
        Row("pairs", 0, "en", "manual", "browsers", f"pages are short . {SENTENCE} , always . it is quick"),
        Row("pairs", 1, "en", "manual", f"{SENTENCE} !", "only the shards of the query are read there"),
        Row("pairs", 2, "de", "manual", "suche", f"die seite sagt . {SENTENCE} . mehr nicht"),
        *(Row("pairs", n, "en", "manual", f"page {n}", f"page number {n} . {COMMON}") for n in range(3, 9)),
    ]
    parallel = [
        Row("parallel", 0, "de", "manual", f"{SENTENCE} , always .", "der index wird durchsucht"),
        Row("parallel", 1, "fr", "manual", SENTENCE, "la recherche se fait dans le navigateur"),
        Row("parallel", 2, "fr", "manual", COMMON, "voir aussi les pages du manuel"),
        Row("parallel", 3, "fr", "manual", "it", "il"),
    ]
    return read(vocabulary, tmp_path, [*pairs, *parallel])


def found(texts: dict[Kind, Texts], vocabulary: WordPiece) -> tuple[Crossed, set[tuple[str, str]]]:
    crossed = cross(texts["pairs"], texts["parallel"], vocabulary)
    words = vocabulary.words
    return crossed, {
        (
            " ".join(map(str, words(texts["parallel"].passage(int(question))))),
            " ".join(map(str, words(texts["pairs"].query(int(passage))))),
        )
        for question, passage in zip(crossed.questions, crossed.passages, strict=True)
    }


def test_a_translation_asks_for_passages_with_its_sentence_and_for_headings(
    texts: dict[Kind, Texts], vocabulary: WordPiece
) -> None:
    crossed, asked = found(texts, vocabulary)
    assert asked == {
        ("der index wird durchsucht", "browsers"),
        ("la recherche se fait dans le navigateur", f"{SENTENCE} !"),
    }
    languages = [LANGUAGES[int(number)] for number in crossed.arrays["language"]]
    assert sorted(languages) == ["de", "fr"]


def test_a_sentence_of_many_passages_asks_for_none(texts: dict[Kind, Texts], vocabulary: WordPiece) -> None:
    assert MOST < 6
    assert not any("manuel" in question for question, _ in found(texts, vocabulary)[1])


def test_the_teacher_sees_the_english_sentence_and_the_passage(
    texts: dict[Kind, Texts], vocabulary: WordPiece
) -> None:
    crossed = cross(texts["pairs"], texts["parallel"], vocabulary)
    run = Run("test", data=Data(query_length=24, document_length=40, joined=0.0))
    make = Collator(texts, Aligner(vocabulary, vocabulary), Prefixes(7, 8), run, crossed=crossed)
    batch = make([{"row": number, "dataset_name": "crossed"} for number in range(2)])
    english = vocabulary.encode([f"{SENTENCE} , always ."])[0].tolist()
    german = vocabulary.encode(["der index wird durchsucht"])[0].tolist()
    place = int(np.flatnonzero(crossed.arrays["language"] == LANGUAGES.index("de"))[0])
    assert batch["query_teacher_ids"][place][1 : len(english) + 1].tolist() == english
    assert batch["query_input_ids"][place][2 : len(german) + 2].tolist() == german
    passage = batch["document_teacher_ids"][:, 1:]
    assert torch.equal(passage[:, :4], batch["document_input_ids"][:, 2:6])
    assert "query_span_starts" not in batch


def test_near_batches_are_of_one_source_and_language(vocabulary: WordPiece, tmp_path: Path) -> None:
    rng = random.Random(1)
    rows = [
        Row("pairs", n, language, source, f"page {n}", f"{source} {language} says {n} of all")
        for n, (source, language) in enumerate((s, g) for s in "abc" for g in ("en", "de") for _ in range(40))
    ]
    rng.shuffle(rows)
    pairs = read(vocabulary, tmp_path, sorted(rows, key=lambda row: (row.source, row.language)))
    data = Data(balance=0.5, mixed=0.0, near=1.0)
    drawn = draw_plan(pairs, None, {"pairs": 1.0}, 12, 16, data, (1, 0))["pairs"].reshape(12, 16)
    arrays = pairs["pairs"].arrays
    for batch in drawn:
        assert len(set(zip(arrays["source"][batch], arrays["language"][batch], strict=True))) == 1
        assert len(set(batch.tolist())) == 16
    assert len(set(arrays["source"][drawn[:, 0]].tolist())) > 1


def test_shards_that_were_packed_apart_do_not_share_numbers(vocabulary: WordPiece, tmp_path: Path) -> None:
    rows = [
        [Row("pairs", n, "en", source, f"page {n}", f"{source} has a page {n}") for n in range(8)]
        for source in ("manual", "glosses")
    ]
    pairs = read(vocabulary, tmp_path, *rows)["pairs"]
    for name in ("source", "block", "text"):
        one, other = pairs.arrays[name][:8].tolist(), pairs.arrays[name][8:].tolist()
        assert not set(one) & set(other)
