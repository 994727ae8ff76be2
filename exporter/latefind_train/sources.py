"""Read the training text, row by row, and leave out what is known to be flawed.

Three files, zstd or plain: ``pairs.jsonl`` and ``qa.jsonl`` have objects with ``lang``, ``source``, ``query``
and ``passage``; a line of ``parallel.tsv`` is a language, a source, an English text and its translation.
"""

import io
import json
import re
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import IO, Literal

from latefind.errors import InputError

Kind = Literal["pairs", "qa", "parallel"]
KINDS: tuple[Kind, ...] = ("pairs", "qa", "parallel")
FILES: dict[Kind, str] = {"pairs": "pairs.jsonl", "qa": "qa.jsonl", "parallel": "parallel.tsv"}

LARGEST_WINDOW = 2**27
"""Bytes of history that a zstd frame may ask for."""

DICTIONARIES = ("freedict", "names")
"""Sources of parallel text whose rows are words; elsewhere one word is a leftover of a table or a label."""

FEWEST_WORDS = 4
"""Passages of fewer words say too little to be told apart."""

TAGS = re.compile(r"</?(?:p|br|div|span|a|em|strong|code|b|i|li|ul|ol|td|tr|th|table|sup|sub)\b[^<>]{0,80}>")
MOJIBAKE = re.compile("Ã[\x80-\xbf©¼¶¤±]|â€|Â[\xa0«»]")
SHORTCUT = re.compile(r"\b(Ctrl|Alt|Shift|Strg|Umschalt|Maj|Mayús|Maiusc)([A-Z0-9]|F\d{1,2})\b")

RELEASE_SOURCES = ("adobe-", "opensearch-docs", "rails-docs", "electron-docs")
RELEASE = re.compile(
    r"release.?notes|release-opmerkingen|opmerkingen bij de release|notas de (?:la )?(?:vers|lan)|"
    r"changelog|breaking changes|\b\d+\.\d+\.\d+ release",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Row:
    """One line: a query with its passage, or (``parallel``) an English text with its translation.

    ``number`` counts the lines of the file from 0; ``language`` is the translation's for parallel text.
    """

    kind: Kind
    number: int
    language: str
    source: str
    query: str
    passage: str


def read_rows(folder: Path, kind: Kind, limit: int | None = None) -> Iterator[Row]:
    """Yield the rows of one file, at most ``limit``.

    Raises
    ------
    InputError
        The file is missing, or a line of it is malformed.
    """
    path = find_file(folder, FILES[kind])
    with open_lines(path) as lines:
        for number, line in enumerate(lines):
            if number == limit:
                return
            yield _parse(kind, number, line, path)


def find_file(folder: Path, name: str) -> Path:
    """Return ``name`` or ``name.zst`` in ``folder``."""
    for path in (folder / f"{name}.zst", folder / name):
        if path.is_file():
            return path
    raise InputError.expected(folder, f"{name} or {name}.zst", "neither", "Name the folder with --texts.")


def _parse(kind: Kind, number: int, line: str, path: Path) -> Row:
    where = f"{path}:{number + 1}"
    if kind == "parallel":
        fields = line.rstrip("\n").split("\t")
        if len(fields) != 4:
            raise InputError.expected(where, "4 fields separated by tabs", str(len(fields)))
        return Row(kind, number, *fields)
    try:
        record = json.loads(line)
        return Row(kind, number, record["lang"], record["source"], record["query"], record["passage"])
    except (ValueError, KeyError, TypeError) as error:
        raise InputError.expected(where, "lang, source, query and passage", str(error)) from error


@contextmanager
def open_lines(path: Path) -> Iterator[IO[str]]:
    """Open a text file, decompressed where its name ends in ``.zst``."""
    if path.suffix != ".zst":
        with path.open(encoding="utf-8") as lines:
            yield lines
        return
    import zstandard

    decompressor = zstandard.ZstdDecompressor(max_window_size=LARGEST_WINDOW)
    with path.open("rb") as raw, decompressor.stream_reader(raw) as plain:
        yield io.TextIOWrapper(plain, encoding="utf-8", newline="\n")


def clean(row: Row) -> tuple[Row | None, str]:
    """Return the row without its flaws, or None, and the name of the flaw ("" where there was none)."""
    text = f"{row.query} {row.passage}"
    flaw = _reason_to_drop(row, text)
    if flaw:
        return None, flaw
    query, passage = _mend(row.query, row.source), _mend(row.passage, row.source)
    if (query, passage) == (row.query, row.passage):
        return row, ""
    return replace(row, query=query, passage=passage), "mended"


def _reason_to_drop(row: Row, text: str) -> str:
    if MOJIBAKE.search(text):
        return "mojibake"
    if "appname" in text:
        return "appname instead of a name"
    words = len(row.passage.split())
    if row.kind == "parallel":
        long_enough = words > 1 or row.source in DICTIONARIES
        return "" if long_enough and row.query.casefold() != row.passage.casefold() else "not translated"
    if words < FEWEST_WORDS and row.kind == "pairs":
        return "passage too short"
    if row.query.casefold() == row.passage.casefold():
        return "query is the passage"
    if row.source.startswith("tldr") and "alias" in row.passage and words < 40:
        return "alias of another page"
    if row.source.startswith(RELEASE_SOURCES) and RELEASE.search(row.query):
        return "release notes"
    if row.source == "gimp-help" and _is_index(row.passage):
        return "index page"
    return ""


def _is_index(passage: str) -> bool:
    """Return whether the passage is a list of terms: hardly a full stop, and numbers or commas all along."""
    words = passage.split()
    listed = sum(word.endswith(",") or word.isdigit() for word in words)
    return len(words) > 30 and passage.count(". ") == 0 and listed > len(words) / 3


def _mend(text: str, source: str) -> str:
    text = TAGS.sub(" ", text) if "<" in text else text
    if source == "kde-docs":
        text = SHORTCUT.sub(r"\1+\2", text)
    return " ".join(text.split())


class Tally:
    """Counts by what happened, kind, source and language, for the report."""

    def __init__(self) -> None:
        self.counts: Counter[tuple[str, str, str, str]] = Counter()

    def add(self, what: str, row: Row) -> None:
        """Count one row under ``what``."""
        self.counts[what, row.kind, row.source, row.language] += 1

    def total(self, what: str, kind: str | None = None) -> int:
        """Return how many rows were counted under ``what``, of one kind or of all."""
        return sum(n for key, n in self.counts.items() if key[0] == what and kind in (None, key[1]))

    def by(self, what: str) -> dict[str, int]:
        """Return counts of ``what`` by "kind source", the largest first."""
        found: Counter[str] = Counter()
        for (name, kind, source, _), count in self.counts.items():
            if name == what:
                found[f"{kind} {source}"] += count
        return dict(found.most_common())

    def names(self) -> list[str]:
        """Return what was counted, in the order of first sight."""
        return list(dict.fromkeys(key[0] for key in self.counts))
