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
from typing import IO

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
    with _open_text(path) as lines:
        for number, line in enumerate(lines, start=1):
            try:
                record = json.loads(line)
            except ValueError as error:
                raise InputError.expected(f"{path}:{number}", "a JSON object", str(error)) from error
            if not isinstance(record, dict):
                raise InputError.expected(f"{path}:{number}", "a JSON object", type(record).__name__)
            text = record.get("text", record.get("passage"))
            language = record.get("lang")
            wanted = not languages or language is None or language in languages
            if isinstance(text, str) and text.strip() and wanted:
                yield text


@contextmanager
def _open_text(path: Path) -> Iterator[IO[str]]:
    if not path.is_file():
        raise InputError.expected("--text", "a JSON Lines file", str(path), "Check the path.")
    if path.suffix != ".zst":
        with path.open(encoding="utf-8") as lines:
            yield lines
        return
    import zstandard

    with (
        path.open("rb") as raw,
        zstandard.ZstdDecompressor(max_window_size=LARGEST_WINDOW).stream_reader(raw) as plain,
    ):
        yield io.TextIOWrapper(plain, encoding="utf-8")
