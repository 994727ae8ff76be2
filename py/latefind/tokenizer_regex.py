r"""Regular expressions of the ``Replace`` normalizer in Python's syntax, where both mean the same.

The library runs patterns with Oniguruma, whose syntax and classes differ from ``re`` in many places: ``\s``
matches other characters, ``$`` another place, ``{,2}`` another count. So this translates only what means the
same in both, a sequence of

- literal characters, escaped ASCII punctuation, ``\t``, ``\n`` and ``\r``;
- ``\s``, spelled out as the characters that Oniguruma takes for white space;
- each perhaps followed by one greedy quantifier that never matches nothing: ``+``, ``{n}``, ``{n,}`` or
  ``{n,m}``.

Both engines take the leftmost match and give back from the right. Everything else is refused. Imports the
standard library and ``latefind`` only.
"""

import re
import string

from latefind.tokenizer_unicode import WHITE_SPACE

_ESCAPES = {"t": "\t", "n": "\n", "r": "\r"}
_META = frozenset(r"\.^$*+?()[]{}|")
_COUNT = re.compile(r"\{(\d{1,4})(,(\d{1,4})?)?\}", re.ASCII)
_SPACES = f"[{re.escape(''.join(sorted(WHITE_SPACE)))}]"


def translate(pattern: str) -> str | None:
    """Return ``pattern`` in Python's syntax, or None where it has a part that might mean something else."""
    parts: list[str] = []
    position = 0
    while position < len(pattern):
        atom, position = _atom(pattern, position)
        count, position = _quantifier(pattern, position)
        if atom is None or count is None:
            return None
        parts.append(atom + count)
    return "".join(parts) or None


def _atom(pattern: str, position: int) -> tuple[str | None, int]:
    """Return one character or class and the position behind it."""
    character = pattern[position]
    if character not in _META:
        return re.escape(character), position + 1
    escaped = pattern[position + 1 : position + 2]
    if character != "\\" or not escaped:
        return None, position
    if escaped == "s":
        return _SPACES, position + 2
    if escaped in _ESCAPES or escaped in string.punctuation:
        return re.escape(_ESCAPES.get(escaped, escaped)), position + 2
    return None, position


def _quantifier(pattern: str, position: int) -> tuple[str | None, int]:
    """Return the quantifier at ``position``, perhaps empty, or None where it is one that is not read."""
    following = pattern[position : position + 1]
    if not following or following not in "+*?{":
        return "", position
    if following == "+":
        found, position = "+", position + 1
    else:
        match = _COUNT.match(pattern, position)
        if match is None:
            return None, position
        low = int(match[1])
        high = int(match[3] or 9999) if match[2] else low
        if not 1 <= low <= high:
            return None, position
        found, position = match.group(), match.end()
    # A second quantifier makes the first one lazy, possessive or nested, depending on the engine.
    return (None if pattern[position : position + 1] in tuple("+*?{") else found), position
