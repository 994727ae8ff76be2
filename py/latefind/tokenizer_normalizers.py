"""Normalizers of ``tokenizer.json``: what happens to text before it is split into words.

Each takes an :class:`~latefind.tokenizer_text.AlignedText` and returns one. Ours behave as the library does,
including where it is odd: ``BertNormalizer`` lowercases per character, and drops form feeds as control
characters although they are white space.
"""

import re
from collections.abc import Callable
from typing import Protocol

from latefind.tokenizer_fields import Fields, build
from latefind.tokenizer_text import AlignedText
from latefind.tokenizer_unicode import (
    CHINESE_CHARACTERS,
    MARKS,
    NONSPACING_MARKS,
    REMOVED,
    WHITE_SPACE,
    CharacterSet,
    CombiningClasses,
    Decomposition,
    Lowercase,
    Replacements,
    compose,
)


class Normalizer(Protocol):
    """Changes a text."""

    def normalize(self, text: AlignedText) -> AlignedText:
        """Return the changed text."""
        ...


class _Clean(Replacements):
    def replace(self, character: str) -> str:
        if character in REMOVED:
            return ""
        return " " if character in WHITE_SPACE else character


class _SpaceChinese(Replacements):
    def replace(self, character: str) -> str:
        return f" {character} " if character in CHINESE_CHARACTERS else character


class _Drop(Replacements):
    def __init__(self, dropped: CharacterSet) -> None:
        super().__init__()
        self._dropped = dropped

    def replace(self, character: str) -> str:
        return "" if character in self._dropped else character


class _Nmt(Replacements):
    """What SentencePiece's nmt rules do before NFKC: drop control characters, unify white space."""

    _DROPPED = CharacterSet("1-8 b e-1f 7f 8f 9f")
    _SPACES = CharacterSet("9-a c-d 1680 200b-200f 2028-2029 2581 feff fffd")

    def replace(self, character: str) -> str:
        if character in self._DROPPED:
            return ""
        return " " if character in self._SPACES else character


class ReplacingNormalizer:
    """Replaces characters one by one, with nothing of their context."""

    def __init__(self, replacements: Replacements, *, ascii_unchanged: bool = False) -> None:
        self._replacements = replacements
        self._ascii_unchanged = ascii_unchanged

    def normalize(self, text: AlignedText) -> AlignedText:
        """Return the text with every character replaced."""
        if self._ascii_unchanged and text.text.isascii():
            return text
        return text.replaced(self._replacements)


class UnicodeNormalizer:
    """NFD, NFC, NFKD or NFKC."""

    def __init__(self, *, compatible: bool, composed: bool) -> None:
        self._decompositions = Decomposition(compatible)
        self._classes = CombiningClasses()
        self._composed = composed
        # Characters before this one are in the form already: in NFC, that is nearly all Latin text.
        self._first_changed = "\u0300" if composed and not compatible else "\x80"

    def normalize(self, text: AlignedText) -> AlignedText:
        """Return the text in this normalization form."""
        if text.text.isascii() or max(text.text) < self._first_changed:
            return text
        changes = self._decompose(text.text)
        if self._composed:
            changes = self._compose(changes)
        return text.rebuilt(changes)

    def _decompose(self, text: str) -> list[tuple[str, int]]:
        """Decompose every character, then sort each run of combining characters by class."""
        changes: list[tuple[str, int]] = []
        run = 0  # Where the current run of combining characters begins.
        disordered = False
        last = 0
        for character in text:
            for index, part in enumerate(self._decompositions[character]):
                current = self._classes[part]
                if current == 0:
                    if disordered:
                        changes[run:] = self._sorted(changes[run:])
                        disordered = False
                    run = len(changes) + 1
                elif current < last:
                    disordered = True
                last = current
                changes.append((part, int(index > 0)))
        if disordered:
            changes[run:] = self._sorted(changes[run:])
        return changes

    def _sorted(self, run: list[tuple[str, int]]) -> list[tuple[str, int]]:
        return sorted(run, key=lambda change: self._classes[change[0]])

    def _compose(self, changes: list[tuple[str, int]]) -> list[tuple[str, int]]:
        """Join starters with what follows them, where Unicode has one character for both."""
        result: list[tuple[str, int]] = []
        starter = -1  # Index in result of the last starter, or -1.
        for character, change in changes:
            current = self._classes[character]
            blocked = True
            if starter >= 0:
                between = len(result) - 1 - starter
                blocked = between > 0 and self._classes[result[-1][0]] >= current
            joined = None if blocked else compose(result[starter][0], character)
            if joined is not None:
                result[starter] = (joined, result[starter][1] + change - 1)
                continue
            if current == 0:
                starter = len(result)
            result.append((character, change))
        return result


