"""Keep evaluation text out of training: rows that share passages with it are found and dropped.

A row is dropped where its query or its passage shares with any text of a set

* a run of :data:`LONG` words, or
* :data:`SHARE` of its runs of :data:`SHORT` words (at least :data:`FEWEST` of them), or
* all its words, where they are :data:`WHOLE` or more: questions and headings are too short for runs.
"""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from latefind.errors import InputError
from latefind_train.shingles import Counts, Hashes, Known, Numbering, Texts, shingles, whole
from latefind_train.sources import Row

LONG = 13
SHORT = 8
SHARE = 0.2
FEWEST = 3
WHOLE = 4


@dataclass
class Forbidden:
    """What training may not contain: hashes of each set, which ``add`` collects.

    Hashes of all sets together are looked up first, as hardly any text has one of them.
    """

    numbering: Numbering = field(default_factory=Numbering)
    sets: dict[str, tuple[Known, ...]] = field(default_factory=dict)
    _all: tuple[Known, ...] = ()

    def add(self, name: str, texts: Sequence[str]) -> None:
        """Add the texts of a set: passages, titles and queries alike."""
        numbered = self.numbering.number(texts)
        self.sets[name] = tuple(Known(hashes) for hashes, _ in _hash(numbered))
        self._all = tuple(
            Known(np.concatenate([known.values for known in kind]))
            for kind in zip(*self.sets.values(), strict=True)
        )

    def find(self, rows: Sequence[Row]) -> list[str]:
        """Return for each row the first set that it is too near to, or ""."""
        texts = self.numbering.number(text for row in rows for text in (row.query, row.passage))
        hashed = []
        for (hashes, owners), known in zip(_hash(texts), self._all, strict=True):
            hit = known.has(hashes)
            hashed.append((hashes[hit], owners[hit]))
        windows = np.maximum(texts.lengths - SHORT + 1, 1)
        found = [""] * len(rows)
        for name, known_hashes in self.sets.items():
            shared, shared_short, equal = (
                np.bincount(owners[known.has(hashes)], minlength=len(texts.lengths))
                for (hashes, owners), known in zip(hashed, known_hashes, strict=True)
            )
            near = (shared > 0) | (equal > 0)
            near |= (shared_short >= FEWEST) & (shared_short >= SHARE * windows)
            for number in np.flatnonzero(near) // 2:  # two texts a row
                found[number] = found[number] or name
        return found


def _hash(texts: Texts) -> tuple[tuple[Hashes, Counts], ...]:
    """Return long runs, short runs and whole texts, each with the number of its text."""
    return shingles(texts, LONG), shingles(texts, SHORT), whole(texts, WHOLE)


def read_sets(folder: Path) -> Iterator[tuple[str, list[str]]]:
    """Yield the name and all texts of each set in BEIR's format below ``folder``.

    Raises
    ------
    InputError
        There is no set.
    """
    paths = sorted(folder.glob("*/corpus.jsonl"))
    if not paths:
        raise InputError.expected(folder, "sets: folders with corpus.jsonl", "none", "Name them with --eval.")
    for path in paths:
        texts = []
        for line in path.read_text("utf-8").splitlines():
            record = json.loads(line)
            texts += [text for text in (record.get("title"), record["text"]) if text]
        queries = path.with_name("queries.jsonl").read_text("utf-8").splitlines()
        yield path.parent.name, texts + [json.loads(line)["text"] for line in queries]
