"""Checkpoints on disk for tests, made by PyLate itself: random weights, the same ones every time.

Weights as models are initialised (normal, standard deviation .02) would test little. Biases are zero and
norms one, so a graph that drops them looks right; attention is uniform and adds next to nothing, so one that
mixes up masks or windows does too; and plainly larger weights make all tokens alike (mean cosine .9 with ten
layers, whose attention averages over the text again and again), so a ranking is noise. Here a matrix keeps
the variance of its input (standard deviation 1/√inputs), queries and keys are doubled so that attention
chooses, what a layer adds shrinks with the number of layers, and no bias is zero and no norm one. Two tokens
then have a cosine of .2 on average, and one token in two contexts .86.
"""

import json
import re
import shutil
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
import transformers
from checkpoint_tokenizers import (
    fill_up,
    reference_wordpiece,
    train_modernbert_bpe,
    train_roberta_bpe,
    train_unigram,
    train_wordpiece,
)
from pylate import models
from safetensors.torch import save_file
from sentence_transformers import SentenceTransformer
from sentence_transformers.models import Normalize, Pooling, Transformer
from transformers.utils import logging


@dataclass(frozen=True)
class Shape:
    """Sizes of an encoder.

    ``tokens`` is the vocabulary that tokenizers are trained to; unused tokens fill it up to ``vocabulary``.
    BERT has a vocabulary of its own. ``window`` is how far ModernBERT's local attention reaches, in tokens.
    """

    hidden: int
    layers: int
    heads: int
    inner: int
    tokens: int = 1200
    positions: int = 512
    vocabulary: int = 0
    window: int = 32


TINY = Shape(hidden=32, layers=2, heads=4, inner=64)
SMALL = Shape(hidden=128, layers=4, heads=4, inner=256, tokens=4000)
REFERENCE = Shape(hidden=288, layers=10, heads=12, inner=576)
"""VAGOsolutions/SauerkrautLM-Multi-ColBERT-15m as published: with ``inner`` 576 it has 15.7 M parameters."""
WIDE = Shape(hidden=384, layers=6, heads=12, inner=1536)
"""all-MiniLM-L6-v2's, and the one that the reference's Dense speaks of."""


@dataclass(frozen=True)
class HeadLayer:
    """One Dense layer: its width and what PyLate's ``Dense`` is told."""

    dimensions: int
    bias: bool = False
    activation: torch.nn.Module = torch.nn.Identity()  # noqa: RUF009 (it has no state)
    residual: bool = False


ATTENTION = re.compile(r"\.(query|key|[qk]_lin|Wqkv)$")
"""Modules that decide what a token looks at."""
BRANCH_END = re.compile(r"(output\.dense|out_lin|lin2|\.Wo)$")
"""Modules whose output is added to what the layer was given."""

HEAD = (HeadLayer(128),)
CHAIN = (
    HeadLayer(48, bias=True, activation=torch.nn.GELU(), residual=True),
    HeadLayer(48, bias=True, activation=torch.nn.Tanh(), residual=True),
    HeadLayer(32),
)
"""A residual with a weight of its own (the width changes), one without, and a plain layer."""


# ---------------------------------------------------------------------------------------- families


def make_bert(
    folder: Path, shape: Shape = TINY, head: Sequence[HeadLayer] = HEAD, **settings: object
) -> Path:
    """BERT with the WordPiece vocabulary of 30,522, to which PyLate adds ``[Q] `` and ``[D] ``."""
    return _save_pylate(folder, _bert(shape), head, settings)


def make_distilbert(
    folder: Path, shape: Shape = TINY, head: Sequence[HeadLayer] = HEAD, **settings: object
) -> Path:
    """DistilBERT with a cased WordPiece vocabulary: it has no token types, and keeps accents."""
    tokenizer = fill_up(train_wordpiece(shape.tokens, shape.positions), shape.vocabulary)
    config = transformers.DistilBertConfig(
        vocab_size=len(tokenizer),
        dim=shape.hidden,
        n_layers=shape.layers,
        n_heads=shape.heads,
        hidden_dim=shape.inner,
        max_position_embeddings=shape.positions,
    )
    return _save_pylate(folder, (transformers.DistilBertModel(config), tokenizer), head, settings)


