r"""Byte-level text: every byte of UTF-8 spelled as one printable character, as GPT-2 began it.

A vocabulary of byte-level pieces knows every text without an unknown token. The pre-tokenizer splits text by
GPT-2's expression and spells the words; a character of several bytes gives characters of one origin, so a
token that is only part of it gets the range of all of it. The post-processor takes spaces out of the offsets.
"""

from collections.abc import Mapping

from latefind.tokenizer_expressions import GPT2, compiled, find
from latefind.tokenizer_fields import Fields
from latefind.tokenizer_text import AlignedText, byte_owners
from latefind.tokenizer_unicode import WHITE_SPACE


def _spellings() -> dict[int, str]:
    """Return a character for each byte: itself where it is printable Latin-1, else one from U+0100 on."""
    plain = {*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)}
    others = iter(range(0x100, 0x200))
    return {byte: chr(byte if byte in plain else next(others)) for byte in range(256)}


SPELLINGS = _spellings()

_SPACES = WHITE_SPACE | {SPELLINGS[ord(" ")]}


class ByteLevelPreTokenizer:
    """Splits text as GPT-2 does, unless told not to, and spells the bytes of each word."""

    def __init__(self, add_prefix_space: bool, use_regex: bool) -> None:
        self._add_prefix_space = add_prefix_space
        self._expression = compiled(GPT2) if use_regex else None

    @classmethod
    def from_fields(cls, fields: Fields) -> "ByteLevelPreTokenizer":
        """Read the flags; ``trim_offsets`` matters to the post-processor only."""
        fields.flag("trim_offsets")
        return cls(fields.flag("add_prefix_space"), fields.optional_flag("use_regex") is not False)

    def split(self, text: AlignedText) -> list[AlignedText]:
        """Return the words, spelled as bytes."""
        if self._add_prefix_space and not text.text.startswith(" "):
            text = AlignedText(f" {text.text}", [text.origins[0], *text.origins])
        if self._expression is None:
            return [_spelled(text)]
        return [_spelled(text.cut(start, end)) for start, end in find(self._expression, text.text)]


def _spelled(text: AlignedText) -> AlignedText:
    origins = text.origins
    if not text.text.isascii():
        origins = [origins[owner] for owner in byte_owners(text.text)]
    return AlignedText(text.text.encode().decode("latin-1").translate(SPELLINGS), origins)


class OffsetTrimmer:
    """Takes spaces at the ends of tokens out of their offsets."""

    def __init__(self, add_prefix_space: bool) -> None:
        self._add_prefix_space = add_prefix_space
        self._spellings: dict[int, str] = {}

    def trim(
        self,
        ids: list[int],
        offsets: list[tuple[int, int]],
        found: Mapping[int, str],
        vocabulary: Mapping[str, int],
    ) -> list[tuple[int, int]]:
        """Return the trimmed offsets of a text's tokens.

        Parameters
        ----------
        ids : list of int
            The tokens, without those that a post-processor adds.
        offsets : list of (int, int)
            Their ranges in the text.
        found : mapping
            By position in ``ids``, the text of each added token that was found in the text.
        vocabulary : mapping
            The model's, for how all other tokens are spelled.
        """
        if not self._spellings:
            self._spellings = dict(zip(vocabulary.values(), vocabulary, strict=True))
        trimmed = []
        for position, (token, (start, end)) in enumerate(zip(ids, offsets, strict=True)):
            leading, trailing = _spaces(found[position] if position in found else self._spellings[token])
            if leading == 1 and self._add_prefix_space and (position == 0 or start == 0):
                leading = 0  # This one may be the space that the pre-tokenizer put in.
            start = min(start + leading, end)
            if end >= trailing:
                end = max(end - trailing, start)
            trimmed.append((start, end))
        return trimmed


def _spaces(spelling: str) -> tuple[int, int]:
    """Return how many spaces a token begins and ends with; if it has nothing else, both are all of them."""
    leading = trailing = 0
    while leading < len(spelling) and spelling[leading] in _SPACES:
        leading += 1
    while trailing < len(spelling) and spelling[-1 - trailing] in _SPACES:
        trailing += 1
    return leading, trailing
