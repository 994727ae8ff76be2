"""Text that remembers where each of its characters came from.

The library tracks alignments through every change of the text, so that a token's offsets point into the
text as it was typed. All it ever records for a character is one original character, so one index per
character is enough here.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple


class AlignedText(NamedTuple):
    """Text, and for each of its characters the index of the original character that it came from."""

    text: str
    origins: Sequence[int]

    @classmethod
    def original(cls, text: str) -> "AlignedText":
        """Return ``text`` before any change."""
        return cls(text, range(len(text)))

    def cut(self, start: int, end: int) -> "AlignedText":
        """Return the characters from ``start`` up to ``end``."""
        return AlignedText(self.text[start:end], self.origins[start:end])

    def offsets(self, start: int, end: int) -> tuple[int, int]:
        """Return the range of the original text behind the non-empty range from ``start`` up to ``end``."""
        return self.origins[start], self.origins[end - 1] + 1

    def replaced(self, replacements: Mapping[str, str]) -> "AlignedText":
        """Return the text with each character replaced by nothing, one or several of the same origin.

        ``replacements`` must not both drop and add characters: an unchanged text then means that no
        character was changed.
        """
        parts = [replacements[character] for character in self.text]
        text = "".join(parts)
        if text == self.text:
            return self
        if len(text) == len(parts) and "" not in parts:
            return AlignedText(text, self.origins)
        origins = [origin for origin, part in zip(self.origins, parts, strict=True) for _ in part]
        return AlignedText(text, origins)

    def rebuilt(self, changes: Sequence[tuple[str, int]]) -> "AlignedText":
        """Return the text made of ``changes``: pairs of a character and how it relates to this text.

        As in the library, 1 is a new character, which shares the origin of the character before it; 0 takes
        the place of the next character; -N takes its place and drops the N after that.
        """
        position = 0
        origins = []
        for _, change in changes:
            if change > 0:
                origins.append(self.origins[max(position - 1, 0)])
            else:
                origins.append(self.origins[position])
                position += 1 - change
        return AlignedText("".join(character for character, _ in changes), origins)


def byte_owners(text: str) -> Sequence[int]:
    """Return for each byte of ``text`` in UTF-8 the index of its character."""
    if text.isascii():
        return range(len(text))
    return [index for index, character in enumerate(text) for _ in range(len(character.encode()))]
