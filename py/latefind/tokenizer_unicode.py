r"""Characters as the ``tokenizers`` library sees them, whatever Unicode version the running Python has.

The library mixes Unicode versions: punctuation and marks as of Unicode 8, decompositions as of Unicode 9,
words and lowercase as of 16 and 17. CPython 3.11 has Unicode 14, 3.14 has 16. A model was trained with the
library's tables, so those are the ones that count. Where they differ from Python's:

==================  ===========================================================================
white space         ``str.isspace`` also accepts U+001C-U+001F; Rust's ``char::is_whitespace`` does not
categories          marks and punctuation assigned after Unicode 8 are ordinary characters
lowercase           ``str.lower`` is used one character at a time, so that sigma is never final and İ gives
                    two code points; pairs newer than Unicode 14 come from a table
decomposition       characters that Unicode gave a decomposition or a combining class after version 9 are left
                    alone; everything older is frozen by Unicode's stability policy
words (``\w``)      letters and marks, but also circled letters, which ``str.isalnum`` refuses
letters, numbers    those of Unicode 16 to regular expressions, of 17 where ``Digits`` asks for numbers
==================  ===========================================================================

The tables are in :mod:`latefind.tokenizer_tables`. Imports the standard library only.
"""

import unicodedata
from bisect import bisect_right

from latefind import tokenizer_tables as tables

WHITE_SPACE = frozenset(
    "\t\n\v\f\r \x85\xa0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a"
    "\u2028\u2029\u202f\u205f\u3000"
)
"""Unicode's White_Space property: ``char::is_whitespace`` and the regex crate's ``\\s``."""

CHINESE = "3400-4dbf 4e00-9fff f900-faff 20000-2a6df 2a700-2b81f 2b920-2ceaf 2f800-2fa1f"
"""What ``BertNormalizer`` surrounds with spaces. The gap from U+2B820 is the library's own."""


class CharacterSet:
    """A set of characters given as hexadecimal ranges, parsed on first use."""

    def __init__(self, ranges: str) -> None:
        self._source = ranges
        self._bounds: list[int] = []

    def __contains__(self, character: str) -> bool:
        if not self._bounds:
            self._parse()
        # Bounds are start, end + 1, start, end + 1, ...: inside a range their count so far is odd.
        return bisect_right(self._bounds, ord(character)) % 2 == 1

    def _parse(self) -> None:
        for item in self._source.split():
            low, _, high = item.partition("-")
            self._bounds += (int(low, 16), int(high or low, 16) + 1)


REMOVED = CharacterSet(tables.REMOVED)
NONSPACING_MARKS = CharacterSet(tables.NONSPACING_MARKS)
MARKS = CharacterSet(tables.MARKS)
PUNCTUATION = CharacterSet(tables.PUNCTUATION)
WORD = CharacterSet(tables.WORD)
LETTERS = CharacterSet(tables.LETTERS)
NUMBERS = CharacterSet(tables.NUMBERS)
NUMERIC = CharacterSet(tables.NUMERIC)
CHINESE_CHARACTERS = CharacterSet(CHINESE)
_INERT = CharacterSet(tables.INERT)

_NEWER_LOWERCASE = {
    chr(int(upper, 16)): chr(int(lower, 16))
    for upper, lower in (pair.split(":") for pair in tables.LOWERCASE.split())
}


class Replacements(dict[str, str]):
    """A character's replacement, worked out once per distinct character."""

    def __missing__(self, character: str) -> str:
        replacement = self[character] = self.replace(character)
        return replacement

    def replace(self, character: str) -> str:
        """Return what ``character`` becomes: itself, nothing, or several characters."""
        raise NotImplementedError


class Lowercase(Replacements):
    """Rust's ``char::to_lowercase``: no context, so no final sigma."""

    def replace(self, character: str) -> str:
        """Return the lowercase mapping, one or two code points."""
        return _NEWER_LOWERCASE.get(character) or character.lower()


class Decomposition(Replacements):
    """Full decomposition of one character, canonical or (``compatible``) compatible."""

    def __init__(self, compatible: bool) -> None:
        super().__init__()
        self._form = "NFKD" if compatible else "NFD"

    def replace(self, character: str) -> str:
        """Return the decomposition, or the character itself where the library has none."""
        if character in _INERT:
            return character
        return unicodedata.normalize(self._form, character)  # type: ignore[arg-type]


class CombiningClasses(dict[str, int]):
    """Canonical combining classes, worked out once per distinct character."""

    def __missing__(self, character: str) -> int:
        value = 0 if character in _INERT else unicodedata.combining(character)
        self[character] = value
        return value


def compose(first: str, second: str) -> str | None:
    """Return the primary composite of two characters, or None where the library knows of none."""
    composed = unicodedata.normalize("NFC", first + second)
    if len(composed) != 1 or composed in _INERT or first in _INERT or second in _INERT:
        return None
    return composed
