"""Sample passages from a JSON Lines file, the same ones whatever the order of its lines.

A line is an object with ``text`` or ``passage`` and, where known, ``lang``. Files that end in ``.zst`` are
decompressed on the way. Memory is bounded by the sample, not by the file.
"""

import hashlib
import heapq
import io
import json
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from latefind.errors import InputError

LARGEST_WINDOW = 2**27
"""Bytes of history that a zstd frame may ask for; ``zstd --long`` writes frames of this size."""


def sample_passages(path: Path, count: int, languages: Collection[str] = ()) -> list[str]:
    """Return up to ``count`` distinct passages: those whose hash is smallest.

    ``languages`` are those that are wanted, none meaning all; a line that does not say its language is taken.

    Raises
    ------
    InputError
        The file is missing or a line of it is no JSON object, or nothing in it is in the languages.
    """
    seen: dict[bytes, str] = {}
    smallest: list[tuple[bytes, str]] = []
    for text in _read_texts(path, languages):
        key = hashlib.blake2b(text.encode(), digest_size=16).digest()
        if key in seen:
            continue
        seen[key] = text
        if len(seen) >= 8 * count:
            smallest = heapq.nsmallest(count, seen.items())
            seen = dict(smallest)
    smallest = heapq.nsmallest(count, seen.items())
    if not smallest:
        wanted = f" in {', '.join(languages)}" if languages else ""
        raise InputError.expected(path, f"lines with text{wanted}", "none", "Name another --text file.")
    return [text for _, text in smallest]


def _read_texts(path: Path, languages: Collection[str]) -> Iterator[str]:
    for _, record in read_records(path, "--text"):
        text = record.get("text", record.get("passage"))
        language = record.get("lang")
        wanted = not languages or language is None or language in languages
        if isinstance(text, str) and text.strip() and wanted:
            yield text


def read_records(path: Path, option: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield each line's place, ``file:line``, and its object; blank lines are passed over.

    Raises
    ------
    InputError
        The file, which ``option`` named, is missing, or is damaged, or a line of it is no JSON object.
    """
    number = 0
    try:
        with _open_text(path, option) as lines:
            for number, line in enumerate(lines, start=1):
                if line.strip():
                    yield f"{path}:{number}", _parse_object(line, f"{path}:{number}")
    except UnicodeDecodeError as error:
        got = f"byte {error.object[error.start]:#04x}"
        raise InputError.expected(
            path, f"UTF-8 after line {number}", got, "Save the file as UTF-8."
        ) from error


def _parse_object(line: str, where: str) -> dict[str, Any]:
    try:
        record = json.loads(line)
    except ValueError as error:
        raise InputError.expected(where, "a JSON object", str(error), "Correct the line.") from error
    if not isinstance(record, dict):
        raise InputError.expected(where, "a JSON object", line.strip()[:40], "Correct the line.")
    return record


@contextmanager
def _open_text(path: Path, option: str) -> Iterator[IO[str]]:
    if not path.is_file():
        raise InputError.expected(option, "a JSON Lines file", str(path), "Check the path.")
    if path.suffix != ".zst":
        with path.open(encoding="utf-8-sig") as lines:
            yield lines
        return
    import zstandard

    try:
        with (
            path.open("rb") as raw,
            zstandard.ZstdDecompressor(max_window_size=LARGEST_WINDOW).stream_reader(raw) as plain,
        ):
            yield io.TextIOWrapper(plain, encoding="utf-8-sig")
    except zstandard.ZstdError as error:
        raise InputError.expected(path, "a zstd file", str(error), "Was it fully downloaded?") from error
