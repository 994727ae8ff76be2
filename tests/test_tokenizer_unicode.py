"""The Unicode tables against the ``tokenizers`` library, for every code point that could matter.

Planes 4 and up are sampled: Unicode has nothing there but tags, variation selectors and private use. Code
points that the running Python does not know are compared only where the tables were made from the installed
release, since a later one may bring a later Unicode version; then run ``make_tokenizer_tables.py``.
"""

import unicodedata

import pytest
import tokenizers
from tokenizers import Regex, normalizers, pre_tokenizers

from latefind import tokenizer_tables, tokenizer_unicode
from latefind.tokenizer_fields import Fields, build
from latefind.tokenizer_normalizers import NORMALIZERS, Normalizer
from latefind.tokenizer_text import AlignedText

SAME_RELEASE = tokenizers.__version__ == tokenizer_tables.LIBRARY_VERSION
POINTS = [
    *range(0x40000),
    *range(0x40000, 0xE0000, 997),
    *range(0xE0000, 0xE1000),
    *range(0xE1000, 0x110000, 97),
]
CHARACTERS = [
    character
    for character in map(chr, POINTS)
    if unicodedata.category(character) != "Cs" and (SAME_RELEASE or unicodedata.category(character) != "Cn")
]

BERT = {"clean_text": False, "handle_chinese_chars": False, "strip_accents": False, "lowercase": False}

ORACLES = {
    "Lowercase": normalizers.Lowercase(),
    "StripAccents": normalizers.StripAccents(),
    "NFC": normalizers.NFC(),
    "NFD": normalizers.NFD(),
    "NFKC": normalizers.NFKC(),
    "NFKD": normalizers.NFKD(),
}


def _normalizer(**fields: object) -> Normalizer:
    return build(Fields(fields, "test"), NORMALIZERS)


def _differences(normalizer: Normalizer, oracle: normalizers.Normalizer, template: str = "{}") -> list[str]:
    """Return the characters that come out differently, each put into ``template``."""

    def differ(text: str) -> bool:
        return normalizer.normalize(AlignedText.original(text)).text != oracle.normalize_str(text)

    texts = [template.format(character) for character in CHARACTERS]
    # A line feed keeps neighbours apart, so many characters can be compared in one go.
    blocks = (texts[start : start + 4096] for start in range(0, len(texts), 4096))
    return [ascii(text) for block in blocks if differ("\n".join(block)) for text in block if differ(text)]


@pytest.mark.parametrize("kind", ORACLES)
def test_normalizer_treats_every_code_point_as_the_library(kind: str) -> None:
    assert _differences(_normalizer(type=kind), ORACLES[kind]) == []


@pytest.mark.parametrize("flag", BERT)
def test_bert_normalizer_treats_every_code_point_as_the_library(flag: str) -> None:
    flags = {**BERT, flag: True}
    normalizer = _normalizer(type="BertNormalizer", **flags)
    assert _differences(normalizer, normalizers.BertNormalizer(**flags)) == []


@pytest.mark.parametrize("template", ["{}\u0334", "\u0345{}"], ids=["lowest after", "highest before"])
def test_combining_class_of_every_code_point_orders_as_the_library(template: str) -> None:
    assert _differences(_normalizer(type="NFD"), normalizers.NFD(), template) == []


def test_every_decomposed_character_composes_as_the_library() -> None:
    decomposed = {unicodedata.normalize("NFD", character) for character in CHARACTERS} - set(CHARACTERS)
    normalizer, oracle = _normalizer(type="NFC"), normalizers.NFC()
    ours = {text: normalizer.normalize(AlignedText.original(text)).text for text in decomposed}
    assert ours == {text: oracle.normalize_str(text) for text in decomposed}


def test_punctuation_is_the_library_s_for_every_code_point() -> None:
    split = pre_tokenizers.Punctuation("removed").pre_tokenize_str
    theirs = [character for character in CHARACTERS if not split(character)]
    assert [character for character in CHARACTERS if character in tokenizer_unicode.PUNCTUATION] == theirs


def test_white_space_is_the_library_s_for_every_code_point() -> None:
    split = pre_tokenizers.WhitespaceSplit().pre_tokenize_str
    theirs = {character for character in CHARACTERS if not split(character)}
    assert theirs == tokenizer_unicode.WHITE_SPACE


def test_word_characters_are_the_library_s_for_every_code_point() -> None:
    split = pre_tokenizers.Whitespace().pre_tokenize_str
    theirs = [character for character in CHARACTERS if len(split(f"a{character}a")) == 1]
    assert [character for character in CHARACTERS if character in tokenizer_unicode.WORD] == theirs


@pytest.mark.parametrize("name", ["L", "N"])
def test_letters_and_numbers_of_expressions_are_the_library_s_for_every_code_point(name: str) -> None:
    split = pre_tokenizers.Split(Regex(rf"\p{{{name}}}"), "removed").pre_tokenize_str
    ours = {"L": tokenizer_unicode.LETTERS, "N": tokenizer_unicode.NUMBERS}[name]
    theirs = [character for character in CHARACTERS if not split(character)]
    assert [character for character in CHARACTERS if character in ours] == theirs


def test_digits_are_the_library_s_for_every_code_point() -> None:
    split = pre_tokenizers.Digits(individual_digits=True).pre_tokenize_str
    theirs = [character for character in CHARACTERS if len(split(f"a{character}")) == 2]
    assert [character for character in CHARACTERS if character in tokenizer_unicode.NUMERIC] == theirs


def test_lowercase_has_no_final_sigma() -> None:
    lowercase = _normalizer(type="Lowercase")
    assert lowercase.normalize(AlignedText.original("ΣΑΣ")).text == "σασ"


def test_lowercase_of_dotted_capital_i_has_two_characters_of_one_origin() -> None:
    lowercase = _normalizer(type="Lowercase")
    assert lowercase.normalize(AlignedText.original("aİb")) == ("ai\u0307b", [0, 1, 1, 2])
