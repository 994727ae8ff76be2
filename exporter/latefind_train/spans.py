"""Relate the tokens of two vocabularies: which of the teacher's tokens each of the student's stands for.

Both see the same words and cut them differently. A student's piece stands for those of the teacher's pieces
that share a letter with it; where one side cannot read a word, the word as a whole stands for the word.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache

from latefind_train.wordpiece import Word, WordPiece


@dataclass(frozen=True, slots=True)
class Aligned:
    """One text in both vocabularies, without special tokens.

    ``starts`` and ``ends`` have for each of the student's ids the teacher's tokens that it stands for.
    """

    student: Sequence[int]
    teacher: Sequence[int]
    starts: Sequence[int]
    ends: Sequence[int]


class Aligner:
    """Cuts words by both vocabularies."""

    def __init__(self, teacher: WordPiece, student: WordPiece) -> None:
        self.teacher, self.student = teacher, student
        self._word = lru_cache(maxsize=200_000)(self._align_word)

    def align(self, words: Iterable[Word], longest: int) -> Aligned:
        """Return the ids of ``words``, cut at ``longest`` of either, whole words only (one at least)."""
        student: list[int] = []
        teacher: list[int] = []
        starts: list[int] = []
        ends: list[int] = []
        for word in words:
            own, theirs, first, last = self._word(word)
            if student and max(len(student) + len(own), len(teacher) + len(theirs)) > longest:
                break
            starts += [len(teacher) + place for place in first]
            ends += [len(teacher) + place for place in last]
            student += own
            teacher += theirs
        return Aligned(student[:longest], teacher, starts[:longest], ends[:longest])

    def _align_word(
        self, word: Word
    ) -> tuple[tuple[int, ...], tuple[int, ...], tuple[int, ...], tuple[int, ...]]:
        own, theirs = self.student.pieces_of(word), self.teacher.pieces_of(word)
        mine, others = self.student.lengths(own), self.teacher.lengths(theirs)
        if 0 in mine or 0 in others or sum(mine) != sum(others):
            return own, theirs, (0,) * len(own), (len(theirs),) * len(own)
        first, last = overlapping(mine, others)
        return own, theirs, tuple(first), tuple(last)


def overlapping(mine: Sequence[int], others: Sequence[int]) -> tuple[list[int], list[int]]:
    """Return, for pieces of these lengths, the first and the end of the others that share a letter with each.

    Both lists of lengths have the same sum.
    """
    bounds = [0]
    for length in others:
        bounds.append(bounds[-1] + length)
    first, last, start = [], [], 0
    for length in mine:
        end = start + length
        shared = [place for place in range(len(others)) if bounds[place] < end and bounds[place + 1] > start]
        first.append(shared[0])
        last.append(shared[-1] + 1)
        start = end
    return first, last
