"""Make ``tests/golden/multi-vector``: a tiny checkpoint of sentence-transformers 6, and what it computes.

sentence-transformers 6 needs transformers 5, which the exporter cannot be installed with, so this runs in an
environment of its own::

    python -m venv golden-env
    golden-env/bin/pip install torch "sentence-transformers>=6" "transformers>=5"
    golden-env/bin/python tests/make_multi_vector_golden.py tests/golden/multi-vector

The weights are random, the same ones every time. ``expected.json`` has, for each text alone, its ids, the
attention mask, which positions are scored, and all embeddings (float32, little-endian, base64).
"""

import base64
import json
import re
import sys
import tempfile
from pathlib import Path

import torch
from sentence_transformers import MultiVectorEncoder
from sentence_transformers.base.modules import Dense, Normalize, Transformer
from sentence_transformers.multi_vector_encoder.modules import MultiVectorMask
from tokenizers import AddedToken, Tokenizer, models, normalizers, pre_tokenizers, processors
from transformers import BertConfig, BertModel, BertTokenizerFast

SPECIAL = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
PREFIXES = ["[Q] ", "[D] "]
CHARACTERS = "abcdefghijklmnopqrstuvwxyz0123456789.,:;!?()"
SKIPLIST = [".", ",", ";", "…"]
"""The last one is no token of the vocabulary."""

QUERIES = [
    "how do I search a page?",
    "x",
    "",
    "[MASK] is not a word, [D] neither",
    "a question that goes on and on, well beyond the length that its expansion is padded to",
]
DOCUMENTS = [
    "The index is one file. It is read once; then every query is answered from memory.",
    "…, ... ;",
    "",
    "a document that is longer than the document length of this tiny checkpoint, so that it is cut: " * 3,
]


def main(target: Path) -> None:
    """Write the checkpoint and ``expected.json`` to ``target``."""
    torch.manual_seed(4)
    with tempfile.TemporaryDirectory() as scratch:
        save_transformer(Path(scratch))
        transformer = Transformer(
            scratch,
            document_length=40,
            query_expansion={"strategy": "fixed", "attend": False, "length": 16},
        )
    model = MultiVectorEncoder(
        modules=[
            transformer,
            dense(32, 24, bias=True, activation_function=torch.nn.GELU(), use_residual=True),
            dense(24, 16, bias=False, activation_function=torch.nn.Identity()),
            MultiVectorMask(skiplist_words=SKIPLIST),
            Normalize(module_input_name="token_embeddings"),
        ],
        prompts=dict(zip(["query", "document"], PREFIXES, strict=True)),
        device="cpu",
    )
    randomise(model)
    model.save_pretrained(str(target), create_model_card=False)
    texts = [("query", text) for text in QUERIES] + [("document", text) for text in DOCUMENTS]
    rows = [compute(model, kind, text) for kind, text in texts]
    lines = ",\n".join(json.dumps(row, ensure_ascii=False) for row in rows)
    (target / "expected.json").write_text(f"[\n{lines}\n]\n", encoding="utf-8")


def save_transformer(folder: Path) -> None:
    """Save a BERT with random weights, and a vocabulary of characters and of half of the words below."""
    words = sorted(set(re.findall("[a-z]{2,}", " ".join(QUERIES + DOCUMENTS).lower())))[::2]
    pieces = [*SPECIAL, *PREFIXES, *CHARACTERS, *(f"##{c}" for c in CHARACTERS if c.isalnum()), *words]
    vocabulary = {piece: number for number, piece in enumerate(pieces)}
    tokenizer = Tokenizer(models.WordPiece(vocabulary, unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.BertNormalizer()
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]",
        pair="[CLS] $A [SEP] $B:1 [SEP]:1",
        special_tokens=[("[CLS]", 2), ("[SEP]", 3)],
    )
    tokenizer.add_special_tokens([AddedToken(prefix, normalized=False) for prefix in PREFIXES])
    BertTokenizerFast(tokenizer_object=tokenizer, model_max_length=64).save_pretrained(folder)
    config = BertConfig(
        vocab_size=len(vocabulary),
        hidden_size=32,
        num_hidden_layers=2,
        num_attention_heads=4,
        intermediate_size=32,
        max_position_embeddings=64,
    )
    BertModel(config, add_pooling_layer=False).save_pretrained(folder)


def dense(inputs: int, outputs: int, **options: object) -> Dense:
    """Return a Dense that works on tokens."""
    return Dense(inputs, outputs, module_input_name="token_embeddings", **options)


def randomise(model: torch.nn.Module) -> None:
    """Fill all weights so that every one of them matters: no bias is zero, no norm one."""
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            parameter.normal_(1.0 if "LayerNorm.weight" in name else 0.0, 0.2)


def compute(model: MultiVectorEncoder, kind: str, text: str) -> dict[str, object]:
    """Return one text's row of ``expected.json``."""
    prompt = model.prompts[kind]
    features = model.preprocess([text], prompt=prompt, task=kind)
    ids, mask = features["input_ids"][0].tolist(), features["attention_mask"][0].int().tolist()
    encode = model.encode_query if kind == "query" else model.encode_document
    output = encode([text], output_value=None)[0]
    embeddings = output["token_embeddings"].numpy().astype("<f4")
    return {
        "kind": kind,
        "text": text,
        "ids": ids,
        "mask": mask,
        "scored": output["attention_mask"].bool().tolist(),
        "embeddings": base64.b64encode(embeddings.tobytes()).decode(),
    }


if __name__ == "__main__":
    main(Path(sys.argv[1]))
