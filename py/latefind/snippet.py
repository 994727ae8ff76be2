"""Snippets: the part of a passage that a result shows, and where its words are in it.

A snippet is a run of whole words of the passage, white space collapsed. It opens where a sentence does, or
inside one that is longer than a snippet, and there where what the query matched is densest: every word of the
query counts once, by its best match inside.
"""

import re
from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

LENGTH = 240
"""Code points of a snippet, ellipses not counted."""

LONGEST_PIECE = 60
"""Code points without a space after which a text may be cut all the same: not every script has spaces."""

STEP = 80
"""Code points between two places where a snippet may open inside a sentence that is too long for one."""

_PIECE = re.compile(rf"\S{{1,{LONGEST_PIECE}}}")
_SENTENCE_END = re.compile(r"[.!?:;…][\"'”’»)\]]*$|[。！？][」』”’）]*$")
_WORD = re.compile(r"\w{3,}")


@dataclass(frozen=True, slots=True)
class Snippet:
    """Shown text, and the part of the passage that it stands for.

    ``places`` are pairs of where a piece of the passage starts and where that is in ``text``.
    """

    text: str
    start: int
    end: int
    places: Sequence[tuple[int, int]]

    def place(self, position: int) -> int:
        """Return where the passage's code point ``position``, which is shown, is in the snippet."""
        start, shown = self.places[bisect_left(self.places, (position + 1, 0)) - 1]
        return shown + position - start


def make_snippet(text: str, query: str) -> str:
    """Return at most ``LENGTH`` code points of ``text`` (plus ellipses), whitespace collapsed.

    Words are compared by their first five letters, case folded, which stands in for stemming: "threads"
    meets "threading". Ties go to the earlier sentence.
    """
    stems = {stem: row for row, stem in enumerate(sorted(_stems(query)))}
    spans = []
    rows = []
    for match in _WORD.finditer(text):
        row = stems.get(match[0].casefold()[:5])
        if row is not None:
            spans.append(match.span())
            rows.append(row)
    strengths = np.zeros((len(stems), len(spans)), np.float32)
    strengths[rows, np.arange(len(spans))] = 1
    return cut_snippet(text, spans, strengths).text


def _stems(text: str) -> set[str]:
    return {word[:5] for word in _WORD.findall(text.casefold())}


def cut_snippet(text: str, spans: Sequence[tuple[int, int]], strengths: npt.NDArray[np.float32]) -> Snippet:
    """Return the part of ``text`` that the query matched best; of equal ones the first.

    Parameters
    ----------
    spans : sequence of (int, int)
        Words of the text, ascending.
    strengths : float32, shape (query words, spans)
        How well each word of the query matched each of them, 0 for not at all.
    """
    pieces = [match.span() for match in _PIECE.finditer(text)]
    if not pieces:
        return Snippet("", 0, 0, [(0, 0)])
    flat = _flatten(pieces)
    ends_shown = [end for _, end in flat]
    starts, ends = [start for start, _ in spans], [end for _, end in spans]
    best, chosen = -1.0, (0, 0)
    for first in _openings(text, pieces, flat):
        last = bisect_right(ends_shown, flat[first][0] + LENGTH)
        low, high = bisect_left(starts, pieces[first][0]), bisect_left(ends, pieces[last - 1][1] + 1)
        value = float(strengths[:, low:high].max(axis=1, initial=0).sum()) if high > low else 0.0
        if value > best + 1e-6:
            best, chosen = value, (first, last)
    return _show(text, pieces, flat, *chosen)


def _flatten(pieces: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
    """Return where each piece would start and end if all white space were one space."""
    flat: list[tuple[int, int]] = []
    at = 0
    for number, (start, end) in enumerate(pieces):
        at += bool(number) and pieces[number - 1][1] < start
        flat.append((at, at + end - start))
        at += end - start
    return flat


def _openings(text: str, pieces: Sequence[tuple[int, int]], flat: Sequence[tuple[int, int]]) -> list[int]:
    """Return the pieces that a snippet may begin with: those that begin a sentence, and some of long ones."""
    openings = [0]
    for number in range(1, len(pieces)):
        (before, end), (start, _) = pieces[number - 1], pieces[number]
        gap = text[end:start]
        # A sentence ends before a space, in scripts that have them; elsewhere anywhere.
        if "\n" in gap or (_SENTENCE_END.search(text, before, end) and (gap or text[end - 1] > "\u2fff")):
            openings.append(number)
    within: list[int] = []
    for first, after in zip(openings, [*openings[1:], len(pieces)], strict=True):
        if flat[after - 1][1] - flat[first][0] > LENGTH:
            at = first
            for number in range(first + 1, after):
                if flat[number][0] - flat[at][0] >= STEP:
                    within.append(number)
                    at = number
    return sorted([*openings, *within])


def _show(
    text: str, pieces: Sequence[tuple[int, int]], flat: Sequence[tuple[int, int]], first: int, last: int
) -> Snippet:
    """Return pieces ``first`` up to ``last`` as a snippet, with ellipses where text is left out."""
    shown = "… " if first else ""
    places = []
    for number in range(first, last):
        start, end = pieces[number]
        if number > first and pieces[number - 1][1] < start:
            shown += " "
        places.append((start, len(shown)))
        shown += text[start:end]
    return Snippet(
        shown + (" …" if last < len(pieces) else ""), pieces[first][0], pieces[last - 1][1], places
    )
