"""Regenerate ``py/latefind/tokenizer_tables.py`` from the installed ``tokenizers`` library.

The library is compiled with Unicode tables of several versions, none of which need be the version of the
running Python. This script asks it about every code point and writes down what it answers. Run::

    pip install unicodedata2 && python tests/make_tokenizer_tables.py

``unicodedata2`` carries the newest Unicode data, newer than any Python we run on; the tables list what a
newer Python decomposes and the library does not.
"""

import unicodedata
from pathlib import Path

import tokenizers
from tokenizers import Regex, normalizers, pre_tokenizers

CODE_POINTS = [point for point in range(0x110000) if not 0xD800 <= point <= 0xDFFF]
TARGET = Path(__file__).parent.parent / "py" / "latefind" / "tokenizer_tables.py"

HEADER = '''"""Unicode properties as the ``tokenizers`` library sees them; generated, do not edit.

Regenerate with ``python tests/make_tokenizer_tables.py``. Ranges are hexadecimal, inclusive.
"""

LIBRARY_VERSION = "{version}"
"""Release of ``tokenizers`` that was asked."""
'''

DOCS = {
    "REMOVED": "``BertNormalizer`` with ``clean_text`` drops these: control, format, private use, U+FFFD.",
    "NONSPACING_MARKS": "``BertNormalizer`` with accents stripped drops these after NFD.",
    "MARKS": "The ``StripAccents`` normalizer drops these: general category M.",
    "PUNCTUATION": "``BertPreTokenizer`` and ``Punctuation`` split at these.",
    "WORD": "``\\\\w`` of the regex crate: letters, marks, decimal digits, connectors, joiners.",
    "LETTERS": "``\\\\p{L}`` of ``Split`` and ``ByteLevel``, which match with Oniguruma.",
    "NUMBERS": "``\\\\p{N}`` of the same.",
    "NUMERIC": "``Digits`` splits at these.",
    "INERT": "Decompose or reorder in newer Unicode versions, but not in the library.",
}


def removed() -> set[int]:
    normalizer = normalizers.BertNormalizer(True, False, False, False)
    return {point for point in CODE_POINTS if normalizer.normalize_str(chr(point)) == ""}


def nonspacing_marks() -> set[int]:
    normalizer = normalizers.BertNormalizer(False, False, True, False)
    return {point for point in CODE_POINTS if normalizer.normalize_str(chr(point)) == ""}


def marks() -> set[int]:
    normalizer = normalizers.StripAccents()
    return {point for point in CODE_POINTS if normalizer.normalize_str(chr(point)) == ""}


def punctuation() -> set[int]:
    splitter = pre_tokenizers.Punctuation("removed")
    return {point for point in CODE_POINTS if splitter.pre_tokenize_str(chr(point)) == []}


def word() -> set[int]:
    splitter = pre_tokenizers.Whitespace()
    spaces = {point for point in CODE_POINTS if splitter.pre_tokenize_str(chr(point)) == []}
    joined = {point for point in CODE_POINTS if len(splitter.pre_tokenize_str("a" + chr(point))) == 1}
    return joined - spaces


def matched(expression: str) -> set[int]:
    splitter = pre_tokenizers.Split(Regex(expression), "removed")
    return {point for point in CODE_POINTS if splitter.pre_tokenize_str(chr(point)) == []}


def numeric() -> set[int]:
    splitter = pre_tokenizers.Digits(individual_digits=True)
    return {point for point in CODE_POINTS if len(splitter.pre_tokenize_str("a" + chr(point))) == 2}


def inert(newest) -> set[int]:
    """Return what ``newest`` decomposes or reorders and the library leaves in place."""
    nfd, nfkd = normalizers.NFD(), normalizers.NFKD()
    found = set()
    for point in CODE_POINTS:
        character = chr(point)
        if not newest.combining(character) and not newest.decomposition(character):
            continue
        # U+0334 has combining class 1, the lowest, and U+0345 has 240, the highest.
        before, after = character + "\u0334", "\u0345" + character
        if (
            nfkd.normalize_str(character) == character
            and nfd.normalize_str(before) == before
            and nfd.normalize_str(after) == after
        ):
            found.add(point)
    return found


def lowercase() -> list[tuple[int, int]]:
    """Return the pairs that Unicode 14, the oldest Python's, does not know."""
    normalizer = normalizers.Lowercase()
    pairs = []
    for point in CODE_POINTS:
        lower = normalizer.normalize_str(chr(point))
        if lower != chr(point).lower():
            pairs.append((point, ord(lower)))
    return pairs


def render_ranges(points: set[int]) -> str:
    ranges: list[list[int]] = []
    for point in sorted(points):
        if ranges and ranges[-1][1] == point - 1:
            ranges[-1][1] = point
        else:
            ranges.append([point, point])
    return wrap(f"{low:x}" if low == high else f"{low:x}-{high:x}" for low, high in ranges)


def wrap(items) -> str:
    lines, line = [], ""
    for item in items:
        if len(line) + len(item) > 106:
            lines.append(line.rstrip())
            line = ""
        line += item + " "
    return "\n".join([*lines, line.rstrip()])


def main() -> None:
    import unicodedata2

    if unicodedata.unidata_version != "14.0.0":
        raise SystemExit("python: expected 3.11 (Unicode 14), the oldest supported. Run it with that.")
    tables = {
        "REMOVED": removed(),
        "NONSPACING_MARKS": nonspacing_marks(),
        "MARKS": marks(),
        "PUNCTUATION": punctuation(),
        "WORD": word(),
        "LETTERS": matched(r"\p{L}"),
        "NUMBERS": matched(r"\p{N}"),
        "NUMERIC": numeric(),
        "INERT": inert(unicodedata2),
    }
    blocks = [HEADER.format(version=tokenizers.__version__)]
    for name, points in tables.items():
        blocks.append(f'{name} = """\n{render_ranges(points)}\n"""\n"""{DOCS[name]}"""\n')
    pairs = wrap(f"{upper:x}:{lower:x}" for upper, lower in lowercase())
    doc = "Lowercase mappings newer than Unicode 14, which the oldest supported Python has."
    blocks.append(f'LOWERCASE = """\n{pairs}\n"""\n"""{doc}"""\n')
    TARGET.write_text("\n".join(blocks), encoding="utf-8")


if __name__ == "__main__":
    main()
