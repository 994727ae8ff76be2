"""Each component of ``tokenizer.json`` in a small tokenizer, against the ``tokenizers`` library."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tokenizer_oracle import expected, ours, small
from tokenizers import AddedToken, normalizers, pre_tokenizers, processors

from latefind.errors import TokenizerError
from latefind.tokenizer import Tokenizer

BERT = pre_tokenizers.BertPreTokenizer()

TEXTS = st.lists(
    st.one_of(
        st.sampled_from(
            ["hello", "Reading", "ß", "İ", "Σ", "é", "e\u0301\u0323", "中文", "가", "각", "ﬁ", "㎏"]
        ),
        st.sampled_from([" ", "  ", "\t", "\x0b", "\x1c", "\x85", "\u3000", "'", "''", "-", "...", "_", "ⓐ"]),
        st.sampled_from(["\u0344", "\u0f73", "\u0f71", "\u302e", "\U0001d166", "\U00011938", "\u09c7\u09be"]),
        st.sampled_from(["\u1112", "\u1161", "\u11ab", "\u0915\u093c", "\u212b", "\u1e9b\u0323", "\ufb2c"]),
        st.text(st.characters(exclude_categories=["Cs", "Cn"]), max_size=3),
    ),
    max_size=10,
).map("".join)

NORMALIZERS = {
    "NFC": normalizers.NFC(),
    "NFD": normalizers.NFD(),
    "NFKC": normalizers.NFKC(),
    "NFKD": normalizers.NFKD(),
    "Lowercase": normalizers.Lowercase(),
    "StripAccents": normalizers.StripAccents(),
    "Strip": normalizers.Strip(),
    "Strip left": normalizers.Strip(left=True, right=False),
    "Strip right": normalizers.Strip(left=False, right=True),
    "Replace": normalizers.Replace("''", '"'),
    "Replace by nothing": normalizers.Replace("e", ""),
    "Replace by more": normalizers.Replace("-", " minus "),
    "Sequence": normalizers.Sequence(
        [normalizers.NFKD(), normalizers.StripAccents(), normalizers.Lowercase(), normalizers.NFC()]
    ),
    "Sequence of nothing": normalizers.Sequence([]),
    "BertNormalizer cased": normalizers.BertNormalizer(lowercase=False),
    "BertNormalizer cased without accents": normalizers.BertNormalizer(lowercase=False, strip_accents=True),
    "BertNormalizer lowercase with accents": normalizers.BertNormalizer(strip_accents=False),
    "BertNormalizer unclean": normalizers.BertNormalizer(clean_text=False),
    "BertNormalizer without spaced Chinese": normalizers.BertNormalizer(handle_chinese_chars=False),
    "none": None,
}

PRE_TOKENIZERS = {
    "BertPreTokenizer": BERT,
    "Whitespace": pre_tokenizers.Whitespace(),
    "WhitespaceSplit": pre_tokenizers.WhitespaceSplit(),
    "Punctuation isolated": pre_tokenizers.Punctuation("isolated"),
    "Punctuation removed": pre_tokenizers.Punctuation("removed"),
    "Punctuation contiguous": pre_tokenizers.Punctuation("contiguous"),
    "Punctuation merged with previous": pre_tokenizers.Punctuation("merged_with_previous"),
    "Punctuation merged with next": pre_tokenizers.Punctuation("merged_with_next"),
    "Sequence": pre_tokenizers.Sequence([pre_tokenizers.WhitespaceSplit(), pre_tokenizers.Punctuation()]),
    "none": None,
}


@pytest.mark.parametrize("name", NORMALIZERS)
def test_normalizer_equals_the_library(name: str) -> None:
    oracle = small(NORMALIZERS[name], BERT)
    tokenizer = ours(oracle)

    @settings(deadline=None, max_examples=150)
    @given(TEXTS)
    def check(text: str) -> None:
        assert tokenizer.encode(text) == expected(oracle, text)

    check()


@pytest.mark.parametrize("form", ["NFC", "NFD", "NFKC", "NFKD"])
def test_normalizer_gives_the_same_characters_and_origins(form: str) -> None:
    """Every character is a token here, so that nothing hides in an unknown word."""
    characters = [chr(point) for point in (*range(0x300, 0x34F), *range(0x41, 0x5B), *range(0x1100, 0x11C3))]
    oracle = small(NORMALIZERS[form])
    content = json.loads(oracle.to_str())
    vocabulary = content["model"]["vocab"]
    for character in characters + [f"##{character}" for character in characters]:
        vocabulary.setdefault(character, len(vocabulary))
    oracle = type(oracle).from_str(json.dumps(content))
    tokenizer = ours(oracle)

    @settings(deadline=None, max_examples=300)
    @given(st.text([*characters, "Å", "ậ", "각", "ﬁ", "\u0f73"], max_size=12))
    def check(text: str) -> None:
        assert tokenizer.encode(text) == expected(oracle, text)

    check()


@pytest.mark.parametrize("name", PRE_TOKENIZERS)
def test_pre_tokenizer_equals_the_library(name: str) -> None:
    oracle = small(normalizers.BertNormalizer(clean_text=False), PRE_TOKENIZERS[name])
    tokenizer = ours(oracle)

    @settings(deadline=None, max_examples=150)
    @given(TEXTS)
    def check(text: str) -> None:
        assert tokenizer.encode(text) == expected(oracle, text)

    check()


@pytest.mark.parametrize("text", ["", "-", "a-", "-a", "--a--b--", "the-final--countdown", "a - b"])
@pytest.mark.parametrize("name", [name for name in PRE_TOKENIZERS if name.startswith("Punctuation")])
def test_punctuation_behavior_equals_the_library(name: str, text: str) -> None:
    oracle = small(None, PRE_TOKENIZERS[name])
    assert ours(oracle).encode(text) == expected(oracle, text)


@pytest.mark.parametrize(
    "processor",
    [
        processors.BertProcessing(("[SEP]", 3), ("[CLS]", 2)),
        processors.TemplateProcessing(
            single="[CLS] [MASK] $A [SEP]",
            pair="[CLS] $A $B",
            special_tokens=[("[CLS]", 2), ("[MASK]", 4), ("[SEP]", 3)],
        ),
        processors.TemplateProcessing(single="$A $A", pair="$A $B", special_tokens=[]),
        None,
    ],
    ids=["BertProcessing", "TemplateProcessing", "TemplateProcessing twice", "none"],
)
@pytest.mark.parametrize("add_special_tokens", [True, False])
def test_post_processor_equals_the_library(
    processor: processors.PostProcessor | None, add_special_tokens: bool
) -> None:
    oracle = small(None, BERT, processor)
    options = {"add_special_tokens": add_special_tokens}
    assert ours(oracle).encode("hello world", **options) == expected(oracle, "hello world", **options)
    oracle.enable_truncation(4)
    encoding = ours(oracle).encode("hello big world", max_length=4, **options)
    assert encoding == expected(oracle, "hello big world", **options)


@pytest.mark.parametrize("word", ["aaaa", "aaaaa", "ée", "\u0301\u0302\u0303\u0304\u0305"])
def test_word_piece_max_input_chars_per_word_counts_characters(word: str) -> None:
    oracle = small(None, BERT, max_input_chars_per_word=4)
    assert ours(oracle).encode(f"a {word} b") == expected(oracle, f"a {word} b")


def test_word_piece_uses_its_own_subword_prefix() -> None:
    content = json.loads(small(None, BERT).to_str())
    content["model"] |= {
        "continuing_subword_prefix": "@",
        "vocab": {"[UNK]": 0, "read": 1, "@ing": 2, "##s": 3},
    }
    content["added_tokens"] = []
    tokenizer = Tokenizer.from_json(json.dumps(content))
    assert tokenizer.encode("reading reads").ids == [1, 2, 0]


# Added tokens --------------------------------------------------------------------------------------------

ADDED = {
    "prefix with space": [AddedToken("[Q] ", normalized=False, special=True)],
    "lstrip": [AddedToken("<t>", lstrip=True, normalized=False)],
    "rstrip": [AddedToken("<t>", rstrip=True, normalized=False)],
    "lstrip and rstrip": [AddedToken("<t>", lstrip=True, rstrip=True, normalized=False)],
    "single_word": [AddedToken("hello", single_word=True, normalized=False)],
    "single_word, normalized": [AddedToken("Hello", single_word=True, normalized=True)],
    "normalized": [AddedToken("<T>é", normalized=True)],
    "not normalized": [AddedToken("<T>é", normalized=False)],
    "special and normalized": [AddedToken("<T>", normalized=True, special=True)],
    "in the vocabulary": [AddedToken("world", normalized=True)],
    "longest of several": [AddedToken(token, normalized=False) for token in ("a", "ab", "abc", "bcd")],
    "longest, normalized": [AddedToken(token, normalized=True) for token in ("A", "ab", "Éa")],
    "white space": [AddedToken(" ", normalized=False), AddedToken("<t>", rstrip=True, normalized=False)],
    "white space taken by the one before": [
        AddedToken("  ", lstrip=True, rstrip=True, normalized=False),
        AddedToken("<t>", rstrip=True, normalized=False),
    ],
    "all flags": [
        AddedToken("<T>", single_word=True, lstrip=True, rstrip=True, normalized=True, special=True),
        AddedToken("<t>", single_word=True, lstrip=True, rstrip=True, normalized=False),
    ],
    "regular expression characters": [AddedToken(".*", normalized=False), AddedToken("[a", normalized=True)],
}

ADDED_TEXTS = [
    "[Q] hello [Q]world [Q]  a",
    "a <t> b  <t>  <t>\u3000c\x1c<t>d<t><t> ",
    "hello hellos _hello_ hello-hello éhello hello\u0301 ⓐhello",
    "HELLO <T>É<t>é<T>e\u0301 world worlds WORLD",
    "abcd abc ab a abab ÉA éab",
    ".* [a [A .[ [[a",
    " <t> ",
    "<t>",
]


@pytest.mark.parametrize("text", ADDED_TEXTS)
@pytest.mark.parametrize("name", ADDED)
def test_added_token_equals_the_library(name: str, text: str) -> None:
    oracle = small(normalizers.BertNormalizer(), BERT)
    oracle.add_tokens(ADDED[name])
    assert ours(oracle).encode(text) == expected(oracle, text)


@pytest.mark.parametrize("normalizer", [None, normalizers.BertNormalizer(), normalizers.NFKC()])
@pytest.mark.parametrize("name", ADDED)
def test_added_token_equals_the_library_on_any_text(
    name: str, normalizer: normalizers.Normalizer | None
) -> None:
    oracle = small(normalizer, BERT)
    oracle.add_tokens(ADDED[name])
    tokenizer = ours(oracle)
    parts = [token.content for token in ADDED[name]]
    pieces = [*parts, *map(str.upper, parts), " ", "  ", "\u3000", "\x1c", "a", "é", "\u0301", "_", "-", "ⓐ"]

    @settings(deadline=None, max_examples=60)
    @given(st.lists(st.sampled_from(pieces), max_size=10).map("".join))
    def check(text: str) -> None:
        assert tokenizer.encode(text) == expected(oracle, text)

    check()


def test_added_token_flags_are_drawn_from_all_combinations() -> None:
    @settings(deadline=None, max_examples=200)
    @given(
        st.tuples(*[st.booleans()] * 5),
        st.lists(st.sampled_from(["<t>", " ", "a", "é", "\u0301", "<T>", "\n", "."]), max_size=8).map(
            "".join
        ),
    )
    def check(flags: tuple[bool, ...], text: str) -> None:
        names = ("single_word", "lstrip", "rstrip", "normalized", "special")
        oracle = small(normalizers.BertNormalizer(), BERT)
        oracle.add_tokens([AddedToken("<t>", **dict(zip(names, flags, strict=True)))])
        assert ours(oracle).encode(text) == expected(oracle, text)

    check()


def test_added_token_ids_follow_the_vocabulary_whatever_the_file_says() -> None:
    oracle = small(None, BERT)
    oracle.add_tokens([AddedToken("<x>", normalized=False), AddedToken("hello", normalized=False), "<y>"])
    content = json.loads(oracle.to_str())
    for entry in content["added_tokens"]:
        entry["id"] += 1000
    tokenizer = Tokenizer.from_json(json.dumps(content))
    reread = type(oracle).from_str(json.dumps(content))
    for token in ("<x>", "hello", "<y>"):
        assert tokenizer.token_to_id(token) == reread.token_to_id(token)


def test_added_token_given_twice_counts_once_with_its_last_flags() -> None:
    content = json.loads(small(None, BERT).to_str())
    flags = {"single_word": False, "lstrip": False, "rstrip": False, "normalized": False, "special": False}
    content["added_tokens"] = [
        {"id": 900, "content": "<x>", **flags},
        {"id": 900, "content": "<x>", **flags, "lstrip": True},
        {"id": 901, "content": "", **flags},
    ]
    text = "a  <x>b"
    oracle = type(small()).from_str(json.dumps(content))
    tokenizer = Tokenizer.from_json(json.dumps(content))
    assert tokenizer.encode(text) == expected(oracle, text)
    assert tokenizer.vocab_size == oracle.get_vocab_size()


@pytest.mark.parametrize("tokens", [["Foo", "foo"], ["\u0301"]], ids=["equal", "empty"])
def test_added_token_that_normalization_makes_ambiguous_is_refused(tokens: list[str]) -> None:
    oracle = small(normalizers.BertNormalizer(), BERT)
    oracle.add_tokens([AddedToken(token, normalized=True) for token in tokens])
    with pytest.raises(TokenizerError, match="stays distinct when normalized"):
        ours(oracle)
