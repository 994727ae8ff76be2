"""Extended grapheme clusters (Unicode's annex 29), cut as the ``tokenizers`` library cuts them.

Only the ``Precompiled`` normalizer needs them, and it treats clusters of six bytes and more character by
character. Pairs of regional indicators, eight bytes, are therefore left apart: no answer depends on them.
Imports the standard library and ``latefind`` only.
"""

from latefind import tokenizer_grapheme_tables as tables
from latefind.tokenizer_unicode import CharacterSet

(
    _OTHER,
    _CONTROL,
    _EXTEND,
    _LINKER,
    _NON_JOINER,
    _JOINER,
    _SPACING,
    _PREPEND,
    _PICTOGRAPH,
    _CONSONANT,
    _L,
    _V,
    _T,
    _LV,
    _LVT,
) = range(15)

_TABLES = (
    # Linkers are in EXTEND too, so they come first.
    (CharacterSet(tables.LINKER), _LINKER),
    (CharacterSet(tables.EXTEND), _EXTEND),
    (CharacterSet(tables.SPACING), _SPACING),
    (CharacterSet(tables.CONTROL), _CONTROL),
    (CharacterSet(tables.PREPEND), _PREPEND),
    (CharacterSet(tables.PICTOGRAPH), _PICTOGRAPH),
    (CharacterSet(tables.CONSONANT), _CONSONANT),
    (CharacterSet(tables.HANGUL_L), _L),
    (CharacterSet(tables.HANGUL_V), _V),
    (CharacterSet(tables.HANGUL_T), _T),
)

_FOLLOWING = frozenset((_EXTEND, _LINKER, _NON_JOINER, _JOINER, _SPACING))
"""What belongs to the cluster before it, unless that is a control character."""

_SYLLABLE = frozenset(
    [
        (_L, _L),
        (_L, _V),
        (_L, _LV),
        (_L, _LVT),
        (_LV, _V),
        (_LV, _T),
        (_V, _V),
        (_V, _T),
        (_LVT, _T),
        (_T, _T),
    ]
)
"""Neighbours within a Hangul syllable."""


class _Kinds(dict[str, int]):
    """What a character is to the segmentation, worked out once per distinct character."""

    def __missing__(self, character: str) -> int:
        kind = self[character] = self._find(character)
        return kind

    @staticmethod
    def _find(character: str) -> int:
        if "가" <= character <= "힣":
            return _LVT if (ord(character) - 0xAC00) % 28 else _LV
        if character == "\u200c":
            return _NON_JOINER
        if character == "\u200d":
            return _JOINER
        return next((kind for members, kind in _TABLES if character in members), _OTHER)


_KINDS = _Kinds()


def has_clusters(characters: set[str]) -> bool:
    """Say whether a text of these characters may have a cluster of two characters and less than six bytes.

    Carriage return and line feed, a character before them or behind them that joins: all other clusters
    consist of Hangul letters or regional indicators and have six bytes.
    """
    return "\r" in characters or any(
        kind in _FOLLOWING or kind == _PREPEND for kind in map(_KINDS.__getitem__, characters)
    )


def clusters(text: str) -> list[str]:
    """Return the clusters of a text, in order and without a gap."""
    found: list[str] = []
    start = 0
    before = _CONTROL
    pictograph = conjunct = 0
    for position, character in enumerate(text):
        kind = _KINDS[character]
        if kind == _CONTROL or before == _CONTROL:
            joined = character == "\n" and position > start and text[position - 1] == "\r"
        else:
            joined = (
                kind in _FOLLOWING
                or before == _PREPEND
                or (kind == _PICTOGRAPH and pictograph == 2)
                or (kind == _CONSONANT and conjunct == 2)
                or (before, kind) in _SYLLABLE
            )
        if not joined and position > start:
            found.append(text[start:position])
            start = position
        pictograph = _after_pictograph(pictograph, kind)
        conjunct = _after_consonant(conjunct, kind)
        before = kind
    if text:
        found.append(text[start:])
    return found


def _after_pictograph(state: int, kind: int) -> int:
    """Follow a pictograph (1), what extends it (1), and a joiner (2)."""
    if kind == _PICTOGRAPH:
        return 1
    if kind == _JOINER:
        return 2 if state == 1 else 0
    return 1 if state == 1 and kind in (_EXTEND, _LINKER, _NON_JOINER) else 0


def _after_consonant(state: int, kind: int) -> int:
    """Follow a consonant (1), what extends it, and a linker (2)."""
    if kind == _CONSONANT:
        return 1
    if kind == _LINKER:
        return 2 if state else 0
    return state if kind in (_EXTEND, _JOINER) else 0
