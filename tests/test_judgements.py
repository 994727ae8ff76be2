"""Files of queries and judgements: what is read, and what is refused with file and line."""

from pathlib import Path

import pytest

from latefind.errors import InputError, UsageError
from latefind_build.judgements import join_questions, read_judgements, read_queries

HEADER = "query-id\tcorpus-id\tscore\n"


def _write(folder: Path, text: str) -> Path:
    path = folder / "file"
    path.write_text(text, "utf-8")
    return path


def test_queries_are_read_in_order_by_either_name_of_the_id(tmp_path: Path) -> None:
    path = _write(tmp_path, '\ufeff{"_id": "b", "text": "Where?"}\n\n{"id": "a", "text": "Who?", "x": 1}\n')
    assert list(read_queries(path).items()) == [("b", "Where?"), ("a", "Who?")]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "at least one query"),
        ('{"_id": "a", "text": "x"}\n{', "line 2: expected an object"),
        ("[1]", "line 1: expected an object"),
        ('{"text": "x"}', "line 1: _id: expected a string with text, got none"),
        ('{"_id": 7, "text": "x"}', "line 1: _id: expected a string with text, got 7"),
        ('{"_id": "a"}', "line 1: text: expected a string with text, got none"),
        ('{"_id": "a", "text": "  "}', "line 1: text: expected a string with text"),
        ('{"_id": "a", "text": "x"}\n{"_id": "a", "text": "y"}', "line 2: expected an id of its own"),
    ],
)
def test_malformed_queries_are_refused_by_line(tmp_path: Path, text: str, says: str) -> None:
    path = _write(tmp_path, text)
    with pytest.raises(InputError, match=says) as caught:
        read_queries(path)
    assert str(caught.value).startswith(str(path))


def test_judgements_keep_lines_and_grades(tmp_path: Path) -> None:
    path = _write(tmp_path, f"{HEADER}q1\td 1\t2\r\n\nq1\td2\t0\n")
    assert [(j.line, j.query, j.document, j.grade) for j in read_judgements(path)] == [
        (2, "q1", "d 1", 2),
        (4, "q1", "d2", 0),
    ]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "line 1: expected the header"),
        ("q1\td1\t1\n", "line 1: expected the header"),
        (HEADER, "at least one judgement"),
        (f"{HEADER}q1\td1\n", "line 2: expected query-id<TAB>corpus-id<TAB>score, got 2 fields"),
        (f"{HEADER}q1 d1 1\n", "line 2: .*got 1 field in"),
        (f"{HEADER}q1\t\t1\n", "line 2: expected query-id"),
        (f"{HEADER}q1\td1\thigh\n", "line 2: score: expected a whole number"),
        (f"{HEADER}q1\td1\t0.5\n", "line 2: score: expected a whole number"),
        (f"{HEADER}q1\td1\t4000\n", "line 2: score: expected a whole number up to 100"),
        (f"{HEADER}q1\td1\t1\nq1\td1\t0\n", "line 3: expected a pair of its own, got that of line 2"),
    ],
)
def test_malformed_judgements_are_refused_by_line(tmp_path: Path, text: str, says: str) -> None:
    with pytest.raises(InputError, match=says):
        read_judgements(_write(tmp_path, text))


@pytest.mark.parametrize("read", [read_queries, read_judgements])
def test_a_missing_file_is_a_wrong_call(tmp_path: Path, read: object) -> None:
    with pytest.raises(UsageError, match=r"expected a file of .*, got nothing"):
        read(tmp_path / "nowhere")  # type: ignore[operator]


@pytest.mark.parametrize("read", [read_queries, read_judgements])
def test_a_file_that_is_not_utf8_is_refused(tmp_path: Path, read: object) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"query-id\tcorpus-id\tscore\nq\xff\td\t1\n")
    with pytest.raises(InputError, match="expected UTF-8, got byte 0xff"):
        read(path)  # type: ignore[operator]


def test_only_queries_with_something_relevant_are_asked(tmp_path: Path) -> None:
    judgements = read_judgements(_write(tmp_path, f"{HEADER}q2\td1\t0\nq1\td1\t1\nq1\td2\t0\nq9\td1\t1\n"))
    [question] = join_questions({"q1": "One?", "q2": "Two?", "q3": "Three?"}, judgements)
    assert (question.id, question.text, dict(question.judged)) == ("q1", "One?", {"d1": 1, "d2": 0})
