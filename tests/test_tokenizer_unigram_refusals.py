"""Files of Unigram tokenizers that are refused, each by the path of what is wrong in it."""

import json

import pytest
from unigram_tokenizers import with_metaspace, xlm_roberta

from latefind.errors import TokenizerError
from latefind.tokenizer import Tokenizer


def _edited(**changes: object) -> str:
    content = xlm_roberta()
    for path, value in changes.items():
        *parents, last = path.split("__")
        target = content
        for name in parents:
            target = target[name]
        target[last] = value
    return json.dumps(content)


def _regex(pattern: str, content: str = " ") -> str:
    return _edited(normalizer={"type": "Replace", "pattern": {"Regex": pattern}, "content": content})


VOCABULARY = "t.json: model: vocab: expected a list of [token, finite score], not empty"

MALFORMED = {
    "vocabulary as an object": (_edited(model__vocab={"a": 0}), f"{VOCABULARY}, got a dict."),
    "empty vocabulary": (_edited(model__vocab=[]), VOCABULARY),
    "tokens without a score": (_edited(model__vocab=["a", "b"]), VOCABULARY),
    "entry of three": (_edited(model__vocab=[["<unk>", 0.0, 1]]), VOCABULARY),
    "token that is no string": (_edited(model__vocab=[[1, 0.0]]), VOCABULARY),
    "score that is no number": (_edited(model__vocab=[["a", "0"]]), VOCABULARY),
    "score that is a flag": (_edited(model__vocab=[["a", True]]), VOCABULARY),
    "score NaN": (_edited(model__vocab=[["a", float("nan")]]), VOCABULARY),
    "score infinite": (_edited(model__vocab=[["a", float("-inf")]]), VOCABULARY),
    "score too large": (_edited(model__vocab=[["a", 10**400]]), VOCABULARY),
    "token twice": (
        _edited(model__vocab=[["a", 0.0], ["b", 1.0], ["a", 2.0]]),
        "t.json: model: vocab: expected every token once, got a list.",
    ),
    "unknown id beyond the vocabulary": (
        _edited(model__vocab=[["a", 0.0]], model__unk_id=1),
        "t.json: model: unk_id: expected an id below 1, the size of the vocabulary, got 1.",
    ),
    "no unknown id": (
        _edited(model__vocab=[["a", 0.0]], model__unk_id=None),
        "t.json: model: unk_id: expected an id below 1, the size of the vocabulary, got None.",
    ),
    "negative unknown id": (_edited(model__unk_id=-1), "t.json: model: unk_id: expected an integer from 0"),
    "byte fallback that is no flag": (
        _edited(model__byte_fallback="yes"),
        "t.json: model: byte_fallback: expected true or false, got 'yes'.",
    ),
    "sampling": (_edited(model__alpha=0.1), "t.json: model: alpha: expected nothing, got 0.1."),
    "metaspace of two characters": (
        with_metaspace(replacement="▁▁"),
        "t.json: pre_tokenizer: replacement: expected one character, got '▁▁'.",
    ),
    "metaspace with another scheme": (
        with_metaspace(prepend_scheme="last"),
        "t.json: pre_tokenizer: prepend_scheme: expected always or first or never, got 'last'.",
    ),
    "metaspace that contradicts itself": (
        with_metaspace(add_prefix_space=False),
        "t.json: pre_tokenizer: add_prefix_space: expected true, or prepend_scheme never, got False.",
    ),
    "prepend nothing": (
        _edited(normalizer={"type": "Prepend", "prepend": ""}),
        "t.json: normalizer: prepend: expected a string, not empty, got ''.",
    ),
    "replacement with a group": (_regex(" +", "$0"), "t.json: normalizer: content: expected text without $"),
}


@pytest.mark.parametrize("name", MALFORMED)
def test_from_json_refuses(name: str) -> None:
    content, message = MALFORMED[name]
    with pytest.raises(TokenizerError) as caught:
        Tokenizer.from_json(content, "t.json")
    assert str(caught.value).startswith(message)


PATTERNS = [
    *[
        "",
        " *",
        " ?",
        " {2,}?",
        " {2,}+",
        " ++",
        " {0,2}",
        " {,2}",
        " {3,2}",
        " {2",
        "{2}",
        "+a",
        "a|b",
        "(a)",
    ],
    *[
        "[ab]",
        "^a",
        "a$",
        ".",
        r"\d",
        r"\S",
        r"\w+",
        r"\b",
        r"\p{L}",
        r"\x20",
        r"\u0020",
        "(?i)a",
        "a{2}{3}",
        "\\",
    ],
]


@pytest.mark.parametrize("pattern", PATTERNS)
def test_replace_refuses_a_pattern_that_might_mean_something_else(pattern: str) -> None:
    with pytest.raises(TokenizerError) as caught:
        Tokenizer.from_json(_regex(pattern), "t.json")
    message = (
        "t.json: normalizer: pattern: Regex: expected characters or \\s, repeated by +, {n}, {n,} or {n,m}"
    )
    assert str(caught.value).startswith(f"{message}, got {pattern!r}.")
