"""The built-in dev set is what it says it is, and a user's own is read or refused by line."""

import json
import os
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import zstandard

from latefind.errors import InputError
from latefind_export import devset
from latefind_export.devset import BUILTIN, builtin_devset, read_devset

EVAL = Path(os.environ.get("LATEFIND_EVAL", Path(__file__).parents[2] / "shared" / "eval"))
WORDS = re.compile(r"\w+")


def builtin_records() -> list[dict[str, str]]:
    return [json.loads(line) for line in BUILTIN.read_text("utf-8").splitlines()]


def entries(count: int) -> list[dict[str, Any]]:
    return [{"query": f"question {number}?", "passage": f"answer {number}"} for number in range(count)]


def write(path: Path, records: list[dict[str, Any]]) -> Path:
    path.write_text("".join(json.dumps(record) + "\n" for record in records), "utf-8")
    return path


def grams(text: str, size: int = 8) -> set[tuple[str, ...]]:
    words = WORDS.findall(text.casefold())
    return {tuple(words[start : start + size]) for start in range(len(words) - size + 1)}


def test_builtin_devset_has_25_entries_of_each_language() -> None:
    count = Counter(record["lang"] for record in builtin_records())
    assert count == dict.fromkeys(["en", "de", "es", "fr", "it", "nl", "pt"], 25)


def test_builtin_devset_has_no_entry_twice() -> None:
    found = builtin_devset()
    assert len(found.queries) == len(found.documents) == len(builtin_records())
    assert list(found.judged) == list(found.queries)
    assert found.name == "built-in"


def test_builtin_passages_are_of_the_length_of_passages() -> None:
    assert all(40 <= len(record["passage"].split()) <= 110 for record in builtin_records())
    assert all(2 <= len(record["query"].split()) <= 30 for record in builtin_records())


def test_builtin_queries_avoid_runs_of_words_of_their_passages() -> None:
    for record in builtin_records():
        shared = grams(record["query"], 4) & grams(record["passage"], 4)
        assert not shared, record["query"]


@pytest.mark.skipif(not EVAL.is_dir(), reason="no evaluation sets: name their folder in LATEFIND_EVAL")
def test_builtin_devset_shares_no_eight_words_with_the_evaluation_sets() -> None:
    mine = set[tuple[str, ...]]().union(
        *(grams(record["query"]) | grams(record["passage"]) for record in builtin_records())
    )

    def texts() -> Iterator[str]:
        for path in sorted(EVAL.glob("*/*.jsonl")):
            for line in path.read_text("utf-8").splitlines():
                record = json.loads(line)
                yield f"{record.get('title', '')}\n{record['text']}"

    assert not [text[:80] for text in texts() if grams(text) & mine]


def test_read_devset_joins_equal_passages_and_equal_queries(tmp_path: Path) -> None:
    more = [{"query": "another", "text": "answer 0"}, {"query": "question 1?", "passage": "answer 2"}]
    found = read_devset(write(tmp_path / "mine.jsonl", [*entries(10), *more]))
    assert len(found.documents) == 10
    assert found.queries["q11"] == "another"
    assert found.judged["q11"] == found.judged["q1"] == {"d1": 1}
    assert found.judged["q2"] == {"d2": 1, "d3": 1}
    assert found.name == "mine.jsonl"


def test_read_devset_puts_a_title_before_its_passage(tmp_path: Path) -> None:
    records = [*entries(10), {"query": "q", "passage": "Press it.", "title": "Buttons", "lang": "en"}]
    found = read_devset(write(tmp_path / "mine.jsonl", records))
    assert found.documents["d11"] == "Buttons. Press it."


def test_read_devset_reads_zstd_and_passes_over_blank_lines(tmp_path: Path) -> None:
    plain = write(tmp_path / "mine.jsonl", entries(10)).read_bytes() + b"\n\n"
    packed = tmp_path / "mine.jsonl.zst"
    packed.write_bytes(zstandard.compress(plain))
    assert read_devset(packed).documents == read_devset(tmp_path / "mine.jsonl").documents


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ('{"query": ', r":11: expected a JSON object"),
        ("[1]", r":11: expected a JSON object, got \[1\]"),
        ('{"passage": "p"}', r":11: query: expected a text, got none"),
        ('{"query": " ", "passage": "p"}', r":11: query: expected a text, got ' '"),
        ('{"query": "q"}', r":11: passage: expected a text, got none"),
        ('{"query": "q", "text": 7}', r":11: text: expected a text, got 7"),
        ('{"query": "q", "text": "t", "title": ["x"]}', r":11: title: expected a text"),
    ],
)
def test_read_devset_refuses_a_line_by_its_number(tmp_path: Path, line: str, says: str) -> None:
    path = write(tmp_path / "mine.jsonl", entries(10))
    path.write_text(path.read_text("utf-8") + line + "\n", "utf-8")
    with pytest.raises(InputError, match=says):
        read_devset(path)


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("few.jsonl", json.dumps(entries(1)[0]).encode(), "at least 10 different passages, got 1"),
        ("latin.jsonl", b'{"query": "caf\xe9"}', "expected UTF-8 after line 0, got byte 0xe9"),
        ("packed.jsonl.zst", b"no zstd", "expected a zstd file"),
    ],
)
def test_read_devset_refuses_a_file_that_cannot_serve(
    tmp_path: Path, name: str, content: bytes, says: str
) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(InputError, match=says):
        read_devset(tmp_path / name)


def test_read_devset_refuses_a_missing_file(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="--dev: expected a JSON Lines file"):
        read_devset(tmp_path / "none.jsonl")


def test_read_devset_refuses_more_entries_than_anyone_waits_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(devset, "MOST_ENTRIES", 11)
    with pytest.raises(InputError, match=r":12: expected at most 11 entries"):
        read_devset(write(tmp_path / "mine.jsonl", entries(12)))
