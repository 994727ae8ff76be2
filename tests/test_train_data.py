"""Preparing training text: what is mended, dropped, varied, packed and drawn."""

import json
import random
from pathlib import Path

import numpy as np
import pytest
from checkpoint_tokenizers import train_wordpiece

from latefind.errors import InputError, UsageError
from latefind_train import forms, prepare
from latefind_train.config import Data, read_config
from latefind_train.holdout import make_dev, read_dev, write_dev
from latefind_train.overlap import Forbidden
from latefind_train.pack import Packer, deal, read_shards, write_shard
from latefind_train.plan import draw_plan
from latefind_train.shingles import Known, Numbering, shingles, whole
from latefind_train.sources import Row, Tally, clean, read_rows
from latefind_train.spans import Aligner, overlapping
from latefind_train.wordpiece import WordPiece

LONG = "the installer asks which disk to use and then writes the system to it without any further question"


def row(
    passage: str, query: str = "Install", source: str = "manual", kind: str = "pairs", number: int = 0
) -> Row:
    return Row(kind, number, "en", source, query, passage)  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def vocabulary(tmp_path_factory: pytest.TempPathFactory) -> WordPiece:
    path = tmp_path_factory.mktemp("vocabulary") / "tokenizer.json"
    train_wordpiece(400, 64).backend_tokenizer.save(str(path))
    return WordPiece(path)


# Reading and cleaning


def test_read_rows_names_the_line_that_is_malformed(tmp_path: Path) -> None:
    (tmp_path / "parallel.tsv").write_text("de\tman\tone\teins\nde\tman\n", "utf-8")
    with pytest.raises(InputError, match=r"parallel.tsv:2: expected 4 fields"):
        list(read_rows(tmp_path, "parallel"))


@pytest.mark.parametrize(
    ("flawed", "flaw"),
    [
        (row("GrÃ¶Ã\x9fe der Datei in Bytes"), "mojibake"),
        (row("appname saves its files here by default"), "appname instead of a name"),
        (row("too short"), "passage too short"),
        (row("This command is an alias of podman image ls.", source="tldr"), "alias of another page"),
        (row("New segments and other changes", "Release notes May", "adobe-target"), "release notes"),
    ],
)
def test_clean_drops_what_is_flawed(flawed: Row, flaw: str) -> None:
    assert clean(flawed) == (None, flaw)


def test_clean_mends_tags_and_shortcuts() -> None:
    mended, what = clean(row("Press CtrlF to <b>find</b> a word", source="kde-docs"))
    assert what == "mended"
    assert mended is not None
    assert mended.passage == "Press Ctrl+F to find a word"


def test_tally_counts_by_kind() -> None:
    tally = Tally()
    tally.add("read", row("a"))
    tally.add("read", row("a", kind="qa"))
    assert (tally.total("read"), tally.total("read", "qa")) == (2, 1)


# Overlap with evaluation text


def test_shingles_never_cross_texts() -> None:
    texts = Numbering().number(["a b", "c d e"])
    hashes, owners = shingles(texts, 3)
    assert owners.tolist() == [1]
    assert len(hashes) == 1


def test_whole_texts_are_equal_only_in_the_same_order() -> None:
    hashes, owners = whole(Numbering().number(["a b c d", "d c b a", "a b", "a b c d"]), 4)
    assert owners.tolist() == [0, 1, 3]
    assert hashes[0] == hashes[2] != hashes[1]


def test_known_finds_all_of_its_hashes_and_no_others() -> None:
    values = np.random.default_rng(0).integers(0, 2**63, 5000).astype(np.uint64)
    assert Known(values[:2000]).has(values).tolist() == [True] * 2000 + [False] * 3000


@pytest.mark.parametrize(
    ("found", "text"),
    [
        ("set", f"First, {LONG.upper()}, as before."),
        ("", "The installer asks which disk to use. It then starts."),
        ("set", "How do I choose a disk?"),
        ("", "Choose a disk"),
    ],
)
def test_rows_near_to_a_set_are_found(found: str, text: str) -> None:
    forbidden = Forbidden()
    forbidden.add("set", [LONG, "how do I choose a disk"])
    assert forbidden.find([row("something else entirely", text)]) == [found]
    assert forbidden.find([row(text, "something else")]) == [found]


# Forms of a query


@pytest.mark.parametrize(
    ("language", "heading", "questions"),
    [
        ("en", "installing a package", {t.format("install a package") for t in forms.DOING["en"]}),
        ("en", "package manager", {t.format("package manager") for t in forms.BEING["en"]}),
        ("de", "pakete installieren", {t.format("pakete installieren") for t in forms.DOING["de"]}),
        ("fr", "installer un paquet", {t.format("installer un paquet") for t in forms.DOING["fr"]}),
        ("nl", "een pakket", {t.format("een pakket") for t in forms.BEING["nl"]}),
    ],
)
def test_headings_become_questions(language: str, heading: str, questions: set[str]) -> None:
    found = {
        " ".join(map(str, forms.as_question(heading.split(), language, random.Random(seed)) or []))
        for seed in range(20)
    }
    assert found <= questions