def make_roberta(
    folder: Path, shape: Shape = TINY, head: Sequence[HeadLayer] = HEAD, **settings: object
) -> Path:
    """RoBERTa with byte-level BPE: its positions begin behind the padding's id."""
    tokenizer = fill_up(train_roberta_bpe(shape.tokens, shape.positions), shape.vocabulary)
    config = transformers.RobertaConfig(
        **_bert_sizes(shape, len(tokenizer)),
        type_vocab_size=1,
        pad_token_id=1,
        bos_token_id=0,
        eos_token_id=2,
    )
    config.max_position_embeddings = shape.positions + 2
    return _save_pylate(
        folder, (transformers.RobertaModel(config, add_pooling_layer=False), tokenizer), head, settings
    )


def make_xlm_roberta(
    folder: Path, shape: Shape = TINY, head: Sequence[HeadLayer] = HEAD, **settings: object
) -> Path:
    """XLM-R with a SentencePiece Unigram vocabulary and its table of normalised characters."""
    tokenizer = fill_up(train_unigram(shape.tokens, shape.positions), shape.vocabulary)
    config = transformers.XLMRobertaConfig(
        **_bert_sizes(shape, len(tokenizer)),
        type_vocab_size=1,
        pad_token_id=1,
        bos_token_id=0,
        eos_token_id=2,
    )
    config.max_position_embeddings = shape.positions + 2
    return _save_pylate(
        folder, (transformers.XLMRobertaModel(config, add_pooling_layer=False), tokenizer), head, settings
    )


def make_modernbert(
    folder: Path, shape: Shape = TINY, head: Sequence[HeadLayer] = HEAD, **settings: object
) -> Path:
    """ModernBERT with byte-level BPE: rotary positions, attention in windows in two of three layers."""
    tokenizer = fill_up(train_modernbert_bpe(shape.tokens, shape.positions), shape.vocabulary)
    with warnings.catch_warnings():
        # Of importing torch's compiler, which this encoder's module does.
        warnings.filterwarnings("ignore", "`torch.jit", DeprecationWarning)
        from transformers import ModernBertModel
    config = transformers.ModernBertConfig(
        vocab_size=len(tokenizer),
        hidden_size=shape.hidden,
        num_hidden_layers=shape.layers,
        num_attention_heads=shape.heads,
        intermediate_size=shape.inner,
        max_position_embeddings=shape.positions,
        local_attention=shape.window,
        reference_compile=False,
        pad_token_id=tokenizer.pad_token_id,
        bos_token_id=tokenizer.cls_token_id,
        eos_token_id=tokenizer.sep_token_id,
        cls_token_id=tokenizer.cls_token_id,
        sep_token_id=tokenizer.sep_token_id,
    )
    return _save_pylate(folder, (ModernBertModel(config), tokenizer), head, settings)


FAMILIES: dict[str, Callable[..., Path]] = {
    "bert": make_bert,
    "distilbert": make_distilbert,
    "roberta": make_roberta,
    "xlm_roberta": make_xlm_roberta,
    "modernbert": make_modernbert,
}
"""The encoders, each in PyLate's layout."""


# ---------------------------------------------------------------------------------- other layouts


PYTORCH = {"format": "pt"}
"""What transformers wants to read in the header of safetensors."""


def make_stanford(folder: Path, shape: Shape = TINY, dimensions: int = 128, **metadata: object) -> Path:
    """BERT as Stanford ColBERT stores it: the head inside the weights, settings in ``artifact.metadata``.

    ``metadata`` replaces fields. The prefixes are tokens that the vocabulary has already.
    """
    model, tokenizer = _bert(shape)
    linear = torch.nn.Linear(shape.hidden, dimensions, bias=False)
    with _seeded():
        _randomise(model)
        _randomise(linear)
    folder.mkdir(parents=True, exist_ok=True)
    tokenizer.save_pretrained(folder)
    config = {**model.config.to_dict(), "architectures": ["HF_ColBERT"]}
    (folder / "config.json").write_text(json.dumps(config), encoding="utf-8")
    weights = {f"bert.{name}": value.contiguous() for name, value in model.state_dict().items()}
    save_file(
        {**weights, "linear.weight": linear.weight.data}, folder / "model.safetensors", {"format": "pt"}
    )
    fields = {
        "query_maxlen": 24,
        "doc_maxlen": 120,
        "query_token_id": "[unused0]",
        "doc_token_id": "[unused1]",
        "attend_to_mask_tokens": False,
        "mask_punctuation": True,
        "dim": dimensions,
        "similarity": "cosine",
        **metadata,
    }
    (folder / "artifact.metadata").write_text(json.dumps(fields), encoding="utf-8")
    return folder


