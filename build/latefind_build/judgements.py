"""Questions and judgements of an evaluation, in the format of the BEIR benchmarks.

Queries are JSON Lines with ``_id`` (or ``id``) and ``text``; judgements ("qrels") are tab-separated lines
``query-id  corpus-id  score`` below a header. Whatever cannot be read is an error that names file and line.
"""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from latefind.errors import InputError, UsageError
from latefind_build.metrics import Judged

HEADER = ("query-id", "corpus-id", "score")
MAX_GRADE = 100
"""A gain of 2^grade must stay a number that a mean makes sense of; published sets end at 5."""

_BOM = "\ufeff"


@dataclass(frozen=True, slots=True)
class Question:
    """One query with its judgements, of which at least one is relevant."""

    id: str
    text: str
    judged: Judged


@dataclass(frozen=True, slots=True)
class Judgement:
    """One line of the judgements, and its number."""

    line: int
    query: str
    document: str
    grade: int


def read_queries(path: Path) -> dict[str, str]:
    """Return the texts of the queries by id, in the order of the file.

    Raises
    ------
    UsageError
        There is no such file.
    InputError
        A line is not a query, an id occurs twice, or there is no query.
    """
    texts: dict[str, str] = {}
    for number, line in _read_lines(path, "queries, one JSON object a line"):
        where = f"{path}, line {number}"
        name, text = _read_query(line, where)
        if name in texts:
            raise InputError.expected(where, "an id of its own", f"{name!r} again", "Remove one of them.")
        texts[name] = text
    if not texts:
        raise InputError.expected(path, "at least one query", "none", 'Write {"_id": …, "text": …} a line.')
    return texts


def _read_query(line: str, where: str) -> tuple[str, str]:
    form = 'an object like {"_id": "q1", "text": "…"}'
    try:
        record = json.loads(line)
    except ValueError as error:
        raise InputError.expected(where, form, f"no JSON ({error})", "Correct the line.") from error
    if not isinstance(record, dict):
        raise InputError.expected(where, form, line.strip()[:40], "Correct the line.")
    name = record.get("_id", record.get("id"))
    text = record.get("text")
    for key, value in (("_id", name), ("text", text)):
        if not isinstance(value, str) or not value.strip():
            got = "none" if value is None else repr(value)
            raise InputError.expected(f"{where}: {key}", "a string with text", got, "Correct the line.")
    return str(name), str(text)


def read_judgements(path: Path) -> list[Judgement]:
    """Return the lines of a file of judgements.

    Raises
    ------
    UsageError
        There is no such file.
    InputError
        The header is missing, a line is not a judgement, a pair occurs twice, or there is none.
    """
    lines = _read_lines(path, "judgements, tab-separated")
    shape = "<TAB>".join(HEADER)
    number, first = next(lines, (1, ""))
    if tuple(first.split()) != HEADER:
        got = repr(first.strip()[:60])
        raise InputError.expected(f"{path}, line {number}", f"the header {shape}", got, "Add it.")
    judgements: dict[tuple[str, str], Judgement] = {}
    for number, line in lines:
        found = _read_judgement(line, number, f"{path}, line {number}", shape)
        earlier = judgements.setdefault((found.query, found.document), found)
        if earlier is not found:
            raise InputError.expected(
                f"{path}, line {number}", "a pair of its own", f"that of line {earlier.line}", "Remove one."
            )
    if not judgements:
        raise InputError.expected(path, "at least one judgement", "only the header", f"Write {shape} a line.")
    return list(judgements.values())


def _read_judgement(line: str, number: int, where: str, shape: str) -> Judgement:
    fields = line.rstrip("\r\n").split("\t")
    if len(fields) != len(HEADER) or not fields[0] or not fields[1]:
        got = f"{len(fields)} field{'s' * (len(fields) != 1)} in {line.strip()[:60]!r}"
        raise InputError.expected(where, shape, got, "Separate three fields by tabs.")
    try:
        grade = int(fields[2])
    except ValueError:
        grade = MAX_GRADE + 1
    if not -MAX_GRADE <= grade <= MAX_GRADE:
        expected = f"a whole number up to {MAX_GRADE}"
        raise InputError.expected(f"{where}: score", expected, repr(fields[2]), "0 is not relevant.")
    return Judgement(number, fields[0], fields[1], grade)


def _read_lines(path: Path, what: str) -> Iterator[tuple[int, str]]:
    """Yield numbered lines that are not blank."""
    if not path.is_file():
        got = "a folder" if path.is_dir() else "nothing"
        raise UsageError.expected(path, f"a file of {what}", got, "Check the path.")
    with path.open(encoding="utf-8", newline="\n") as file:
        try:
            for number, line in enumerate(file, 1):
                text = line.removeprefix(_BOM) if number == 1 else line
                if text.strip():
                    yield number, text
        except UnicodeDecodeError as error:
            got = f"byte {error.object[error.start]:#04x}"
            raise InputError.expected(path, "UTF-8", got, "Save the file as UTF-8.") from error


def join_questions(queries: dict[str, str], judgements: Sequence[Judgement]) -> list[Question]:
    """Return the queries that have a relevant judgement, in the order of their file."""
    judged: dict[str, dict[str, int]] = {}
    for judgement in judgements:
        judged.setdefault(judgement.query, {})[judgement.document] = judgement.grade
    return [
        Question(name, text, judged[name])
        for name, text in queries.items()
        if any(grade > 0 for grade in judged.get(name, {}).values())
    ]
