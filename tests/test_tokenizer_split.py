"""Pre-tokenizers that split at what they find, against the ``tokenizers`` library: words and their ranges."""

from itertools import product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tokenizer_texts import STRESS
from tokenizers import Regex, pre_tokenizers

from latefind import tokenizer_expressions
from latefind.tokenizer_expressions import KNOWN
from latefind.tokenizer_fields import Fields, build
from latefind.tokenizer_pretokenizers import PRE_TOKENIZERS
from latefind.tokenizer_text import AlignedText

BEHAVIORS = {
    "Removed": "removed",
    "Isolated": "isolated",
    "MergedWithPrevious": "merged_with_previous",
    "MergedWithNext": "merged_with_next",
    "Contiguous": "contiguous",
}
BEHAVED = list(product(BEHAVIORS, [False, True]))
NAMES = {
    value: name
    for name, value in vars(tokenizer_expressions).items()
    if isinstance(value, str) and name.isupper()
}

TEXTS = st.lists(
    st.one_of(
        st.sampled_from(
            ["'s", "'S", "'\u017f", "'ll", "'Ll", "'lL", "'\u212a", "'re", "'vE", "'d", "''", "'"]
        ),
        st.sampled_from(
            [" ", "  ", "   ", "\n", "\r\n", "\n\n", "\t", "\u3000", "\u00a0", "\u2028", "\x1c", "\x85"]
        ),
        st.sampled_from(
            ["a", "éa", "中", "abc", "1", "12", "1234", "٣", "½", "Ⅷ", "\u0301", "_", "-", "🙂", "\x00"]
        ),
        st.text(st.characters(exclude_categories=["Cs", "Cn"]), max_size=3),
    ),
    max_size=12,
).map("".join)


def words(text: str, **fields: object) -> list[tuple[str, tuple[int, int]]]:
    found = build(Fields(fields, "test"), PRE_TOKENIZERS).split(AlignedText.original(text)) if text else []
    return [(word.text, word.offsets(0, len(word.text))) for word in found]


def split(
    text: str, pattern: dict[str, str], behavior: str, invert: bool
) -> list[tuple[str, tuple[int, int]]]:
    return words(text, type="Split", pattern=pattern, behavior=behavior, invert=invert)


@pytest.mark.parametrize("expression", sorted(KNOWN), ids=lambda value: NAMES.get(value, value))
def test_expression_splits_as_in_the_library(expression: str) -> None:
    oracle = pre_tokenizers.Split(Regex(expression), "isolated")

    def check(text: str) -> None:
        assert split(text, {"Regex": expression}, "Isolated", False) == oracle.pre_tokenize_str(text)

    for text in STRESS.values():
        check(text)
    settings(deadline=None, max_examples=400)(given(TEXTS)(check))()


@pytest.mark.parametrize(("behavior", "invert"), BEHAVED)
@pytest.mark.parametrize("pattern", ["-", "--", "a", "中-", ".*", "#~ &"])
def test_split_at_a_string_equals_the_library(pattern: str, behavior: str, invert: bool) -> None:
    oracle = pre_tokenizers.Split(pattern, BEHAVIORS[behavior], invert)

    @settings(deadline=None, max_examples=40)
    @given(st.lists(st.sampled_from([pattern, "-", "a", "中", " ", "é"]), max_size=10).map("".join))
    def check(text: str) -> None:
        assert split(text, {"String": pattern}, behavior, invert) == oracle.pre_tokenize_str(text)

    check()


@pytest.mark.parametrize(("behavior", "invert"), BEHAVED)
def test_split_at_an_expression_obeys_its_behavior(behavior: str, invert: bool) -> None:
    oracle = pre_tokenizers.Split(Regex(r"\p{N}{1,3}"), BEHAVIORS[behavior], invert)

    @settings(deadline=None, max_examples=60)
    @given(TEXTS)
    def check(text: str) -> None:
        assert split(text, {"Regex": r"\p{N}{1,3}"}, behavior, invert) == oracle.pre_tokenize_str(text)

    check()


@settings(deadline=None, max_examples=200)
@given(TEXTS, st.booleans())
def test_digits_equal_the_library(text: str, individual: bool) -> None:
    oracle = pre_tokenizers.Digits(individual_digits=individual)
    assert words(text, type="Digits", individual_digits=individual) == oracle.pre_tokenize_str(text)


@pytest.mark.parametrize("text", ["", "-", "a-b", "--a-", "中-文"])
def test_delimiter_equals_the_library(text: str) -> None:
    oracle = pre_tokenizers.CharDelimiterSplit("-")
    assert words(text, type="CharDelimiterSplit", delimiter="-") == oracle.pre_tokenize_str(text)


@settings(deadline=None, max_examples=300)
@given(TEXTS, st.booleans(), st.booleans())
def test_byte_level_equals_the_library(text: str, add_prefix_space: bool, use_regex: bool) -> None:
    flags = {"add_prefix_space": add_prefix_space, "trim_offsets": True, "use_regex": use_regex}
    assert words(text, type="ByteLevel", **flags) == pre_tokenizers.ByteLevel(**flags).pre_tokenize_str(text)
