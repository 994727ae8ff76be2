"""Tokenizers of every family for test checkpoints, trained on this repository's documentation."""

import json
import re
import tempfile
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from typing import Any

import sentencepiece
import transformers
from tokenizers import (
    ByteLevelBPETokenizer,
    Tokenizer,
    decoders,
    models,
    normalizers,
    pre_tokenizers,
    trainers,
)
from tokenizers.processors import TemplateProcessing

ROOT = Path(__file__).parent.parent
WORDPIECE = ROOT / "tests/golden/bert-base-uncased.json"
"""bert-base-uncased's vocabulary of 30,522 (Apache-2.0), the reference's own."""


def repository_texts(shortest: int = 60) -> list[str]:
    """Return the paragraphs of this repository's documentation, without tables, pictures and code."""
    texts = []
    for path in sorted((ROOT / "docs").glob("*.md")):
        prose = re.sub(r"^```.*?^```", "", path.read_text(encoding="utf-8"), flags=re.DOTALL | re.MULTILINE)
        for paragraph in re.split(r"\n\s*\n", prose):
            text = " ".join(paragraph.split())
            if len(text) >= shortest and text[0] not in "|#<!":
                texts.append(text)
    return list(dict.fromkeys(texts))


def reference_wordpiece(positions: int) -> Any:
    """bert-base-uncased's tokenizer."""
    tokenizer = Tokenizer.from_file(str(WORDPIECE))
    tokenizer.no_truncation()
    tokenizer.no_padding()
    return transformers.BertTokenizerFast(tokenizer_object=tokenizer, model_max_length=positions)


def train_wordpiece(tokens: int, positions: int) -> Any:
    special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    tokenizer = Tokenizer(models.WordPiece(unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.BertNormalizer(lowercase=False, strip_accents=False)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.train_from_iterator(
        repository_texts(), trainers.WordPieceTrainer(vocab_size=tokens, special_tokens=special)
    )
    tokenizer.post_processor = TemplateProcessing(
        single="[CLS]:0 $A:0 [SEP]:0",
        pair="[CLS]:0 $A:0 [SEP]:0 $B:1 [SEP]:1",
        special_tokens=[("[CLS]", tokenizer.token_to_id("[CLS]")), ("[SEP]", tokenizer.token_to_id("[SEP]"))],
    )
    tokenizer.decoder = decoders.WordPiece()
    return transformers.DistilBertTokenizerFast(
        tokenizer_object=tokenizer, do_lower_case=False, model_max_length=positions
    )


def train_roberta_bpe(tokens: int, positions: int) -> Any:
    special = ["<s>", "<pad>", "</s>", "<unk>", "<mask>"]
    trained = ByteLevelBPETokenizer()
    trained.train_from_iterator(
        repository_texts(), vocab_size=tokens, special_tokens=special, show_progress=False
    )
    state = json.loads(trained.to_str())["model"]
    vocabulary, merges = state["vocab"], [" ".join(pair) for pair in state["merges"]]
    return _from_files(
        transformers.RobertaTokenizerFast,
        {
            "vocab.json": json.dumps(vocabulary, ensure_ascii=False),
            "merges.txt": "#version: 0.2\n" + "\n".join(merges) + "\n",
        },
        positions,
    )


def train_modernbert_bpe(tokens: int, positions: int) -> Any:
    special = ["[UNK]", "[CLS]", "[SEP]", "[PAD]", "[MASK]"]
    tokenizer = Tokenizer(models.BPE())
    tokenizer.normalizer = normalizers.NFC()
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.train_from_iterator(
        repository_texts(),
        trainers.BpeTrainer(
            vocab_size=tokens,
            initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
            special_tokens=special,
            show_progress=False,
        ),
    )
    tokenizer.post_processor = TemplateProcessing(
        single="[CLS] $A [SEP]",
        pair="[CLS] $A [SEP] $B [SEP]",
        special_tokens=[("[CLS]", tokenizer.token_to_id("[CLS]")), ("[SEP]", tokenizer.token_to_id("[SEP]"))],
    )
    return transformers.PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        unk_token="[UNK]",
        cls_token="[CLS]",
        sep_token="[SEP]",
        pad_token="[PAD]",
        mask_token=transformers.AddedToken("[MASK]", lstrip=True, special=True),
        model_input_names=["input_ids", "attention_mask"],
        model_max_length=positions,
    )


def train_unigram(tokens: int, positions: int) -> Any:
    trained = BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=_sentences(),
        model_writer=trained,
        model_type="unigram",
        vocab_size=tokens,
        hard_vocab_limit=False,
        normalization_rule_name="nmt_nfkc",
        character_coverage=1.0,
        minloglevel=2,
        num_threads=1,
    )
    return _from_files(
        transformers.XLMRobertaTokenizerFast, {"sentencepiece.bpe.model": trained.getvalue()}, positions
    )


def fill_up(tokenizer: Any, vocabulary: int) -> Any:
    """Return ``tokenizer`` with tokens that no text has, so that it has as many as a real model's."""
    first = len(tokenizer)
    if vocabulary <= first:
        return tokenizer
    state = json.loads(tokenizer.backend_tokenizer.to_str())
    unused = [f"<unused{number}>" for number in range(first, vocabulary)]
    if state["model"]["type"] == "Unigram":
        state["model"]["vocab"] += [[token, -100.0] for token in unused]
    else:
        state["model"]["vocab"].update(zip(unused, range(first, vocabulary), strict=True))
    tokenizer._tokenizer = Tokenizer.from_str(json.dumps(state))
    return tokenizer


def _sentences() -> Iterator[str]:
    for text in repository_texts():
        yield from re.split(r"(?<=[.!?]) ", text)


def _from_files(kind: Any, files: dict[str, str | bytes], positions: int) -> Any:
    """Return a tokenizer of transformers from the files that its slow ancestor had."""
    with tempfile.TemporaryDirectory() as folder:
        for name, content in files.items():
            data = content.encode() if isinstance(content, str) else content
            (Path(folder) / name).write_bytes(data)
        return kind.from_pretrained(folder, model_max_length=positions)
