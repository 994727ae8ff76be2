"""Byte-pair encoding as well-known models use it, against the ``tokenizers`` library: ids and offsets."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import tokenizers
from bpe_tokenizers import SHAPES, gemma, oracle_of, roberta, text_of
from hypothesis import given, settings
from hypothesis import strategies as st
from test_pyodide import run_in_pyodide
from tokenizer_oracle import expected, ours
from tokenizer_texts import STRESS, documentation_lines, evaluation_lines
from tokenizers import models, normalizers

from latefind.errors import TokenizerError
from latefind.tokenizer import Encoding, Tokenizer

TOKENIZERS = {shape: Tokenizer.from_json(text_of(shape)) for shape in SHAPES}

PIECES = st.one_of(
    st.sampled_from(
        [" ", "  ", "     ", " " * 30, "\n", "\r\n", "\t", "\u3000", "\u00a0", "\u2028", "\x1c", "\x85"]
    ),
    st.sampled_from(
        ["'s", "'S", "'\u017f", "'ll", "'re", "''", "don't", "we'VE", "1", "123", "٣", "½", "a1b"]
    ),
    st.sampled_from(["<mask>", " <mask>", "<s>", "[MASK]", "[CLS]", "<|begin_of_text|>", "<unk>", "<0x41>"]),
    st.sampled_from(
        ["the", " index", "Größe", "é", "e\u0301", "中文", "🙂", "👩‍💻", "Ġ", "▁", "▁▁", "Â", "\x00"]
    ),
    # Unassigned code points may become letters in a later release of the library.
    st.text(st.characters(exclude_categories=["Cs", "Cn"]), max_size=4),
)
TEXTS = st.lists(PIECES, max_size=12).map("".join)


def assert_equal(shape: str, texts: list[str]) -> None:
    encodings = oracle_of(shape).encode_batch(texts)
    for text, encoding in zip(texts, encodings, strict=True):
        assert TOKENIZERS[shape].encode(text) == Encoding(encoding.ids, encoding.offsets), text


@pytest.mark.parametrize("shape", SHAPES)
def test_encode_equals_the_library_on_stress(shape: str) -> None:
    around = [f"Vor <mask> {text}\u0301  nach é" for text in STRESS.values()]
    assert_equal(shape, [*STRESS.values(), *around])


@pytest.mark.parametrize("shape", SHAPES)
def test_encode_equals_the_library_on_the_documentation(shape: str) -> None:
    assert_equal(shape, documentation_lines())


@pytest.mark.parametrize("shape", ["RoBERTa", "ModernBERT", "Llama 3", "Gemma"])
def test_encode_equals_the_library_on_ten_thousand_sentences_of_seven_languages(shape: str) -> None:
    assert_equal(shape, evaluation_lines(10_000))


@pytest.mark.parametrize("shape", SHAPES)
def test_encode_equals_the_library_on_any_text(shape: str) -> None:
    oracle = oracle_of(shape)

    @settings(deadline=None, max_examples=150)
    @given(TEXTS, st.booleans())
    def check(text: str, add_special_tokens: bool) -> None:
        options = {"add_special_tokens": add_special_tokens}
        assert TOKENIZERS[shape].encode(text, **options) == expected(oracle, text, **options)

    check()


@pytest.mark.parametrize("max_length", range(2, 20))
@pytest.mark.parametrize("shape", ["RoBERTa", "RoBERTa with a prefix space", "Llama 3"])
def test_encode_truncates_and_trims_as_the_library(shape: str, max_length: int) -> None:
    oracle = tokenizers.Tokenizer.from_str(text_of(shape))
    oracle.enable_truncation(max_length)
    text = " It's <mask>  the index \n\n of 🙂 Größe "
    assert TOKENIZERS[shape].encode(text, max_length=max_length) == expected(oracle, text)


def test_offsets_of_a_part_of_a_character_are_those_of_the_character() -> None:
    encoding = TOKENIZERS["ModernBERT"].encode("a\U0001f9ffb", add_special_tokens=False)
    assert encoding.offsets[0] == (0, 1)
    assert set(encoding.offsets[1:-1]) == {(1, 2)}
    assert encoding.offsets[-1] == (2, 3)


def test_roberta_offsets_leave_spaces_out() -> None:
    text = "the index  of"
    offsets = TOKENIZERS["RoBERTa"].encode(text, add_special_tokens=False).offsets
    assert "".join(text[start:end] for start, end in offsets) == "theindexof"


def test_trimming_equals_the_library_where_one_character_becomes_several_words() -> None:
    oracle = roberta(add_prefix_space=True)
    oracle.normalizer = normalizers.NFKC()
    assert ours(oracle).encode("ﷺ a") == expected(oracle, "ﷺ a")


def test_pyodide_gives_the_same_tokens(tmp_path: Path) -> None:
    files = {shape: text_of(shape) for shape in ("RoBERTa", "ModernBERT", "Gemma")}
    texts = [text for text in STRESS.values() if len(text) < 1000]
    script = f"""
