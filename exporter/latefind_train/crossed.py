"""Sentences of parallel text found again in English passages: questions whose answers are in English.

Parallel text comes as single sentences, out of which no passage can be made. Many of them stand in the
English passages of the pairs, or are their headings; there the translation asks for the passage, and the
teacher sees the English sentence in its place.
"""

import string
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from latefind_train.pack import LANGUAGES, Texts
from latefind_train.shingles import Counts, Hashes, Known, whole
from latefind_train.shingles import Texts as Words
from latefind_train.wordpiece import WordPiece

ENDS = ".?!:"
"""Where a sentence may end, in a passage."""

SHORTEST = 4
"""Pieces of a sentence; shorter ones stand in passages that they say nothing of."""

MOST = 4
"""Passages of one sentence: a boilerplate sentence is in hundreds, and asks for none of them."""


@dataclass(frozen=True)
class Crossed:
    """Which row of the parallel text asks for which of the pairs' passages, int64 (rows,) each.

    ``arrays`` has the question's ``language`` and ``source``, as :class:`latefind_train.pack.Texts` has.
    """

    arrays: Mapping[str, npt.NDArray[np.generic]]
    questions: npt.NDArray[np.int64]
    passages: npt.NDArray[np.int64]

    @property
    def rows(self) -> int:
        """How many there are."""
        return len(self.questions)


def cross(pairs: Texts, parallel: Texts, vocabulary: WordPiece) -> Crossed:
    """Find the English side of ``parallel`` in the English passages and queries of ``pairs``.

    Punctuation does not count. A sentence that is in more than :data:`MOST` passages is left out. Time and
    memory are linear in the ids.
    """
    marks, ends = _ids(vocabulary, string.punctuation), _ids(vocabulary, ENDS)
    english = pairs.arrays["language"] == LANGUAGES.index("en")
    asked, questions = _hashes(parallel, "query", np.ones(parallel.rows, bool), marks, marks[:0])
    headings, owners = _hashes(pairs, "query", english, marks, marks[:0])
    sentences, holders = _hashes(pairs, "passage", english, marks, ends)
    likely = Known(asked).has(sentences)
    hashes = np.concatenate([headings, sentences[likely]])
    passages = np.concatenate([owners, holders[likely]]).astype(np.uint64)
    found = np.unique(np.stack([hashes, passages]), axis=1)
    first, last = (np.searchsorted(found[0], asked, side=side) for side in ("left", "right"))
    count = np.where(last - first <= MOST, last - first, 0)
    places = np.repeat(first, count) + np.arange(count.sum()) - np.repeat(np.cumsum(count) - count, count)
    asking = np.repeat(questions, count)
    arrays = {name: parallel.arrays[name][asking] for name in ("language", "source")}
    return Crossed(arrays, asking, found[1][places].astype(np.int64))


def _ids(vocabulary: WordPiece, marks: str) -> npt.NDArray[np.int64]:
    found = (vocabulary.tokenizer.token_to_id(mark) for mark in marks)
    return np.array([number for number in found if number is not None], np.int64)


def _hashes(
    texts: Texts,
    name: str,
    rows: npt.NDArray[np.bool_],
    marks: npt.NDArray[np.int64],
    ends: npt.NDArray[np.int64],
) -> tuple[Hashes, Counts]:
    """Return the hash of each sentence of ``rows`` that is long enough, and of which row it is."""
    lengths = texts.arrays[f"{name}_lengths"].astype(np.int64)
    ids = texts.arrays[name][np.repeat(rows, lengths)]
    owner = np.repeat(np.flatnonzero(rows), lengths[rows])
    begins = np.ones(len(ids), bool)
    begins[1:] = (owner[1:] != owner[:-1]) | np.isin(ids[:-1], ends)
    kept = ~np.isin(ids, marks)
    sentence, owner = np.cumsum(begins)[kept], owner[kept]
    firsts = np.flatnonzero(np.diff(sentence, prepend=0))
    counts = np.diff(firsts, append=len(sentence))
    hashes, numbers = whole(Words(ids[kept].astype(np.uint64), counts), SHORTEST)
    return hashes, owner[firsts[numbers]]
