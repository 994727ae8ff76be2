"""Pre-tokenizers of ``tokenizer.json``: how normalized text is split into words.

Each takes an :class:`~latefind.tokenizer_text.AlignedText` and returns its non-empty words. A pre-tokenizer
may change the text of a word (byte-level ones do), so words are aligned texts too.
"""

from collections.abc import Callable, Iterator
from itertools import groupby, pairwise
from typing import Protocol

from latefind.tokenizer_fields import Fields, build
from latefind.tokenizer_text import AlignedText
from latefind.tokenizer_unicode import PUNCTUATION, WHITE_SPACE, WORD, CharacterSet


class PreTokenizer(Protocol):
    """Splits a text into words."""

    def split(self, text: AlignedText) -> list[AlignedText]:
        """Return the words, none of them empty."""
        ...


_SPACE, _SEPARATE, _INSIDE, _OTHER = range(4)


class _Kinds(dict[str, int]):
    """What a character is to a pre-tokenizer, worked out once per distinct character."""

    def __init__(self, *kinds: tuple[frozenset[str] | CharacterSet, int], default: int) -> None:
        super().__init__()
        self._kinds = kinds
        self._default = default

    def __missing__(self, character: str) -> int:
        found = next((kind for members, kind in self._kinds if character in members), self._default)
        self[character] = found
        return found


class RunPreTokenizer:
    """Splits into runs of one kind: white space is dropped, separate characters stand alone."""

    def __init__(self, kinds: _Kinds) -> None:
        self._kinds = kinds

    def split(self, text: AlignedText) -> list[AlignedText]:
        """Return the runs and the separate characters."""
        words = []
        position = 0
        for kind, group in groupby(map(self._kinds.__getitem__, text.text)):
            end = position + len(list(group))
            if kind == _SEPARATE:
                words += [text.cut(index, index + 1) for index in range(position, end)]
            elif kind != _SPACE:
                words.append(text.cut(position, end))
            position = end
        return words


class PunctuationPreTokenizer:
    """Splits at punctuation; ``behavior`` says what becomes of the punctuation."""

    BEHAVIORS = ("Isolated", "Removed", "Contiguous", "MergedWithPrevious", "MergedWithNext")

    def __init__(self, behavior: str) -> None:
        self._behavior = behavior

    @classmethod
    def from_fields(cls, fields: Fields) -> "PunctuationPreTokenizer":
        """Read ``behavior``, by default "Isolated"."""
        behavior = fields.raw("behavior") or "Isolated"
        if behavior not in cls.BEHAVIORS:
            fields.fail("behavior", " or ".join(cls.BEHAVIORS))
        return cls(behavior)

    def split(self, text: AlignedText) -> list[AlignedText]:
        """Return the parts between punctuation, and the punctuation according to the behavior."""
        return [text.cut(start, end) for start, end in self._ranges(text.text)]

    def _ranges(self, text: str) -> Iterator[tuple[int, int]]:
        start = position = 0
        for is_mark, group in groupby(text, PUNCTUATION.__contains__):
            end = position + len(list(group))
            if not is_mark:
                if self._behavior != "MergedWithPrevious":
                    yield start, end
                    start = end
                elif end == len(text):
                    yield start, end
            elif self._behavior == "Contiguous":
                yield position, end
                start = end
            elif self._behavior == "Removed":
                start = end
            else:
                cuts = {
                    "Isolated": range(position, end + 1),
                    "MergedWithPrevious": [start, *range(position + 1, end + 1)],
                    "MergedWithNext": range(position, end if end < len(text) else end + 1),
                }[self._behavior]
                yield from pairwise(cuts)
                start = cuts[-1]
            position = end


class SequencePreTokenizer:
    """Several pre-tokenizers: each splits the words of the one before."""

    def __init__(self, pre_tokenizers: list[PreTokenizer]) -> None:
        self._pre_tokenizers = pre_tokenizers

    def split(self, text: AlignedText) -> list[AlignedText]:
        """Return the words after all of them."""
        words = [text]
        for pre_tokenizer in self._pre_tokenizers:
            words = [part for word in words for part in pre_tokenizer.split(word)]
        return words


def _bert(fields: Fields) -> PreTokenizer:
    return RunPreTokenizer(_Kinds((WHITE_SPACE, _SPACE), (PUNCTUATION, _SEPARATE), default=_INSIDE))


def _whitespace(fields: Fields) -> PreTokenizer:
    return RunPreTokenizer(_Kinds((WHITE_SPACE, _SPACE), (WORD, _INSIDE), default=_OTHER))


def _whitespace_split(fields: Fields) -> PreTokenizer:
    return RunPreTokenizer(_Kinds((WHITE_SPACE, _SPACE), default=_INSIDE))


def _metaspace(fields: Fields) -> PreTokenizer:
    from latefind.tokenizer_metaspace import Metaspace

    return Metaspace.from_fields(fields)


def _sequence(fields: Fields) -> PreTokenizer:
    return SequencePreTokenizer([build(item, PRE_TOKENIZERS) for item in fields.children("pretokenizers")])


def _byte_level(fields: Fields) -> PreTokenizer:
    from latefind.tokenizer_bytelevel import ByteLevelPreTokenizer

    return ByteLevelPreTokenizer.from_fields(fields)


def _split(fields: Fields) -> PreTokenizer:
    from latefind.tokenizer_split import SplitPreTokenizer

    return SplitPreTokenizer.from_fields(fields)


def _digits(fields: Fields) -> PreTokenizer:
    from latefind.tokenizer_split import digits

    return digits(fields)


def _delimiter(fields: Fields) -> PreTokenizer:
    from latefind.tokenizer_split import delimiter

    return delimiter(fields)


PRE_TOKENIZERS: dict[str, Callable[[Fields], PreTokenizer]] = {
    "BertPreTokenizer": _bert,
    "ByteLevel": _byte_level,
    "CharDelimiterSplit": _delimiter,
    "Digits": _digits,
    "Metaspace": _metaspace,
    "Punctuation": PunctuationPreTokenizer.from_fields,
    "Sequence": _sequence,
    "Split": _split,
    "Whitespace": _whitespace,
    "WhitespaceSplit": _whitespace_split,
}
"""Pre-tokenizers by ``type``; a further one is added here, and imports its module when it is called."""