import json
from latefind.tokenizer import Tokenizer
files, texts = json.loads({json.dumps([files, texts])!r})
found = {{}}
for name, file in files.items():
    encodings = map(Tokenizer.from_json(file).encode, texts)
    found[name] = [[encoding.ids, encoding.offsets] for encoding in encodings]
print(json.dumps(found))
"""
    for shape, found in run_in_pyodide(tmp_path, script).items():
        theirs = oracle_of(shape).encode_batch(texts)
        assert found == [[encoding.ids, list(map(list, encoding.offsets))] for encoding in theirs]


# The model by itself -------------------------------------------------------------------------------------

ALPHABET = "abcé中🙂 1"


@st.composite
def small_models(draw: st.DrawFn) -> models.BPE:
    """Draw a model of a few characters, with gaps in its vocabulary and with merges of any order."""
    options: dict[str, Any] = {"fuse_unk": draw(st.booleans()), "ignore_merges": draw(st.booleans())}
    if draw(st.booleans()):
        options["unk_token"] = "<unk>"
    prefix = suffix = ""
    tokens = ["<unk>", *draw(st.lists(st.sampled_from(ALPHABET), min_size=3, unique=True))]
    if draw(st.booleans()):
        options["byte_fallback"] = True
        lacking = draw(st.sampled_from(["", "<0xC3>", "<0xE4>"]))
        tokens += [f"<0x{byte:02X}>" for byte in range(256) if f"<0x{byte:02X}>" != lacking]
    else:
        prefix = options["continuing_subword_prefix"] = draw(st.sampled_from(["", "##"]))
        suffix = options["end_of_word_suffix"] = draw(st.sampled_from(["", "</w>"]))
    singles = tokens[1:4]
    tokens += [prefix + token for token in singles]
    tokens += [token + suffix for token in tokens[-6:]]
    vocabulary = {token: index for index, token in enumerate(dict.fromkeys(tokens))}
    merges = []
    for _ in range(draw(st.integers(0, 25))):
        candidates = [token for token in vocabulary if not token.startswith("<0x") or token == "<0xF0>"]
        left, right = draw(st.sampled_from(candidates)), draw(st.sampled_from(candidates))
        if right.startswith(prefix):
            vocabulary.setdefault(left + right[len(prefix) :], len(vocabulary))
            merges.append((left, right))
    return models.BPE(vocabulary, merges, **options)


@settings(deadline=None, max_examples=500)
@given(small_models(), st.lists(st.text(ALPHABET, max_size=12), min_size=1, max_size=5))
def test_model_equals_the_library_whatever_its_options(model: models.BPE, texts: list[str]) -> None:
    oracle = tokenizers.Tokenizer(model)
    tokenizer = ours(oracle)
    for text in texts:
        assert tokenizer.encode(text) == expected(oracle, text)


def test_model_joins_the_first_of_equal_pairs_first() -> None:
    oracle = tokenizers.Tokenizer(models.BPE({"a": 0, "aa": 1, "aaa": 2}, [("a", "a"), ("aa", "a")]))
    assert ours(oracle).encode("aaaaa").ids == expected(oracle, "aaaaa").ids == [1, 2]


def test_unknown_characters_fuse_only_where_the_file_says_so() -> None:
    fused, single = (
        ours(gemma_without_bytes(fuse_unk)).encode("a\u2fd5\u2fd4b").ids for fuse_unk in (True, False)
    )
    assert single.count(3) == fused.count(3) + 1


def gemma_without_bytes(fuse_unk: bool) -> tokenizers.Tokenizer:
    content = json.loads(gemma(fuse_unk).to_str())
    content["model"]["byte_fallback"] = False
    return tokenizers.Tokenizer.from_str(json.dumps(content))


@pytest.mark.parametrize("length", [10_000, 10_001])
def test_a_text_that_nothing_splits_equals_the_library(length: int) -> None:
    text = "the-index-" * (length // 10) + "x" * (length % 10)
    assert TOKENIZERS["Gemma"].encode(text) == expected(oracle_of("Gemma"), text)


# Errors --------------------------------------------------------------------------------------------------


def _edit(change: Callable[[dict[str, Any]], object]) -> str:
    content = json.loads(text_of("RoBERTa"))
    change(content)
    return json.dumps(content)


def _model(**fields: object) -> str:
    return _edit(lambda content: content["model"].update(fields))


MALFORMED = {
    "dropout": (_model(dropout=0.1), "t.json: model: dropout: expected null or 0, got 0.1. Merges that are"),
    "no merges": (_edit(lambda c: c["model"].pop("merges")), "t.json: model: merges: expected a list of"),
    "merges as an object": (_model(merges={}), "t.json: model: merges: expected a list of"),
    "three tokens in a string": (
        _model(merges=["a b", "a b c"]),
        "t.json: model: merges[1]: expected two tokens",
    ),
    "three tokens in a list": (
        _model(merges=[["a", "b", "c"]]),
        "t.json: model: merges[0]: expected two tokens",
    ),
    "two spellings": (_model(merges=[["t", "h"], "t h"]), "t.json: model: merges[1]: expected two tokens"),
    "a merge of numbers": (_model(merges=[[1, 2]]), "t.json: model: merges[0]: expected two tokens"),
    "a merge of lists": (_model(merges=[[["t"], "h"]]), "t.json: model: merges[0]: expected two tokens"),
    "a merge that is a number": (_model(merges=[7]), "t.json: model: merges[0]: expected two tokens"),
    "a token that the vocabulary lacks": (
        _model(merges=[["t", "h"], ["t", "ǂ"]]),
        "t.json: model: merges[1]: expected two tokens",
    ),
    "a join that the vocabulary lacks": (
        _model(merges=["t h", "ĉ ĉ"]),
        "t.json: model: merges[1]: expected two tokens, spelled as in the first merge, that the vocabulary "
        "has, and their join too, got 'ĉ ĉ'.",
    ),
    "a merge without the subword prefix": (
        _model(merges=["t h"], continuing_subword_prefix="##"),
        "t.json: model: merges[0]: expected two tokens",
    ),
    "unknown token that the vocabulary lacks": (
        _model(unk_token="[UNK]"),
        "t.json: model: unk_token: expected a token of the vocabulary, got '[UNK]'.",
    ),
    "an id twice": (
        _edit(lambda c: c["model"]["vocab"].update(t=1)),
        "t.json: model: vocab: expected an id of its own for every token",
    ),
    "bytes beside a suffix": (
        _model(byte_fallback=True, end_of_word_suffix="</w>"),
        "t.json: model: byte_fallback: expected false beside",
    ),
    "flag that is no flag": (_model(fuse_unk=1), "t.json: model: fuse_unk: expected true or false, got 1."),
    "prefix that is no text": (
        _model(continuing_subword_prefix=0),
        "t.json: model: continuing_subword_prefix: expected a string, got 0.",
    ),
    "pre-tokenizer without a flag": (
        _edit(lambda c: c["pre_tokenizer"].pop("add_prefix_space")),
        "t.json: pre_tokenizer: add_prefix_space: expected true or false, got nothing.",
    ),
    "another expression": (
        _edit(
            lambda c: c.update(
                pre_tokenizer={
                    "type": "Split",
                    "pattern": {"Regex": r"\p{Lu}?\p{Ll}+"},
                    "behavior": "Isolated",
                    "invert": False,
                }
            )
        ),
        r"t.json: pre_tokenizer: pattern: Regex: expected one of the expressions of GPT-2, GPT-4, Llama 3 "
        r"and Qwen 2, got '\\p{Lu}?\\p{Ll}+'.",
    ),
    "splitting at nothing": (
        _edit(
            lambda c: c.update(
                pre_tokenizer={
                    "type": "Split",
                    "pattern": {"String": ""},
                    "behavior": "Isolated",
                    "invert": False,
                }
            )
        ),
        "t.json: pre_tokenizer: pattern: String: expected a string, not empty, got ''.",
    ),
    "unknown behavior": (
        _edit(
            lambda c: c.update(
                pre_tokenizer={
                    "type": "Split",
                    "pattern": {"String": " "},
                    "behavior": "Lost",
                    "invert": False,
                }
            )
        ),
        "t.json: pre_tokenizer: behavior: expected Contiguous or Isolated or",
    ),
    "delimiter of two characters": (
        _edit(lambda c: c.update(pre_tokenizer={"type": "CharDelimiterSplit", "delimiter": "ab"})),
        "t.json: pre_tokenizer: delimiter: expected one character, got 'ab'.",
    ),
    "post-processor without an id": (
        _edit(lambda c: c["post_processor"].update(cls=["<s>"])),
        "t.json: post_processor: cls: expected a token and its id, got a list.",
    ),
    "special tokens twice": (
        _edit(
            lambda c: c.update(post_processor={"type": "Sequence", "processors": [c["post_processor"]] * 2})
        ),
        "t.json: post_processor: processors[1]: type: expected no further processor after one that adds",
    ),
}


@pytest.mark.parametrize("name", MALFORMED)
def test_from_json_refuses(name: str) -> None:
    content, message = MALFORMED[name]
    with pytest.raises(TokenizerError) as caught:
        Tokenizer.from_json(content, "t.json")
    assert str(caught.value).startswith(message)


def test_from_json_refuses_trimmed_offsets_of_another_model() -> None:
    content = json.loads(text_of("RoBERTa"))
    content["model"] = {"type": "Unigram", "unk_id": 0, "vocab": [["<unk>", 0.0], ["a", -1.0]]}
    with pytest.raises(TokenizerError, match="post_processor: trim_offsets: expected false beside a Unigram"):
        Tokenizer.from_json(json.dumps(content), "t.json")