def make_single_vector(folder: Path, shape: Shape = TINY) -> Path:
    """A sentence-transformers model with one vector a text, which is no late-interaction checkpoint."""
    model, tokenizer = _bert(shape)
    with _scratch(folder) as scratch:
        _save_transformer(scratch, model, tokenizer)
        module = Transformer(str(scratch))
        with _seeded():
            _randomise(module)
        SentenceTransformer(
            modules=[module, Pooling(shape.hidden, "mean"), Normalize()], device="cpu"
        ).save_pretrained(str(folder), create_model_card=False)
    return folder


def change_settings(folder: Path, *, without: Sequence[str] = (), **changes: object) -> Path:
    """Change PyLate's settings of a checkpoint; ``without`` names keys that older versions did not write."""
    path = folder / "config_sentence_transformers.json"
    settings = {**json.loads(path.read_text(encoding="utf-8")), **changes}
    kept = {key: value for key, value in settings.items() if key not in without}
    path.write_text(json.dumps(kept, indent=2), encoding="utf-8")
    return folder


# ----------------------------------------------------------------------------------------- weights


def _save_pylate(
    folder: Path,
    encoder: tuple[Any, Any],
    head: Sequence[HeadLayer],
    settings: dict[str, object],
) -> Path:
    """Wrap an encoder and its tokenizer into a ColBERT of PyLate, randomise, save."""
    with _scratch(folder) as scratch:
        _save_transformer(scratch, *encoder)
        width = encoder[0].config.hidden_size
        modules: list[torch.nn.Module] = [Transformer(str(scratch))]
        for layer in head:
            modules.append(
                models.Dense(
                    width,
                    layer.dimensions,
                    bias=layer.bias,
                    activation_function=layer.activation,
                    use_residual=layer.residual,
                )
            )
            width = layer.dimensions
        model = models.ColBERT(modules=modules, device="cpu", **settings)
        with _seeded():
            _randomise(model)
        model.save_pretrained(str(folder), create_model_card=False)
    return folder


def _randomise(module: torch.nn.Module) -> None:
    """Fill all parameters as the module's docstring says."""
    configs = (getattr(part, "config", None) for part in module.modules())
    layers = next((config.num_hidden_layers for config in configs if hasattr(config, "num_hidden_layers")), 1)
    with torch.no_grad():
        for path, part in module.named_modules():
            gain = 2.0 if ATTENTION.search(path) else (2 * layers) ** -0.5 if BRANCH_END.search(path) else 1.0
            for name, parameter in part.named_parameters(recurse=False):
                if isinstance(part, torch.nn.Embedding):
                    parameter.normal_(0, 1 if part.num_embeddings > 1024 else 0.3)  # words or positions
                elif parameter.ndim == 2:
                    parameter.normal_(0, gain * parameter.shape[1] ** -0.5)
                else:
                    parameter.normal_(float(name == "weight"), 0.05)


def _save_transformer(folder: Path, model: Any, tokenizer: Any) -> None:
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)


class _seeded:  # noqa: N801 (used like a function)
    """The same random numbers whatever ran before, and what runs after is left alone."""

    def __enter__(self) -> None:
        self._fork = torch.random.fork_rng(devices=[])
        self._fork.__enter__()
        torch.manual_seed(20)

    def __exit__(self, *error: object) -> None:
        self._fork.__exit__(*error)


class _scratch:  # noqa: N801
    """A folder beside the wanted one; progress bars and advice of transformers are off meanwhile."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder.parent / f"{folder.name}-parts"

    def __enter__(self) -> Path:
        logging.set_verbosity_error()
        logging.disable_progress_bar()
        self._folder.mkdir(parents=True)
        return self._folder

    def __exit__(self, *error: object) -> None:
        shutil.rmtree(self._folder)


def _bert(shape: Shape) -> tuple[Any, Any]:
    tokenizer = reference_wordpiece(shape.positions)
    config = transformers.BertConfig(**_bert_sizes(shape, len(tokenizer)))
    return transformers.BertModel(config, add_pooling_layer=False), tokenizer


def _bert_sizes(shape: Shape, tokens: int) -> dict[str, int]:
    return {
        "vocab_size": tokens,
        "hidden_size": shape.hidden,
        "num_hidden_layers": shape.layers,
        "num_attention_heads": shape.heads,
        "intermediate_size": shape.inner,
        "max_position_embeddings": shape.positions,
    }
