"""SentencePiece's normalization tables and the grapheme clusters they go by, against ``tokenizers``."""

import base64
import json
import struct
import unicodedata
from contextlib import suppress

import pytest
import tokenizers
from charsmap import charsmap, charsmap_field
from hypothesis import given, settings
from hypothesis import strategies as st
from make_grapheme_tables import DOCS, properties
from tokenizer_oracle import expected
from tokenizers import normalizers
from unigram_tokenizers import table

from latefind import tokenizer_grapheme_tables
from latefind.errors import TokenizerError
from latefind.tokenizer import Tokenizer
from latefind.tokenizer_fields import Fields, build
from latefind.tokenizer_normalizers import NORMALIZERS, Normalizer
from latefind.tokenizer_text import AlignedText
from latefind.tokenizer_unicode import CharacterSet

SAME_RELEASE = tokenizers.__version__ == tokenizer_grapheme_tables.LIBRARY_VERSION
POINTS = [
    *(point for point in range(0x33480) if not 0xD800 <= point <= 0xDFFF),
    *range(0x33480, 0xE0000, 997),
    *range(0xE0000, 0xE1000),
    *range(0xE1000, 0x110000, 97),
]


def _normalizer(field: str) -> Normalizer:
    return build(Fields({"type": "Precompiled", "precompiled_charsmap": field}, "t.json"), NORMALIZERS)


@pytest.mark.skipif(not SAME_RELEASE, reason="the tables were made from another release of tokenizers")
def test_cluster_properties_of_every_code_point_are_the_library_s() -> None:
    theirs = properties(POINTS)
    for name in DOCS:
        members = CharacterSet(getattr(tokenizer_grapheme_tables, name))
        assert {point for point in POINTS if chr(point) in members} == theirs[name], name


@pytest.mark.parametrize("template", ["{}", "{}\u0301", "a{}"], ids=["alone", "accented", "behind a letter"])
@pytest.mark.parametrize("rule", ["nmt_nfkc", "nmt_nfkc_cf"])
def test_every_code_point_is_normalized_as_by_the_library(rule: str, template: str) -> None:
    normalizer = _normalizer(table(rule))
    oracle = normalizers.Precompiled(base64.b64decode(table(rule)))

    def differ(text: str) -> bool:
        return normalizer.normalize(AlignedText.original(text)).text != oracle.normalize_str(text)

    texts = [
        template.format(chr(point))
        for point in POINTS
        if SAME_RELEASE or unicodedata.category(chr(point)) != "Cn"
    ]
    # A line feed ends a cluster, so many can be compared in one go.
    blocks = (texts[start : start + 4096] for start in range(0, len(texts), 4096))
    assert [
        ascii(text) for block in blocks if differ("\n".join(block)) for text in block if differ(text)
    ] == []


# Characters whose clusters are less than six bytes with another of these, and some that join them to more.
ALPHABET = (
    "aé\u0301\u0302\u20dd\u0488ﬁ™©\r\n\x00\xad\u200b\u200c\u200d\u0600\u0d4e\ufe0f\u0903\u0b83"
    "कष\u094d\u093c\u093eকത്각가각🙂👍\U0001f3fd\U0001f1e9\U0001f1ea\U000110bd\U000e0100"
)
KEYS = st.text(ALPHABET.replace("\x00", ""), min_size=1, max_size=3)


@settings(deadline=None, max_examples=400)
@given(
    st.dictionaries(KEYS, st.text("xyé東", max_size=3), min_size=1, max_size=5),
    st.lists(st.text(ALPHABET, max_size=4), max_size=6).map("".join),
)
def test_any_table_normalizes_as_in_the_library(replacements: dict[str, str], text: str) -> None:
    """Every character is a token here, so offsets show where each came from."""
    characters = sorted({*ALPHABET, *"xyé東"})
    content = {
        "version": "1.0",
        "added_tokens": [],
        "normalizer": {"type": "Precompiled", "precompiled_charsmap": charsmap_field(replacements)},
        "model": {
            "type": "Unigram",
            "unk_id": 0,
            "vocab": [["<unk>", 0.0], *([character, -1.0] for character in characters)],
        },
    }
    oracle = tokenizers.Tokenizer.from_str(json.dumps(content))
    assert Tokenizer.from_json(json.dumps(content)).encode(text) == expected(oracle, text)


