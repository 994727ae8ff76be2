"""Regenerate ``py/latefind/tokenizer_grapheme_tables.py`` from the installed ``tokenizers`` library.

The library does not show where it sees the borders of grapheme clusters, but its ``Precompiled`` normalizer
replaces a cluster of up to five bytes whole when the cluster begins with a key of the normalization table,
and character by character otherwise. So with a small table of our own every property can be asked for. Run::

    python tests/make_grapheme_tables.py
"""

from collections.abc import Callable
from pathlib import Path

import tokenizers
from charsmap import charsmap
from make_tokenizer_tables import CODE_POINTS, render_ranges
from tokenizers import normalizers

TARGET = Path(__file__).parent.parent / "py" / "latefind" / "tokenizer_grapheme_tables.py"

HEADER = '''"""Grapheme cluster properties as the ``tokenizers`` library sees them; generated, do not edit.

Regenerate with ``python tests/make_grapheme_tables.py``. Ranges are hexadecimal, inclusive.
"""

LIBRARY_VERSION = "{version}"
"""Release of ``tokenizers`` that was asked."""
'''

DOCS = {
    "CONTROL": "Stand alone, whatever is beside them.",
    "EXTEND": "Belong to the cluster before them: Grapheme_Cluster_Break=Extend.",
    "SPACING": "Belong to the cluster before them: Grapheme_Cluster_Break=SpacingMark.",
    "PREPEND": "Belong to the cluster behind them.",
    "PICTOGRAPH": "Extended_Pictographic: joined by a zero width joiner.",
    "CONSONANT": "Indic_Conjunct_Break=Consonant: joined by a linker.",
    "LINKER": "Indic_Conjunct_Break=Linker; all of them are in EXTEND too.",
    "HANGUL_L": "Leading consonants of Hangul syllables.",
    "HANGUL_V": "Vowels of Hangul syllables.",
    "HANGUL_T": "Trailing consonants of Hangul syllables.",
}

ACUTE = "\u0301"
JOINER = "\u200d"
_STARTS = normalizers.Precompiled(charsmap(dict.fromkeys(["a", "©", "क", "ᅡ", "ᆨ"], "!"))).normalize_str
_MARKS = normalizers.Precompiled(charsmap({ACUTE: "!"})).normalize_str

JOINED: dict[str, Callable[[str], bool]] = {
    "a before": lambda x: _STARTS("a" + x) == "!",
    "a behind": lambda x: _keeps_accent(x + "a"),
    "consonant behind": lambda x: _keeps_accent("ख" + x + "क"),
    "linker and consonant behind": lambda x: _keeps_accent(x + "\u094dक"),
    "joiner and pictograph behind": lambda x: _keeps_accent(x + JOINER + "©"),
    "pictograph on both sides": lambda x: _keeps_accent("🙂" + x + JOINER + "©"),
    "vowel behind": lambda x: _keeps_accent(x + "ᅡ"),
    "trailing consonant behind": lambda x: _keeps_accent(x + "ᆨ"),
    "no mark behind": lambda x: _MARKS(x + ACUTE + "\u0302").endswith("!"),
}
"""Questions about a character: is it in one cluster with what stands there?"""


def _keeps_accent(text: str) -> bool:
    """Say whether the last character of ``text``, a key, is in one cluster with those before it.

    Then that cluster has no key at its beginning, or six bytes, and the accent stays; otherwise the key
    and the accent are a cluster that begins with a key, and is replaced whole.
    """
    return _STARTS(text + ACUTE).endswith("!" + ACUTE)


def properties(points: list[int]) -> dict[str, set[int]]:
    """Return the code points among ``points`` that have each property."""
    answers = {what: {point for point in points if ask(chr(point))} for what, ask in JOINED.items()}
    follows, prepend = answers["a before"], answers["a behind"]
    extend = (follows & answers["pictograph on both sides"]) - {ord(JOINER)}
    before_vowel = answers["vowel behind"] - prepend
    before_trail = answers["trailing consonant behind"] - prepend
    syllables = {point for point in points if 0xAC00 <= point < 0xAC00 + 11172}
    return {
        "CONTROL": answers["no mark behind"],
        "EXTEND": extend,
        "SPACING": follows - extend - {ord(JOINER)},
        "PREPEND": prepend,
        "PICTOGRAPH": answers["joiner and pictograph behind"],
        "CONSONANT": answers["linker and consonant behind"],
        "LINKER": answers["consonant behind"] - prepend,
        "HANGUL_L": before_vowel - before_trail,
        "HANGUL_V": (before_vowel & before_trail) - syllables,
        "HANGUL_T": before_trail - before_vowel - syllables,
    }


def main() -> None:
    blocks = [HEADER.format(version=tokenizers.__version__)]
    for name, points in properties(CODE_POINTS).items():
        blocks.append(f'{name} = """\n{render_ranges(points)}\n"""\n"""{DOCS[name]}"""\n')
    TARGET.write_text("\n".join(blocks), encoding="utf-8")


if __name__ == "__main__":
    main()
