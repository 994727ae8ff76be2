"""Pre-tokenizers that split text at what they find in it: ``Split``, ``Digits``, ``CharDelimiterSplit``.

What is found is a delimiter, and ``behavior`` says what becomes of it; inverted, what is between is.
"""

import re
from collections.abc import Callable
from itertools import groupby, pairwise
from operator import itemgetter

from latefind.tokenizer_expressions import KNOWN, Span, compiled, find
from latefind.tokenizer_fields import Fields
from latefind.tokenizer_text import AlignedText
from latefind.tokenizer_unicode import NUMERIC

Part = tuple[int, int, bool]
"""A part of a text: where it starts and ends, and whether it is a delimiter."""

Finder = Callable[[str], list[Span]]


def _isolated(parts: list[Part]) -> list[Span]:
    return [(start, end) for start, end, _ in parts]


def _removed(parts: list[Part]) -> list[Span]:
    return [(start, end) for start, end, delimits in parts if not delimits]


def _contiguous(parts: list[Part]) -> list[Span]:
    runs = [list(run) for _, run in groupby(parts, key=itemgetter(2))]
    return [(run[0][0], run[-1][1]) for run in runs]


def _merged_with_previous(parts: list[Part]) -> list[Span]:
    """Give the first delimiter of a run to what is before it."""
    spans: list[Span] = []
    previous = False
    for start, end, delimits in parts:
        if delimits and not previous and spans:
            spans[-1] = (spans[-1][0], end)
        else:
            spans.append((start, end))
        previous = delimits
    return spans


def _merged_with_next(parts: list[Part]) -> list[Span]:
    """Give the last delimiter of a run to what is after it."""
    mirrored = [(-end, -start, delimits) for start, end, delimits in reversed(parts)]
    return [(-end, -start) for start, end in reversed(_merged_with_previous(mirrored))]


BEHAVIORS: dict[str, Callable[[list[Part]], list[Span]]] = {
    "Contiguous": _contiguous,
    "Isolated": _isolated,
    "MergedWithNext": _merged_with_next,
    "MergedWithPrevious": _merged_with_previous,
    "Removed": _removed,
}


class SplitPreTokenizer:
    """Splits text at what a finder finds."""

    def __init__(self, finder: Finder, behavior: str, *, invert: bool = False) -> None:
        self._finder = finder
        self._behave = BEHAVIORS[behavior]
        self._invert = invert

    @classmethod
    def from_fields(cls, fields: Fields) -> "SplitPreTokenizer":
        """Read ``Split``: a string, or a regular expression out of those that can be reproduced."""
        behavior = fields.text("behavior")
        if behavior not in BEHAVIORS:
            fields.fail("behavior", " or ".join(BEHAVIORS))
        return cls(_finder(fields.child("pattern")), behavior, invert=fields.flag("invert"))

    def split(self, text: AlignedText) -> list[AlignedText]:
        """Return the parts that the behavior leaves."""
        return [text.cut(start, end) for start, end in self._behave(self._parts(text.text))]

    def _parts(self, text: str) -> list[Part]:
        spans = self._finder(text)
        parts = [(start, end, not self._invert) for start, end in spans]
        edges = [(0, 0), *spans, (len(text), len(text))]
        parts += [(end, start, self._invert) for (_, end), (start, _) in pairwise(edges) if end < start]
        return sorted(parts)


def digits(fields: Fields) -> SplitPreTokenizer:
    """Read ``Digits``: numbers stand alone, or each of their digits does."""

    def finder(text: str) -> list[Span]:
        return [(index, index + 1) for index, character in enumerate(text) if character in NUMERIC]

    return SplitPreTokenizer(finder, "Isolated" if fields.flag("individual_digits") else "Contiguous")


def delimiter(fields: Fields) -> SplitPreTokenizer:
    """Read ``CharDelimiterSplit``: splits at a character, which is dropped."""
    character = fields.text("delimiter")
    if len(character) != 1:
        fields.fail("delimiter", "one character")
    return SplitPreTokenizer(_string_finder(character), "Removed")


def _finder(pattern: Fields) -> Finder:
    expression = pattern.optional_text("Regex")
    if expression is None:
        string = pattern.text("String")
        if not string:
            pattern.fail("String", "a string, not empty")
        return _string_finder(string)
    if expression not in KNOWN:
        pattern.fail(
            "Regex",
            "one of the expressions of GPT-2, GPT-4, Llama 3 and Qwen 2",
            "Choose a model whose tokenizer splits text as these do.",
        )
    known = compiled(expression)
    return lambda text: find(known, text)


def _string_finder(string: str) -> Finder:
    escaped = re.compile(re.escape(string))
    return lambda text: [match.span() for match in escaped.finditer(text)]