class ReplaceNormalizer:
    """Replaces every occurrence of a pattern, which never matches nothing, by a string."""

    def __init__(self, pattern: re.Pattern[str], content: str) -> None:
        self._pattern = pattern
        self._content = content

    @classmethod
    def from_fields(cls, fields: Fields) -> "ReplaceNormalizer":
        """Read ``pattern`` and ``content``; regular expressions that we cannot prove equal are refused."""
        pattern = fields.child("pattern")
        content = fields.text("content")
        if pattern.raw("Regex") is None:
            string = pattern.text("String")
            if not string:
                pattern.fail("String", "a string, not empty")
            return cls(re.compile(re.escape(string)), content)
        from latefind.tokenizer_regex import translate

        translated = translate(pattern.text("Regex"))
        if translated is None:
            pattern.fail(
                "Regex",
                r"characters or \s, repeated by +, {n}, {n,} or {n,m}",
                "Choose a model whose tokenizer uses such patterns only.",
            )
        if "$" in content:
            fields.fail("content", "text without $, which some releases of the library take for a group")
        return cls(re.compile(translated), content)

    def normalize(self, text: AlignedText) -> AlignedText:
        """Return the text with every occurrence replaced; new characters come from the last one replaced."""
        parts: list[str] = []
        origins: list[int] = []
        position = 0
        for match in self._pattern.finditer(text.text):
            parts += (text.text[position : match.start()], self._content)
            origins += text.origins[position : match.start()]
            origins += [text.origins[match.end() - 1]] * len(self._content)
            position = match.end()
        if not parts:
            return text
        parts.append(text.text[position:])
        origins += text.origins[position:]
        return AlignedText("".join(parts), origins)


class PrependNormalizer:
    """Puts a string before any text that is not empty; its characters come from the text's first one."""

    def __init__(self, content: str) -> None:
        self._content = content

    @classmethod
    def from_fields(cls, fields: Fields) -> "PrependNormalizer":
        """Read ``prepend``."""
        if not fields.text("prepend"):
            fields.fail("prepend", "a string, not empty")
        return cls(fields.text("prepend"))

    def normalize(self, text: AlignedText) -> AlignedText:
        """Return the text with the string before it."""
        if not text.text:
            return text
        origins = [text.origins[0]] * len(self._content)
        return AlignedText(self._content + text.text, [*origins, *text.origins])


class StripNormalizer:
    """Removes white space at the ends of the text."""

    def __init__(self, left: bool, right: bool) -> None:
        self._left = left
        self._right = right

    def normalize(self, text: AlignedText) -> AlignedText:
        """Return the text without white space at the chosen ends."""
        start, end = 0, len(text.text)
        while self._left and start < end and text.text[start] in WHITE_SPACE:
            start += 1
        while self._right and end > start and text.text[end - 1] in WHITE_SPACE:
            end -= 1
        return text.cut(start, end)


class SequenceNormalizer:
    """Several normalizers, one after another."""

    def __init__(self, normalizers: list[Normalizer]) -> None:
        self._normalizers = normalizers

    def normalize(self, text: AlignedText) -> AlignedText:
        """Return the text after all of them."""
        for normalizer in self._normalizers:
            text = normalizer.normalize(text)
        return text


def _bert(fields: Fields) -> Normalizer:
    lowercase = fields.flag("lowercase")
    strip_accents = fields.optional_flag("strip_accents")
    stages: list[Normalizer] = []
    if fields.flag("clean_text"):
        stages.append(ReplacingNormalizer(_Clean()))
    if fields.flag("handle_chinese_chars"):
        stages.append(ReplacingNormalizer(_SpaceChinese(), ascii_unchanged=True))
    if lowercase if strip_accents is None else strip_accents:
        stages.append(UnicodeNormalizer(compatible=False, composed=False))
        stages.append(ReplacingNormalizer(_Drop(NONSPACING_MARKS), ascii_unchanged=True))
    if lowercase:
        stages.append(ReplacingNormalizer(Lowercase()))
    return SequenceNormalizer(stages)


def _unicode(*, compatible: bool, composed: bool) -> Callable[[Fields], Normalizer]:
    return lambda fields: UnicodeNormalizer(compatible=compatible, composed=composed)


def _precompiled(fields: Fields) -> Normalizer:
    from latefind.tokenizer_precompiled import Precompiled

    return Precompiled.from_fields(fields)


def _sequence(fields: Fields) -> Normalizer:
    return SequenceNormalizer([build(item, NORMALIZERS) for item in fields.children("normalizers")])


NORMALIZERS: dict[str, Callable[[Fields], Normalizer]] = {
    "BertNormalizer": _bert,
    "Lowercase": lambda fields: ReplacingNormalizer(Lowercase()),
    "NFC": _unicode(compatible=False, composed=True),
    "NFD": _unicode(compatible=False, composed=False),
    "NFKC": _unicode(compatible=True, composed=True),
    "NFKD": _unicode(compatible=True, composed=False),
    "Nmt": lambda fields: ReplacingNormalizer(_Nmt()),
    "Precompiled": _precompiled,
    "Prepend": PrependNormalizer.from_fields,
    "Replace": ReplaceNormalizer.from_fields,
    "Sequence": _sequence,
    "Strip": lambda fields: StripNormalizer(fields.flag("strip_left"), fields.flag("strip_right")),
    "StripAccents": lambda fields: ReplacingNormalizer(_Drop(MARKS), ascii_unchanged=True),
}
"""Normalizers by ``type``; a further one is added here."""
