r"""Cuts of text by the regular expressions of well-known tokenizers, without the ``regex`` package.

Python's ``re`` lacks ``\p{L}`` and ``\p{N}``, and its Unicode version varies. So a text is matched by its
shadow: a string of the same length in which every character beyond ASCII is replaced by an ASCII character
that is the same to all these expressions. An ASCII text is its own shadow, and the expressions stay small.

The library matches with Oniguruma, which takes branches in order, greedily, and backtracks, as ``re`` does.
Any other expression is refused: what it says of characters beyond ASCII might not survive the shadow.
"""

import re

from latefind.tokenizer_unicode import LETTERS, NUMBERS, WHITE_SPACE

Span = tuple[int, int]

_REST = r" ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"

GPT2 = r"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"
GPT4 = (
    r"'(?i:[sdmt]|ll|ve|re)|[^\r\n\p{L}\p{N}]?+\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]++[\r\n]*"
    r"|\s*[\r\n]|\s+(?!\S)|\s+"
)
LLAMA3 = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}|" + _REST
QWEN2 = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}|" + _REST

KNOWN = frozenset({GPT2, GPT4, LLAMA3, QWEN2, r"\p{N}", r"\p{N}{1,3}", r"\s+", r"[\r\n]", r"\s?\p{L}+"})
"""Expressions that :func:`compiled` translates; the tests compare each with the library."""


class _Shadows(dict[int, str]):
    """A character's shadow, worked out once per distinct character; for ``str.translate``."""

    def __missing__(self, point: int) -> str:
        shadow = self[point] = self._shadow(chr(point))
        return shadow

    def _shadow(self, character: str) -> str:
        if character.isascii():
            return character
        if character in LETTERS:
            # The only letter beyond ASCII that is one of the contractions' when case does not count.
            return "S" if character == "\u017f" else "a"
        if character in NUMBERS:
            return "0"
        return "\t" if character in WHITE_SPACE else "!"


_SHADOWS = _Shadows()


def compiled(pattern: str) -> re.Pattern[str]:
    """Return the expression for shadows that matches as ``pattern``, one of ``KNOWN``, does on text."""

    def translate(found: re.Match[str]) -> str:
        inside = found.group().replace(r"\p{L}", "a-zA-Z").replace(r"\p{N}", "0-9")
        return inside if inside.startswith("[") else f"[{inside}]"

    return re.compile(re.sub(r"\[[^\]]*\]|\\p\{[LN]\}", translate, pattern), re.ASCII)


def find(expression: re.Pattern[str], text: str) -> list[Span]:
    """Return where ``expression``, from :func:`compiled`, matches in ``text``, left to right."""
    shadow = text if text.isascii() else text.translate(_SHADOWS)
    return [match.span() for match in expression.finditer(shadow)]
