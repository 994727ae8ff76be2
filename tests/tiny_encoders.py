"""Tiny transformers with random weights, one of each family that is exported.

Weights are drawn ten times as wide as usual (standard deviation .2): attention then depends on what it
sees, and a graph that forgets a mask or a window is found out.
"""

import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
import transformers

from latefind_export.checkpoint import Card, Checkpoint, DenseLayer, Semantics

WORDS = 120
HIDDEN = 32
POSITIONS = 80
WINDOW = 16
"""Width of ModernBERT's sliding window: 8 tokens to either side."""

SIZES = {
    "vocab_size": WORDS,
    "hidden_size": HIDDEN,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "intermediate_size": 64,
    "max_position_embeddings": POSITIONS,
    "initializer_range": 0.2,
}


def make_modernbert_config() -> Any:
    sizes = {**SIZES, "num_hidden_layers": 4}  # layers 0 and 3 see everything, 1 and 2 a window
    tokens = {"pad_token_id": 0, "bos_token_id": 1, "eos_token_id": 2, "cls_token_id": 1, "sep_token_id": 2}
    return transformers.ModernBertConfig(**sizes, **tokens, local_attention=WINDOW)


CONFIGS: dict[str, Callable[[], Any]] = {
    "bert": lambda: transformers.BertConfig(**SIZES),
    "modernbert": make_modernbert_config,
    "roberta": lambda: transformers.RobertaConfig(**SIZES, type_vocab_size=1),
    "xlm-roberta": lambda: transformers.XLMRobertaConfig(**SIZES, type_vocab_size=1),
    "camembert": lambda: transformers.CamembertConfig(**SIZES, type_vocab_size=1),
    "distilbert": lambda: transformers.DistilBertConfig(
        vocab_size=WORDS,
        dim=HIDDEN,
        n_layers=2,
        n_heads=4,
        hidden_dim=64,
        max_position_embeddings=POSITIONS,
        initializer_range=0.2,
    ),
    "mpnet": lambda: transformers.MPNetConfig(**SIZES),
    "electra": lambda: transformers.ElectraConfig(**SIZES, embedding_size=24),
    "albert": lambda: transformers.AlbertConfig(**SIZES, embedding_size=24),
}
"""By ``model_type``. ALBERT is here for its layers, which share one set of weights."""


def save_transformer(folder: Path, family: str) -> Path:
    """Write ``config.json`` and safetensors of a family, the same ones every time."""
    with torch.random.fork_rng(), warnings.catch_warnings():
        # Of importing torch's compiler, which ModernBERT's module does.
        warnings.filterwarnings("ignore", "`torch.jit", DeprecationWarning)
        torch.manual_seed(7)
        transformers.AutoModel.from_config(CONFIGS[family]()).save_pretrained(folder)
    return folder


def checkpoint_of(folder: Path, *dense: DenseLayer) -> Checkpoint:
    """Return a checkpoint with this transformer and head; its texts play no role."""
    semantics = Semantics(None, None, 32, 64, False, False, None, ())
    return Checkpoint(folder, "pylate", dense, semantics, Card("tiny", "Apache-2.0", ("en",)), folder.name)


def random_weight(outputs: int, inputs: int, seed: int = 0) -> npt.NDArray[np.float32]:
    values = np.random.default_rng(seed).standard_normal((outputs, inputs)) / np.sqrt(inputs)
    return values.astype(np.float32)


def random_batch(texts: int, length: int) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Return ids and mask (texts, length); every text but the first ends in masked tokens."""
    ids = np.random.default_rng(length).integers(5, WORDS, (texts, length))
    mask = np.ones((texts, length), np.int64)
    for text in range(1, texts):
        mask[text, max(1, length - 3 * text) :] = 0
    return ids, mask
