"""BPE tokenizers as ``tokenizer.json`` has them in well-known models, trained on the repository's text."""

import functools
import json
from typing import Any

import tokenizers
from tokenizer_texts import STRESS, documentation_lines
from tokenizers import AddedToken, Regex, models, normalizers, pre_tokenizers, processors, trainers

from latefind.tokenizer_expressions import LLAMA3, QWEN2

BYTES = [f"<0x{byte:02X}>" for byte in range(256)]


@functools.cache
def _trained(byte_level: bool) -> str:
    oracle = tokenizers.Tokenizer(models.BPE())
    if byte_level:
        oracle.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    else:
        oracle.pre_tokenizer = pre_tokenizers.Metaspace()
    trainer = trainers.BpeTrainer(
        vocab_size=3000,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet() if byte_level else [],
        special_tokens=["<s>", "<pad>", "</s>", "<unk>", *([] if byte_level else BYTES)],
        show_progress=False,
    )
    other_languages = [text for text in STRESS.values() if len(text) < 200]
    oracle.train_from_iterator(documentation_lines() + other_languages * 3, trainer)
    content: str = oracle.to_str()
    return content


def _with(byte_level: bool = True, **model: object) -> tokenizers.Tokenizer:
    content = json.loads(_trained(byte_level))
    content["model"] |= model
    content["pre_tokenizer"] = None
    return tokenizers.Tokenizer.from_str(json.dumps(content))


def roberta(add_prefix_space: bool = False) -> tokenizers.Tokenizer:
    """RoBERTa's shape, GPT-2's and BART's; with a prefix space that of some of its relatives."""
    oracle = _with()
    oracle.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=add_prefix_space)
    oracle.post_processor = processors.RobertaProcessing(
        ("</s>", 2), ("<s>", 0), add_prefix_space=add_prefix_space
    )
    oracle.add_special_tokens([AddedToken("<mask>", lstrip=True, normalized=False)])
    return oracle


def roberta_of_2020() -> str:
    """The same as older releases wrote it: no type, merges as strings."""
    content = json.loads(roberta().to_str())
    model = content["model"]
    model["merges"] = ["#version: 0.2", *(" ".join(pair) for pair in model["merges"])]
    del model["type"], model["byte_fallback"], model["ignore_merges"]
    del content["pre_tokenizer"]["use_regex"]
    model |= {"continuing_subword_prefix": "", "end_of_word_suffix": ""}
    return json.dumps(content)


def modernbert() -> tokenizers.Tokenizer:
    """ModernBERT's shape, after GPT-NeoX and OLMo: NFC, and added tokens that are runs of spaces."""
    oracle = _with()
    oracle.normalizer = normalizers.NFC()
    oracle.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    oracle.add_tokens(["|||IP_ADDRESS|||", *(AddedToken(" " * count) for count in range(24, 1, -1))])
    oracle.add_special_tokens(["[CLS]", "[SEP]", AddedToken("[MASK]", lstrip=True)])
    oracle.post_processor = _template(oracle, "[CLS]", "[SEP]")
    return oracle


def llama() -> tokenizers.Tokenizer:
    """Llama 3's shape, which EuroBERT has: an expression of its own, whole words before merges."""
    oracle = _with(ignore_merges=True)
    oracle.pre_tokenizer = _expression(LLAMA3)
    oracle.add_special_tokens(["<|begin_of_text|>"])
    template = _template(oracle, "<|begin_of_text|>")
    oracle.post_processor = processors.Sequence([processors.ByteLevel(), template])
    return oracle


def qwen() -> tokenizers.Tokenizer:
    """Qwen 2's and 3's shape."""
    oracle = _with()
    oracle.normalizer = normalizers.NFC()
    oracle.pre_tokenizer = _expression(QWEN2)
    oracle.post_processor = processors.ByteLevel(add_prefix_space=False, trim_offsets=False)
    return oracle


def starcoder() -> tokenizers.Tokenizer:
    """StarCoder's shape: digits stand alone."""
    oracle = _with()
    oracle.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.Digits(individual_digits=True), pre_tokenizers.ByteLevel(add_prefix_space=False)]
    )
    return oracle


def gemma(fuse_unk: bool = True) -> tokenizers.Tokenizer:
    """Gemma's shape, which mmBERT has: text is not split, unknown characters become bytes."""
    oracle = _with(byte_level=False, byte_fallback=True, fuse_unk=fuse_unk, unk_token="<unk>")
    oracle.normalizer = normalizers.Replace(" ", "▁")
    oracle.pre_tokenizer = pre_tokenizers.Split(" ", "merged_with_previous")
    oracle.add_tokens([AddedToken("▁" * count, normalized=False) for count in range(2, 6)])
    oracle.post_processor = _template(oracle, "<s>", "</s>")
    return oracle


def _expression(expression: str) -> pre_tokenizers.PreTokenizer:
    split = pre_tokenizers.Split(Regex(expression), "isolated")
    return pre_tokenizers.Sequence([split, pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)])


def _template(oracle: tokenizers.Tokenizer, before: str, behind: str = "") -> processors.PostProcessor:
    special = [(token, oracle.token_to_id(token)) for token in (before, behind) if token]
    return processors.TemplateProcessing(f"{before} $A {behind}".strip(), special_tokens=special)


SHAPES: dict[str, Any] = {
    "RoBERTa": roberta,
    "RoBERTa with a prefix space": lambda: roberta(add_prefix_space=True),
    "RoBERTa of 2020": roberta_of_2020,
    "ModernBERT": modernbert,
    "Llama 3": llama,
    "Qwen 2": qwen,
    "StarCoder": starcoder,
    "Gemma": gemma,
}


@functools.cache
def text_of(shape: str) -> str:
    """Return the ``tokenizer.json`` of a shape."""
    made = SHAPES[shape]()
    return made if isinstance(made, str) else made.to_str()


@functools.cache
def oracle_of(shape: str) -> tokenizers.Tokenizer:
    """Return the library's tokenizer of a shape."""
    return tokenizers.Tokenizer.from_str(text_of(shape))
