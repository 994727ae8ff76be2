"""The shipped model's tokenizer against the ``tokenizers`` library: ids and offsets are equal."""

import json

import pytest
from checkpoint_tokenizers import WORDPIECE
from hypothesis import given, settings
from hypothesis import strategies as st
from tokenizer_oracle import SHIPPED, expected, shipped
from tokenizer_texts import STRESS
from tokenizers import AddedToken

from latefind.errors import TokenizerError
from latefind.tokenizer import Tokenizer

ORACLE = shipped()
TOKENIZER = Tokenizer.from_json(SHIPPED.read_bytes())

PIECES = st.one_of(
    st.sampled_from(["[MASK]", "[SEP]", "[CLS]", "[UNK]", "[PAD]", "[", "]", "##", "##ing", "MASK"]),
    st.sampled_from([" ", "  ", "\t", "\n", "\u3000", "\u00a0", "\u200b", "\x0b", "\x85", "\x1c"]),
    st.sampled_from(
        ["İ", "Σ", "ς", "ß", "é", "ậ", "Å", "\u0301", "\u0323", "\u0334", "\u0344", "\u302e", "\u0f73"]
    ),
    st.sampled_from(
        ["the", "reading", "Python", "unaffable", "x" * 99, ".", "...", "中", "가", "👩‍💻", "\ufe0f"]
    ),
    # Unassigned code points may become letters in a later release of the library.
    st.text(st.characters(exclude_categories=["Cs", "Cn"]), max_size=4),
)


@pytest.mark.parametrize("name", STRESS)
def test_encode_equals_the_library(name: str) -> None:
    assert TOKENIZER.encode(STRESS[name]) == expected(ORACLE, STRESS[name])


@pytest.mark.parametrize("name", STRESS)
def test_encode_equals_the_library_inside_other_text(name: str) -> None:
    text = f"Vor [MASK]{STRESS[name]}\u0301 nach é"
    assert TOKENIZER.encode(text) == expected(ORACLE, text)


@settings(deadline=None, max_examples=400)
@given(st.text(st.characters(exclude_categories=["Cs", "Cn"])))
def test_encode_equals_the_library_on_any_text(text: str) -> None:
    assert TOKENIZER.encode(text) == expected(ORACLE, text)


@settings(deadline=None, max_examples=600)
@given(st.lists(PIECES, max_size=12).map("".join))
def test_encode_equals_the_library_on_awkward_text(text: str) -> None:
    assert TOKENIZER.encode(text) == expected(ORACLE, text)


def test_encode_gives_the_reference_tokens() -> None:
    text = "Mars is the Red Planet."
    reference = Tokenizer.from_json(WORDPIECE.read_bytes())
    assert reference.encode(text).ids == [101, 7733, 2003, 1996, 2417, 4774, 1012, 102]


def test_encode_offsets_point_into_the_original_text() -> None:
    text = "İ  Ça-va? Cafe\u0301"
    encoding = TOKENIZER.encode(text, add_special_tokens=False)
    assert [text[start:end] for start, end in encoding.offsets] == ["İ", "Ça", "-", "va", "?", "Cafe"]


def test_encode_without_special_tokens_keeps_those_in_the_text() -> None:
    encoding = TOKENIZER.encode("a [MASK]", add_special_tokens=False)
    assert encoding == expected(ORACLE, "a [MASK]", add_special_tokens=False)
    assert encoding.ids[-1] == ORACLE.token_to_id("[MASK]")


@pytest.mark.parametrize("max_length", range(2, 14))
def test_encode_truncates_as_the_library(max_length: int) -> None:
    oracle = shipped()
    oracle.enable_truncation(max_length)
    text = "Unaffable [MASK] 中文 Ça va, İstanbul"
    assert TOKENIZER.encode(text, max_length=max_length) == expected(oracle, text)


@pytest.mark.parametrize("max_length", range(14))
def test_encode_truncates_as_the_library_without_special_tokens(max_length: int) -> None:
    oracle = shipped()
    oracle.enable_truncation(max_length)
    text = "Unaffable [MASK] 中文 Ça va, İstanbul"
    encoding = TOKENIZER.encode(text, max_length=max_length, add_special_tokens=False)
    assert encoding == expected(oracle, text, add_special_tokens=False)


def test_encode_max_length_without_room_for_special_tokens_is_refused() -> None:
    with pytest.raises(TokenizerError, match=r"max_length: expected at least 2, .*, got 1"):
        TOKENIZER.encode("a", max_length=1)


def test_encode_ignores_truncation_and_padding_of_the_file() -> None:
    content = json.loads(SHIPPED.read_text(encoding="utf-8"))
    content["truncation"] = {"max_length": 4, "strategy": "LongestFirst", "stride": 0, "direction": "Right"}
    content["padding"] = {"strategy": {"Fixed": 8}, "direction": "Right", "pad_id": 0}
    assert (
        TOKENIZER.encode("a b c d e").ids == Tokenizer.from_json(json.dumps(content)).encode("a b c d e").ids
    )


@pytest.mark.parametrize("text", ["a\ud800b", "\udc00", "a \ud83d\ude00", "\ud800[MASK]\u0301"])
def test_encode_lone_surrogates_count_as_replacement_characters(text: str) -> None:
    replaced = "".join("\ufffd" if "\ud800" <= character <= "\udfff" else character for character in text)
    assert TOKENIZER.encode(text) == expected(ORACLE, replaced)


def test_encode_is_the_same_the_second_time() -> None:
    assert TOKENIZER.encode("Reading naïvely") == TOKENIZER.encode("Reading naïvely")


def test_vocab_size_counts_added_tokens_once() -> None:
    oracle = shipped()
    oracle.add_tokens([AddedToken("[new] ", normalized=False), "the"])
    tokenizer = Tokenizer.from_json(oracle.to_str())
    assert tokenizer.vocab_size == oracle.get_vocab_size() == ORACLE.get_vocab_size() + 1


@pytest.mark.parametrize("token", ["[MASK]", "the", "##ing", "[Q] ", "nowhere to be found", ""])
def test_token_to_id_equals_the_library(token: str) -> None:
    oracle = shipped()
    oracle.add_tokens([AddedToken("[Q] ", normalized=False)])
    assert Tokenizer.from_json(oracle.to_str()).token_to_id(token) == oracle.token_to_id(token)
