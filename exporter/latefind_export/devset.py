"""Questions and the passages that answer them: what a model's settings and its quantisation are judged on.

The built-in set was written for this purpose: 25 entries like those of documentation, manuals and FAQs in
each of seven languages. Several passages share a topic, and questions avoid the words of their answers, so
that a ranking can be wrong. A user's own set is JSON Lines, one object an entry::

    {"query": "How do I …?", "passage": "…", "title": "optional", "lang": "optional"}

``text`` does for ``passage``. Equal passages are one document that answers several queries, and equal queries
are one query with several answers.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from latefind.errors import InputError
from latefind_export.texts import read_records

BUILTIN = Path(__file__).with_name("dev.jsonl")

FEWEST_DOCUMENTS = 10
"""With fewer, the first ten hold everything, and no ranking is wrong enough to tell two settings apart."""

MOST_ENTRIES = 5_000
"""Every passage is encoded by torch and by every graph that is tried: about half an hour of a small model."""


@dataclass(frozen=True, slots=True)
class DevSet:
    """Texts by id, and for each query the documents that answer it, with their grade.

    ``name`` is for messages and the report.
    """

    documents: dict[str, str]
    queries: dict[str, str]
    judged: dict[str, dict[str, int]]
    name: str


def builtin_devset() -> DevSet:
    """Return the set that comes with the exporter: en, de, es, fr, it, nl and pt."""
    return _collect(read_records(BUILTIN, "the built-in dev set"), BUILTIN, "built-in")


def read_devset(path: Path) -> DevSet:
    """Return the entries of a JSON Lines file, ``.zst`` or plain.

    Raises
    ------
    InputError
        The file is missing, a line of it is no entry, or there are too few entries or too many.
    """
    return _collect(read_records(path, "--dev"), path, path.name)


def _collect(records: Iterable[tuple[str, dict[str, Any]]], path: Path, name: str) -> DevSet:
    documents: dict[str, str] = {}  # ids by text, in the order of the file
    queries: dict[str, str] = {}
    judged: dict[str, dict[str, int]] = {}
    for count, (where, record) in enumerate(records, 1):
        if count > MOST_ENTRIES:
            raise InputError.expected(
                where, f"at most {MOST_ENTRIES:,} entries", "another one", "A sample of the file will do."
            )
        query = _text_of(record, ("query",), where)
        passage = _text_of(record, ("passage", "text"), where)
        if record.get("title"):
            # As the builder joins a page's headings to its text.
            passage = f"{_text_of(record, ('title',), where)}. {passage}"
        document = documents.setdefault(passage, f"d{len(documents) + 1}")
        judged.setdefault(queries.setdefault(query, f"q{len(queries) + 1}"), {})[document] = 1
    if len(documents) < FEWEST_DOCUMENTS:
        raise InputError.expected(
            path, f"at least {FEWEST_DOCUMENTS} different passages", str(len(documents)), "Add entries."
        )
    return DevSet(
        documents={key: text for text, key in documents.items()},
        queries={key: text for text, key in queries.items()},
        judged=judged,
        name=name,
    )


def _text_of(record: dict[str, Any], keys: tuple[str, ...], where: str) -> str:
    """Return the first of ``keys`` that the record has, which must be a text that is not blank."""
    key = next((key for key in keys if key in record), keys[0])
    value = record.get(key)
    if not isinstance(value, str) or not value.strip():
        got = "none" if value is None else repr(value)[:40]
        raise InputError.expected(f"{where}: {key}", "a text", got, "Correct the line.")
    return value.strip()
