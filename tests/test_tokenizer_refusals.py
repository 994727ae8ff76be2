"""Descriptions of tokenizers that are refused: each names the field, what was expected, and what it had."""

import json
from collections.abc import Callable

import pytest
from tokenizer_oracle import small
from tokenizers import Regex, normalizers, pre_tokenizers

from latefind.errors import TokenizerError
from latefind.tokenizer import Tokenizer

BERT = pre_tokenizers.BertPreTokenizer()


def _edit(change: Callable[[dict[str, object]], object]) -> str:
    content = json.loads(small(normalizers.BertNormalizer(), BERT).to_str())
    change(content)
    return json.dumps(content)


def _replace_regex() -> dict[str, object]:
    oracle = small(normalizers.Replace(Regex(r"\d*"), " "))
    return json.loads(oracle.to_str())["normalizer"]


MALFORMED = {
    "not JSON": ("{", "t.json: expected JSON, got"),
    "empty": ("", "t.json: expected JSON, got"),
    "not UTF-8": (b'{"model": "\xff\xfe"}', "t.json: expected JSON, got"),
    "nested too deep": ("[" * 200_000, "t.json: expected JSON, got"),
    "a list": ("[]", "t.json: expected a JSON object, got a list."),
    "no model": (_edit(lambda c: c.pop("model")), "t.json: model: expected a JSON object, got None."),
    "another model": (
        _edit(lambda c: c["model"].update(type="WordLevel")),
        "t.json: model: type: expected BPE or",
    ),
    "no vocabulary": (
        _edit(lambda c: c["model"].pop("vocab")),
        "t.json: model: vocab: expected an object of token: id, not empty, got nothing.",
    ),
    "empty vocabulary": (_edit(lambda c: c["model"].update(vocab={})), "t.json: model: vocab: expected"),
    "vocabulary as a list": (
        _edit(lambda c: c["model"].update(vocab=["a"])),
        "t.json: model: vocab: expected an object of token: id, not empty, got a list.",
    ),
    "id that is no integer": (
        _edit(lambda c: c["model"]["vocab"].update(a="1")),
        "t.json: model: vocab: expected",
    ),
    "negative id": (_edit(lambda c: c["model"]["vocab"].update(a=-1)), "t.json: model: vocab: expected"),
    "unknown token not in the vocabulary": (
        _edit(lambda c: c["model"].update(unk_token="<unk>")),
        "t.json: model: unk_token: expected a token of the vocabulary, got '<unk>'.",
    ),
    "no word length": (
        _edit(lambda c: c["model"].pop("max_input_chars_per_word")),
        "t.json: model: max_input_chars_per_word: expected an integer from 0, got nothing.",
    ),
    "unsupported normalizer": (
        _edit(lambda c: c.update(normalizer={"type": "ByteLevel"})),
        "t.json: normalizer: type: expected BertNormalizer or Lowercase or",
    ),
    "unsupported normalizer in a sequence": (
        _edit(lambda c: c.update(normalizer={"type": "Sequence", "normalizers": [{"type": "ByteLevel"}]})),
        "t.json: normalizer: normalizers[0]: type: expected",
    ),
    "regular expression": (
        _edit(lambda c: c.update(normalizer=_replace_regex())),
        "t.json: normalizer: pattern: Regex: expected characters or \\s, repeated by +, {n}, {n,} or {n,m}",
    ),
    "flag that is no flag": (
        _edit(lambda c: c["normalizer"].update(lowercase="yes")),
        "t.json: normalizer: lowercase: expected true or false, got 'yes'.",
    ),
    "unsupported pre-tokenizer": (
        _edit(lambda c: c.update(pre_tokenizer={"type": "UnicodeScripts"})),
        "t.json: pre_tokenizer: type: expected BertPreTokenizer or",
    ),
    "unknown behavior": (
        _edit(lambda c: c.update(pre_tokenizer={"type": "Punctuation", "behavior": "Lost"})),
        "t.json: pre_tokenizer: behavior: expected Isolated or",
    ),
    "unsupported post-processor": (
        _edit(lambda c: c.update(post_processor={"type": "PairProcessing"})),
        "t.json: post_processor: type: expected BertProcessing or",
    ),
    "special token that the template does not define": (
        _edit(
            lambda c: c.update(
                post_processor={
                    "type": "TemplateProcessing",
                    "single": [{"SpecialToken": {"id": "[X]", "type_id": 0}}],
                    "special_tokens": {},
                }
            )
        ),
        "t.json: post_processor: special_tokens: [X]: expected a JSON object, got None.",
    ),
    "second text in the template of one": (
        _edit(
            lambda c: c.update(
                post_processor={
                    "type": "TemplateProcessing",
                    "single": [{"Sequence": {"id": "B", "type_id": 0}}],
                    "special_tokens": {},
                }
            )
        ),
        "t.json: post_processor: single[0]: Sequence: id: expected 'A'",
    ),
    "BertProcessing without an id": (
        _edit(
            lambda c: c.update(
                post_processor={"type": "BertProcessing", "cls": ["[CLS]"], "sep": ["[SEP]", 3]}
            )
        ),
        "t.json: post_processor: cls: expected a token and its id, got a list.",
    ),
    "added tokens that are no list": (
        _edit(lambda c: c.update(added_tokens={"a": 1})),
        "t.json: added_tokens: expected a list, got a dict.",
    ),
    "added token without a flag": (
        _edit(lambda c: c.update(added_tokens=[{"id": 1, "content": "<x>"}])),
        "t.json: added_tokens[0]: single_word: expected true or false, got nothing.",
    ),
}


@pytest.mark.parametrize("name", MALFORMED)
def test_from_json_refuses(name: str) -> None:
    content, message = MALFORMED[name]
    with pytest.raises(TokenizerError) as caught:
        Tokenizer.from_json(content, "t.json")
    assert str(caught.value).startswith(message)


def test_from_json_reads_text_and_bytes_alike() -> None:
    content = small(normalizers.BertNormalizer(), BERT).to_str()
    assert Tokenizer.from_json(content.encode()).encode("Héllo") == Tokenizer.from_json(content).encode(
        "Héllo"
    )
