"""Runs of words as hashes: a few seconds for millions of words, since NumPy does it for all texts at once.

A text's words are its runs of letters and digits, in lower case. A shingle is n words in a row. Two texts
that share a long shingle share a passage; two that share many short ones are versions of each other.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

WORD = re.compile(r"[^\W_]+")

FACTOR = np.uint64(0x9E3779B97F4A7C15)
"""Odd, so that multiplying by it loses nothing modulo 2**64."""

Hashes = npt.NDArray[np.uint64]
Counts = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Texts:
    """Texts as numbers of words: ``words`` of all texts in a row, and how many each text has."""

    words: Hashes
    lengths: Counts


class Numbering:
    """Gives each word that is seen a number; only texts numbered by the same one can be compared."""

    def __init__(self) -> None:
        self._numbers: dict[str, int] = {}

    def number(self, texts: Iterable[str]) -> Texts:
        """Return the words of ``texts`` as numbers from 1."""
        numbers = self._numbers
        found: list[int] = []
        lengths: list[int] = []
        for text in texts:
            words = WORD.findall(text.lower())
            found += [numbers.setdefault(word, len(numbers) + 1) for word in words]
            lengths.append(len(words))
        return Texts(np.array(found, np.uint64), np.array(lengths, np.int64))


def shingles(texts: Texts, size: int) -> tuple[Hashes, Counts]:
    """Return the hashes of all runs of ``size`` words within a text, and of which text each is.

    Time O(words · size), memory 16 bytes a word.
    """
    count = len(texts.words) - size + 1
    if count <= 0:
        return np.empty(0, np.uint64), np.empty(0, np.int64)
    owners = np.repeat(np.arange(len(texts.lengths)), texts.lengths)
    with np.errstate(over="ignore"):
        hashes = np.zeros(count, np.uint64)
        for offset in range(size):
            hashes = (hashes + _mix(texts.words[offset : offset + count])) * FACTOR
    inside = owners[:count] == owners[size - 1 :]
    return _mix(hashes[inside]), owners[:count][inside]


def whole(texts: Texts, fewest: int) -> tuple[Hashes, Counts]:
    """Return one hash for each text of at least ``fewest`` words, and of which text it is."""
    numbers = np.flatnonzero(texts.lengths >= max(fewest, 1))
    starts = np.cumsum(texts.lengths) - texts.lengths
    places = np.arange(len(texts.words)) - np.repeat(starts, texts.lengths)
    with np.errstate(over="ignore"):
        terms = _mix(texts.words) * _mix(places.astype(np.uint64) + FACTOR)
        filled = np.flatnonzero(texts.lengths)
        sums = np.zeros(len(texts.lengths), np.uint64)
        if len(filled):
            sums[filled] = np.add.reduceat(terms, starts[filled])
    return _mix(sums[numbers]), numbers


def _mix(values: Hashes) -> Hashes:
    """Spread the bits of each value over all 64."""
    with np.errstate(over="ignore"):
        mixed = (values ^ (values >> np.uint64(31))) * np.uint64(0xBF58476D1CE4E5B9)
        return np.asarray(mixed ^ (mixed >> np.uint64(29)), np.uint64)


class Known:
    """Hashes to look others up in, quickly where most are not among them."""

    BITS = 24

    def __init__(self, values: Hashes) -> None:
        self.values = np.unique(values)
        self._table = np.zeros(2**self.BITS, bool)
        self._table[self._place(self.values)] = True

    def _place(self, values: Hashes) -> npt.NDArray[np.int64]:
        return (values >> np.uint64(64 - self.BITS)).astype(np.int64)

    def has(self, values: Hashes) -> npt.NDArray[np.bool_]:
        """Return which of ``values`` are known."""
        found = self._table[self._place(values)]
        likely = np.flatnonzero(found)
        if len(likely):
            places = np.minimum(np.searchsorted(self.values, values[likely]), len(self.values) - 1)
            found[likely] = self.values[places] == values[likely]
        return found
