"""Which words of a passage a query matched best: similarities of tokens, gathered into words.

An index cannot say: its vectors are pooled, several tokens in one, in no order that could be undone. So the
best passage of each result that is shown is encoded again, as it was when the index was built, and its tokens
meet the query's as in MaxSim, exact, unpooled and unquantised.

A word's vector is not enough to tell whether it matters. In every model that was looked at, "the" of a query
is most similar to some "the" of a passage that answers, which is part of MaxSim's score and nothing that a
reader wants to see. So a match counts by how common both of its words are (:mod:`latefind.commonness`).
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from latefind.model import Span
from latefind.results import Highlight, Highlighted, Match
from latefind.snippet import Snippet, cut_snippet

WEAKEST = 0.45
"""Least strength of a highlight beside the passage's strongest. Below are the words that question words
("what", "how") happen to resemble; synonyms and inflections of what was asked lie above."""

FAINTEST = 0.1
"""Least strength of all: where even the strongest is this faint, nothing is marked."""

NEARLY_BEST = 0.85
"""A query word marks its best match and those this near to it: the same word further on, its plural."""

_WORD = re.compile(r"\w+(?:[-'’.]\w+)*")

_UNSPACED = re.compile("[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff]")
"""Scripts that put no space between words: there a token is what is marked."""

Commonness = Callable[[str], float]
"""What a word counts for: from 0 (in about every section) to 1 (in few)."""


@dataclass(frozen=True, slots=True)
class Words:
    """Words of a text, ascending, and the rows of its token vectors that belong to each."""

    texts: Sequence[str]
    spans: Sequence[Span]
    rows: Sequence[Sequence[int]]


def find_words(text: str, tokens: Sequence[Span]) -> Words:
    """Return the words of ``text`` that tokens stand for.

    Parameters
    ----------
    tokens : sequence of (int, int)
        For each row of vectors the code points of its token, (0, 0) for none; ascending.
    """
    words = [match.span() for match in _WORD.finditer(text)]
    unspaced = [bool(_UNSPACED.search(text, start, end)) for start, end in words]
    owned: dict[Span, list[int]] = {}
    at = 0
    for row, (start, end) in enumerate(tokens):
        if start == end:
            continue
        while at < len(words) and words[at][1] <= start:
            at += 1
        if at < len(words) and words[at][0] < end:
            first, last = words[at]
            span = (max(start, first), min(end, last)) if unspaced[at] else (first, last)
            owned.setdefault(span, []).append(row)
    return Words([text[start:end] for start, end in owned], list(owned), list(owned.values()))


def compare_words(
    query: npt.NDArray[np.float32], passage: npt.NDArray[np.float32], asked: Words, found: Words
) -> npt.NDArray[np.float32]:
    """Return the similarity of every word of a query with every word of a passage.

    Parameters
    ----------
    query, passage : float32, shape (Q, D) and (P, D)
        Token embeddings of unit length; the rows of ``asked`` and ``found``.

    Returns
    -------
    float32, shape (asked words, found words), -1 to 1
        MaxSim of the two words, divided by the query word's tokens: each has its most similar token of the
        passage's word, and the mean of those counts.
    """
    if not asked.rows or not found.rows:
        return np.zeros((len(asked.rows), len(found.rows)), np.float32)
    tokens = [row for rows in asked.rows for row in rows]
    columns = [row for rows in found.rows for row in rows]
    similarities = query[tokens] @ passage[columns].T  # (tokens, columns)
    best = np.maximum.reduceat(similarities, _firsts(found), axis=1)  # (tokens, found words)
    counts = np.array([len(rows) for rows in asked.rows], np.float32)
    sums = np.add.reduceat(best, _firsts(asked), axis=0)
    return np.asarray(sums / counts[:, None], np.float32)


def _firsts(words: Words) -> npt.NDArray[np.intp]:
    return np.cumsum([0, *(len(rows) for rows in words.rows[:-1])])


def weigh_matches(
    similarities: npt.NDArray[np.float32],
    asked: npt.NDArray[np.float32],
    found: npt.NDArray[np.float32],
) -> npt.NDArray[np.float32]:
    """Return the strength of each match: similarity above the word's average, times what both words count.

    ``similarities`` is (U, W), ``asked`` (U,) and ``found`` (W,) are from 0 to 1. The average is over the
    passage's words, so that a word that resembles everything stands out nowhere.
    """
    if not similarities.size:
        return similarities
    above = np.maximum(similarities - similarities.mean(axis=1, keepdims=True), 0)
    strengths: npt.NDArray[np.float32] = above * asked[:, None] * found
    return strengths


def mark_words(strengths: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """Return the weight of every word of the passage, float32 (W,): 0 for those that are not marked.

    ``strengths`` is (U, W). A word has the strength of the best match of which it is as good as the best
    half; weights are strengths divided by the largest.
    """
    nearly = strengths >= NEARLY_BEST * strengths.max(axis=1, initial=0, keepdims=True)
    best = np.where(nearly, strengths, np.float32(0)).max(axis=0, initial=0)
    strongest = float(best.max(initial=0))
    if strongest < FAINTEST:
        return np.zeros(strengths.shape[1], np.float32)
    weights: npt.NDArray[np.float32] = np.where(best >= FAINTEST, best / np.float32(strongest), np.float32(0))
    return np.where(weights >= WEAKEST, weights, np.float32(0))


@dataclass(frozen=True, slots=True)
class Passage:
    """A passage as it was encoded, and its token vectors.

    Attributes
    ----------
    number : int
        Of its section in the index.
    text : str
        What the encoder saw: title and heading, then the passage's own text.
    own : int
        Where the passage's own text begins in it.
    tokens : sequence of (int, int)
        Code points of each vector's token in ``text``.
    vectors : float32, shape (P, D)
    """

    number: int
    text: str
    own: int
    tokens: Sequence[Span]
    vectors: npt.NDArray[np.float32]


def highlight_passage(
    query: npt.NDArray[np.float32], asked: Words, passage: Passage, commonness: Commonness
) -> Highlighted:
    """Return the part of a passage that matches a query best, and the words of it that do.

    ``query`` is float32 (Q, D), ``asked`` its words. Titles are not part of a snippet, so a match there
    explains and marks nothing.
    """
    found = find_words(passage.text, passage.tokens)
    similarities = compare_words(query, passage.vectors, asked, found)
    counts = np.array([commonness(word) for word in asked.texts], np.float32)
    worth = np.array([commonness(word) for word in found.texts], np.float32)
    first = next((n for n, (start, _) in enumerate(found.spans) if start >= passage.own), len(found.spans))
    strengths = weigh_matches(similarities, counts, worth)[:, first:]
    spans = [(start - passage.own, end - passage.own) for start, end in found.spans[first:]]
    snippet = cut_snippet(passage.text[passage.own :], spans, strengths)
    highlights = _place(snippet, spans, mark_words(strengths))
    return Highlighted(passage.number, snippet.text, highlights, _explain(asked, found, similarities, counts))


def _place(snippet: Snippet, spans: Sequence[Span], weights: npt.NDArray[np.float32]) -> list[Highlight]:
    """Return the marked words that the snippet shows whole, in its code units."""
    units = np.cumsum([0, *(1 + (character > "\uffff") for character in snippet.text)]).tolist()
    highlights = []
    for (start, end), weight in zip(spans, weights.tolist(), strict=True):
        if weight > 0 and snippet.start <= start and end <= snippet.end:
            shown = snippet.place(start), snippet.place(end - 1) + 1
            highlights.append(Highlight(units[shown[0]], units[shown[1]], weight))
    return highlights


def _explain(
    asked: Words, found: Words, similarities: npt.NDArray[np.float32], counts: npt.NDArray[np.float32]
) -> list[Match]:
    if not found.texts:
        return []
    best = similarities.argmax(axis=1).tolist()
    return [
        Match(word, found.texts[place], float(similarities[row, place]), float(counts[row]))
        for row, (word, place) in enumerate(zip(asked.texts, best, strict=True))
    ]