def test_a_question_stays_as_it_is() -> None:
    assert forms.as_question(["what", "is", "it", "?"], "en", random.Random(0)) is None


def test_keywords_leave_out_words_without_meaning() -> None:
    words = ["how", "do", "i", "restore", "the", "settings", "of", "a", "profile"]
    for seed in range(10):
        found = forms.as_keywords(words, "en", random.Random(seed))
        assert found is not None
        assert set(found) <= {"restore", "settings", "profile"}


def test_one_word_is_mistyped() -> None:
    words = ["restore", "the", "settings"]
    for seed in range(20):
        found = forms.mistyped(words, "en", random.Random(seed))
        assert found is not None
        assert sum(one != other for one, other in zip(words, found, strict=True)) <= 1
        assert found[1] == "the"


def test_umlauts_are_typed_as_two_letters() -> None:
    assert forms.transliterated(["die", "grosse"], {"grosse": "groesse"}) == ["die", "groesse"]
    assert forms.transliterated(["die"], {"grosse": "groesse"}) is None


# Words and their pieces


def test_words_come_back_from_ids(vocabulary: WordPiece) -> None:
    [ids] = vocabulary.encode(["search the index, quickly"])
    assert vocabulary.words(ids) == ["search", "the", "index", ",", "quickly"]
    assert vocabulary.ids(vocabulary.words(ids)) == ids.tolist()


def test_pieces_overlap_by_letters() -> None:
    assert overlapping([4, 4], [2, 3, 3]) == ([0, 1], [2, 3])


def test_the_same_vocabulary_stands_for_itself(vocabulary: WordPiece) -> None:
    aligned = Aligner(vocabulary, vocabulary).align(["search", "the", "index"], 50)
    count = len(aligned.student)
    assert list(aligned.starts) == list(range(count))
    assert list(aligned.ends) == list(range(1, count + 1))
    assert list(aligned.teacher) == list(aligned.student)


# Packing and drawing


def pack(vocabulary: WordPiece, count: int = 60) -> Packer:
    packer = Packer(vocabulary, 64)
    packer.add(
        [row(f"the page number {n} says something", f"page {n}", "large", number=n) for n in range(count)]
    )
    packer.add([row(f"the note number {n} says nothing", f"note {n}", "small", number=n) for n in range(8)])
    return packer


def test_a_shard_gives_back_its_rows(vocabulary: WordPiece, tmp_path: Path) -> None:
    packer = pack(vocabulary)
    [rows] = deal(packer, 2**20, 1)
    write_shard(tmp_path / "0.xz", packer, rows)
    texts = read_shards([tmp_path / "0.xz"], vocabulary)["pairs"]
    assert texts.rows == 68
    assert vocabulary.words(texts.query(3)) == vocabulary.words(packer.kinds["pairs"].query[3])
    assert vocabulary.words(texts.passage(67))[-1] == "nothing"


def test_packing_twice_gives_the_same_bytes(vocabulary: WordPiece, tmp_path: Path) -> None:
    for name in ("a", "b"):
        packer = pack(vocabulary)
        write_shard(tmp_path / name, packer, deal(packer, 2**20, 1)[0])
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