@pytest.mark.parametrize(
    "text",
    [
        *["\r\n", "\n\r", "\r\r\n\n", "\r\u0301", "\u200b\u0301"],
        # Consonants of India, joined by a virama, with other marks between them.
        *[
            "क\u094dष\u0301",
            "क\u093c\u094dष\u0301",
            "क\u094d\u200dष\u0301",
            "क\u094d\u200cष\u0301",
            "कष\u0301",
        ],
        *["क\u0903\u094dष\u0301", "अ\u094dष\u0301", "ष\u094d\u0301", "क\u094dक\u094dष\u0301"],
        # Letters of Korea.
        *["가\u0301", "ᅡᆨ\u0301", "각\u0301", "가ᅡ\u0301", "각ᆨ\u0301", "각ᅡ\u0301", "ᆨᅡ\u0301", "ᆨᆨ\u0301"],
        # Pictographs and joiners.
        *["🙂\u200d™\u0301", "🙂\u0301\u200d™\u0301", "🙂\u200d\u0301\u200d™\u0301", "🙂\u200d\u200d™\u0301"],
        *["a\u200d™\u0301", "🙂\u0903\u200d™\u0301", "🙂™\u0301", "🇩🇪\u0301", "🇩🇪🇫\u0301"],
        # Signs that stand before the numbers they belong to.
        *[
            "\u06001",
            "\u0600a",
            "\u0600\u0600a",
            "\u0600\n",
            "x\u0600™",
            "\u0600a\u0301",
            "\u0600क\u094dष\u0301",
        ],
    ],
    ids=ascii,
)
def test_cluster_ends_where_the_library_s_does(text: str) -> None:
    replacements = dict.fromkeys("a\u0600ष™ᅡᆨ\r\n", "!")
    oracle = normalizers.Precompiled(charsmap(replacements))
    assert _normalized(replacements, text)[0] == oracle.normalize_str(text)


def _normalized(replacements: dict[str, str], text: str) -> tuple[str, list[int]]:
    found = _normalizer(charsmap_field(replacements)).normalize(AlignedText.original(text))
    return found.text, list(found.origins)


def test_short_cluster_that_begins_with_a_key_is_replaced_whole() -> None:
    assert _normalized({"ﬁ": "fi"}, "ﬁ\u0301n") == ("fin", [0, 1, 2])


def test_long_cluster_is_replaced_character_by_character() -> None:
    assert _normalized({"ﬁ": "fi"}, "ﬁ\u0301\u0302n") == ("fi\u0301\u0302n", [0, 0, 1, 2, 3])


def test_shortest_key_wins() -> None:
    assert _normalized({"e": "E", "e\u0301": "é"}, "e\u0301") == ("E", [0])


def test_dropped_character_is_behind_the_last_one_written() -> None:
    assert _normalized({"\xad": ""}, "a\xadb") == ("ab", [0, 2])


def test_character_dropped_at_the_beginning_shifts_the_offsets() -> None:
    assert _normalized({"\xad": ""}, "\xadab") == ("ab", [0, 1])


def test_text_without_a_key_stays_as_it_is() -> None:
    text = AlignedText.original("plain")
    assert _normalizer(charsmap_field({"ﬁ": "fi"})).normalize(text) is text


GOOD = charsmap({"ﬁ": "fi"})
SIZE = struct.unpack_from("<I", GOOD)[0]

TRUNCATED = {
    "nothing": b"",
    "half a size": GOOD[:2],
    "size only": GOOD[:4],
    "half a trie": GOOD[: SIZE // 2],
    "no trie": struct.pack("<I", 0) + b"fi\0",
    "trie larger than the file": struct.pack("<I", 1 << 31) + GOOD[4:],
}


@pytest.mark.parametrize("name", TRUNCATED)
def test_truncated_table_is_refused(name: str) -> None:
    with pytest.raises(TokenizerError, match=r"precompiled_charsmap: expected a trie of at least one unit"):
        _normalizer(base64.b64encode(TRUNCATED[name]).decode())


@pytest.mark.parametrize("field", ["no base64!", "AAA", "é"])
def test_table_that_is_no_base64_is_refused(field: str) -> None:
    with pytest.raises(TokenizerError, match=r"precompiled_charsmap: expected base64, got"):
        _normalizer(field)


def test_replacements_that_are_no_utf8_are_refused() -> None:
    with pytest.raises(TokenizerError, match=r"precompiled_charsmap: expected replacements in UTF-8"):
        _normalizer(base64.b64encode(GOOD[: 4 + SIZE] + b"\xff\0").decode())


@pytest.mark.parametrize("replacements", [b"", b"\0"], ids=["none", "fewer than it takes"])
def test_trie_that_points_behind_the_replacements_is_refused(replacements: bytes) -> None:
    data = charsmap({"ﬁ": "fi", "ﬂ": "fl"})
    normalizer = _normalizer(base64.b64encode(data[: -len(b"fi\0fl\0")] + replacements).decode())
    with pytest.raises(TokenizerError, match=r"precompiled_charsmap: expected \d bytes of replacements"):
        normalizer.normalize(AlignedText.original("ﬂ"))


def test_trie_that_leaves_itself_is_refused() -> None:
    size = 256
    units = [1 << 9 | 1 << 20, *[0] * (size - 1)]
    data = struct.pack(f"<I{size}I", 4 * size, *units)
    normalizer = _normalizer(base64.b64encode(data).decode())
    with pytest.raises(TokenizerError, match=r"expected a trie of 256 units, got a jump out of it"):
        normalizer.normalize(AlignedText.original("a"))


def test_damaged_table_never_raises_anything_else() -> None:
    @settings(deadline=None, max_examples=200)
    @given(st.lists(st.tuples(st.integers(0, len(GOOD) - 1), st.integers(0, 255)), min_size=1, max_size=8))
    def check(damage: list[tuple[int, int]]) -> None:
        data = bytearray(GOOD)
        for position, value in damage:
            data[position] = value
        with suppress(TokenizerError):
            _normalizer(base64.b64encode(data).decode()).normalize(AlignedText.original("ﬁ\u0301x"))

    check()