def test_the_first_shard_has_more_of_small_sources(vocabulary: WordPiece) -> None:
    packer = pack(vocabulary, 400)
    total = sum(len(ids) for ids in packer.kinds["pairs"].passage)
    shards = deal(packer, total // 2, 1)
    assert len(shards) > 1
    sources = np.array(packer.kinds["pairs"].source)
    shares = [float((sources[rows["pairs"]] == packer.sources["small"]).mean()) for rows in shards]
    assert shares[0] == max(shares)
    assert sum(len(rows["pairs"]) for rows in shards) == 408


def test_blocks_stay_together(vocabulary: WordPiece) -> None:
    packer = pack(vocabulary, 400)
    blocks = np.array(packer.kinds["pairs"].block)
    for rows in deal(packer, 3000, 1)[:-1]:
        inside = np.bincount(blocks[rows["pairs"]], minlength=blocks.max() + 1)
        cut = (inside > 0) & (inside < np.bincount(blocks))
        assert cut.sum() <= 2  # the blocks at the shard's ends


def test_shards_of_another_vocabulary_are_refused(vocabulary: WordPiece, tmp_path: Path) -> None:
    packer = pack(vocabulary)
    write_shard(tmp_path / "0.xz", packer, deal(packer, 2**20, 1)[0])
    other = tmp_path / "tokenizer.json"
    train_wordpiece(300, 64).backend_tokenizer.save(str(other))
    with pytest.raises(InputError, match="expected the vocabulary of --tokenizer"):
        read_shards([tmp_path / "0.xz"], WordPiece(other))


def test_a_plan_is_drawn_again_from_its_seed(vocabulary: WordPiece, tmp_path: Path) -> None:
    packer = pack(vocabulary)
    write_shard(tmp_path / "0.xz", packer, deal(packer, 2**20, 1)[0])
    texts = read_shards([tmp_path / "0.xz"], vocabulary)
    mix = {"pairs": 0.75, "cloze": 0.25}
    plans = [draw_plan(texts, None, mix, 8, 16, Data(), (seed, 0)) for seed in (1, 1, 2)]
    assert {task: len(rows) for task, rows in plans[0].items()} == {"cloze": 32, "pairs": 96}
    assert plans[0]["pairs"].tolist() == plans[1]["pairs"].tolist() != plans[2]["pairs"].tolist()
    for batch in plans[0]["pairs"].reshape(-1, 16):
        assert len(set(batch.tolist())) == 16


def test_prepare_packs_drops_and_holds_out(vocabulary: WordPiece, tmp_path: Path) -> None:
    texts, sets = tmp_path / "texts", tmp_path / "eval/set"
    texts.mkdir()
    sets.mkdir(parents=True)
    rows = [
        {"lang": "en", "source": "manual", "query": f"page {n}", "passage": f"this is page {n} of the manual"}
        for n in range(30)
    ]
    rows.append(rows[0] | {"passage": f"as it is said, {LONG}"})
    rows.append(rows[0])
    rows.append(rows[0] | {"source": "helm-docs", "passage": "a chart is a package of templates"})
    lines = "".join(json.dumps(record) + "\n" for record in rows)
    (texts / "pairs.jsonl").write_text(lines, "utf-8")
    (texts / "qa.jsonl").write_text(lines.splitlines()[5] + "\n", "utf-8")
    (texts / "parallel.tsv").write_text("de\thelm-docs\ta chart\tein Chart hier\n", "utf-8")
    (sets / "corpus.jsonl").write_text(json.dumps({"_id": "1", "title": "", "text": LONG}) + "\n", "utf-8")
    (sets / "queries.jsonl").write_text(json.dumps({"_id": "1", "text": "which disk"}) + "\n", "utf-8")
    tokenizer = tmp_path / "tokenizer.json"
    vocabulary.tokenizer.save(str(tokenizer))
    arguments = ["--texts", str(texts), "--eval", str(tmp_path / "eval"), "--tokenizer", str(tokenizer)]
    assert prepare.main([*arguments, "--output", str(tmp_path / "out")]) == 0
    report = json.loads((tmp_path / "out/manifest.json").read_text("utf-8"))
    counts = report["rows"]["pairs"]
    assert counts["packed"] == 30
    assert counts["near to an evaluation set"] == counts["seen before"] == counts["held out"] == 1
    assert report["near"] == [["pairs", "manual", "set", 1]]
    assert read_shards([tmp_path / "out/shard-0.xz"], WordPiece(tokenizer))["pairs"].rows == 30
    tasks = read_dev(tmp_path / "out/dev.xz")
    assert tasks["de-en"].queries == {"q0": "ein Chart hier"}


def test_dev_tasks_are_read_as_they_were_written(tmp_path: Path) -> None:
    held = [row("a chart is a package", "Charts", "helm-docs")]
    tasks = make_dev(held, {"en": [row("something else")]}, 1)
    write_dev(tmp_path / "dev.xz", tasks)
    assert read_dev(tmp_path / "dev.xz") == tasks
    assert set(tasks["en"].documents.values()) == {"a chart is a package", "something else"}


# Configuration


@pytest.mark.parametrize(
    "path", sorted(Path(prepare.__file__).with_name("configs").glob("*.toml")), ids=lambda p: p.stem
)
def test_the_configurations_that_come_along_are_read(path: Path) -> None:
    assert read_config(path).name == path.stem


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("seed = 1", "name: expected a text"),
        ('name = "a"\n[steps]\nrat = 1.0', "steps.rat: expected batch or"),
        ('name = "a"\n[steps]\nbatch = 1.5', "steps.batch: expected int, got 1.5"),
        ('name = "a"\n[mix]\npairs = 0.8\nqa = 0.5', "mix: expected shares of at most 1 together"),
        ('name = "a"\n[forms]\nrhyme = 0.1', "forms.rhyme: expected question or"),
    ],
)
def test_a_configuration_that_means_nothing_is_refused(text: str, message: str, tmp_path: Path) -> None:
    (tmp_path / "run.toml").write_text(text, "utf-8")
    with pytest.raises(UsageError, match=message):
        read_config(tmp_path / "run.toml")
