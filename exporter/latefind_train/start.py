"""Build the checkpoint that a variant starts from: ``python -m latefind_train.start --base DIR …``.

The checkpoint is in the layout of sentence-transformers' ``MultiVectorEncoder``: the transformer, a head of
``--dimensions`` found by PCA on training text, prefixes for queries and documents. It is written without that
library, so any environment with torch and transformers will do.
"""

import argparse
import json
import shutil
import string
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from tokenizers import Tokenizer

from latefind.errors import LatefindError, UsageError
from latefind_build.progress import say
from latefind_train.holdout import read_dev
from latefind_train.thin import keep_layers, shrink_hidden, shrink_inner
from latefind_train.vocabulary import change_table, change_tokenizer, change_vocabulary, read_words

QUERY_LENGTH = 64
DOCUMENT_LENGTH = 256

EXPANDED = 32
"""Tokens of a query with expansion: what ColBERT takes."""

PASSAGES = 1_400
"""On which the head is found, unless told otherwise; as many of each language."""

WORDS = "embeddings.word_embeddings.weight"
_KINDS = "sentence_transformers.{}"
_MODULES = (
    ("", "base.modules.transformer.Transformer"),
    ("1_Dense", "base.modules.dense.Dense"),
    ("2_MultiVectorMask", "multi_vector_encoder.modules.multi_vector_mask.MultiVectorMask"),
    ("3_Normalize", "base.modules.normalize.Normalize"),
)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command and return the exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m latefind_train.start", description="Build the checkpoint that a variant starts from."
    )
    parser.add_argument("--base", type=Path, required=True, help="folder of all-MiniLM-L6-v2 or another BERT")
    parser.add_argument("--data", type=Path, required=True, help="folder that latefind_train.prepare wrote")
    parser.add_argument("--output", type=Path, required=True, help="folder for the checkpoint")
    parser.add_argument("--dimensions", type=int, default=128)
    parser.add_argument("--layers", help="numbers of the layers that stay, joined by commas; all without it")
    parser.add_argument("--hidden", type=int, help="hidden units that stay")
    parser.add_argument("--intermediate", type=int, help="inner units of each layer that stay")
    parser.add_argument("--keep", type=int, help="pieces of the vocabulary that stay; all without it")
    parser.add_argument("--add", type=int, default=0, help="new pieces for the languages beside English")
    parser.add_argument(
        "--expand", action="store_true", help=f"pad queries to {EXPANDED} tokens and score all"
    )
    parser.add_argument("--passages", type=int, default=PASSAGES, help="passages that the head is found on")
    options = parser.parse_args(arguments)
    try:
        build_start(options)
    except LatefindError as error:
        print(f"error: {error}", file=sys.stderr)
        return error.exit_code
    return 0


def build_start(options: argparse.Namespace) -> None:
    """Write the checkpoint; see the module."""
    from safetensors.numpy import load_file

    config = json.loads((options.base / "config.json").read_text("utf-8"))
    weights = dict(load_file(options.base / "model.safetensors"))
    weights.pop("embeddings.position_ids", None)  # a constant, which newer files leave out
    weights = {name: array for name, array in weights.items() if not name.startswith("pooler.")}
    if options.layers:
        layers = [int(number) for number in options.layers.split(",")]
        weights = keep_layers(weights, config, layers)
    if options.intermediate:
        weights = shrink_inner(weights, config, options.intermediate)
    if options.hidden:
        weights = shrink_hidden(weights, config, options.hidden)
    path = options.base / "tokenizer.json"
    tokenizer = Tokenizer.from_file(str(path))
    vocabulary = change_vocabulary(
        tokenizer.get_vocab(), read_words(options.data / "words.xz", tokenizer), options.keep, options.add
    )
    weights[WORDS] = change_table(weights[WORDS], vocabulary)
    config["vocab_size"] = len(vocabulary.pieces)
    config["pad_token_id"] = vocabulary.pieces.index("[PAD]")
    options.output.mkdir(parents=True, exist_ok=True)
    content = change_tokenizer(json.loads(path.read_text("utf-8")), vocabulary)
    (options.output / "tokenizer.json").write_text(json.dumps(content, ensure_ascii=False), "utf-8")
    _write_transformer(options.output, config, weights, options.expand)
    if options.dimensions > config["hidden_size"]:
        raise UsageError.expected("--dimensions", f"at most {config['hidden_size']}", str(options.dimensions))
    axes, kept = find_axes(
        options.output, sample_passages(options.data, options.passages), options.dimensions
    )
    write_head(options.output, axes)
    count = sum(array.size for array in weights.values()) + axes.size
    say(f"{options.output}: {count:,} parameters, {len(vocabulary.pieces):,} pieces, head keeps {kept:.1%}")


def _write_transformer(folder: Path, config: dict[str, Any], weights: dict[str, Any], expand: bool) -> None:
    from safetensors.numpy import save_file

    config = config | {"architectures": ["BertModel"], "dtype": "float32"}
    _write_json(folder / "config.json", config)
    contiguous = {name: np.ascontiguousarray(array, np.float32) for name, array in weights.items()}
    save_file(contiguous, folder / "model.safetensors", {"format": "pt"})
    _write_json(
        folder / "tokenizer_config.json",
        {
            "tokenizer_class": "BertTokenizer",
            "do_lower_case": True,
            "model_max_length": 512,
            "cls_token": "[CLS]",
            "mask_token": "[MASK]",
            "pad_token": "[PAD]",
            "sep_token": "[SEP]",
            "unk_token": "[UNK]",
        },
    )
    method = {"method": "forward", "method_output_name": "last_hidden_state"}
    lengths: dict[str, Any] = {"query_length": QUERY_LENGTH, "document_length": DOCUMENT_LENGTH}
    if expand:
        lengths |= {
            "query_length": EXPANDED,
            "query_expansion": {"strategy": "fixed", "attend": False, "token": None, "length": EXPANDED},
        }
    settings = {"transformer_task": "feature-extraction", "modality_config": {"text": method}}
    _write_json(
        folder / "sentence_bert_config.json", settings | {"module_output_name": "token_embeddings"} | lengths
    )


def write_head(folder: Path, axes: npt.NDArray[np.float32]) -> None:
    """Write what comes after the transformer: Dense, mask and norm, and the list of modules."""
    from safetensors.numpy import save_file

    for name, _ in _MODULES[1:]:
        (folder / name).mkdir(exist_ok=True)
    tokens = {"module_input_name": "token_embeddings", "module_output_name": "token_embeddings"}
    dense = {
        "in_features": axes.shape[1],
        "out_features": axes.shape[0],
        "bias": False,
        "activation_function": "torch.nn.modules.linear.Identity",
    }
    _write_json(folder / "1_Dense/config.json", dense | tokens)
    save_file({"linear.weight": np.ascontiguousarray(axes)}, folder / "1_Dense/model.safetensors")
    skiplist = {"skiplist_words": list(string.punctuation), "skiplist_tasks": ["document"]}
    _write_json(folder / "2_MultiVectorMask/config.json", skiplist | {"keep_only_token_ids": None})
    _write_json(folder / "3_Normalize/config.json", tokens)
    modules = [
        {"idx": number, "name": str(number), "path": path, "type": _KINDS.format(kind)}
        for number, (path, kind) in enumerate(_MODULES)
    ]
    _write_json(folder / "modules.json", modules)
    _write_json(
        folder / "config_sentence_transformers.json",
        {
            "model_type": "MultiVectorEncoder",
            "prompts": {"query": "[Q] ", "document": "[D] "},
            "default_prompt_name": None,
            "similarity_fn_name": "maxsim",
        },
    )


def sample_passages(data: Path, count: int) -> list[str]:
    """Return passages of all languages, of the held out sources and their distractors."""
    tasks = [task for name, task in sorted(read_dev(data / "dev.xz").items()) if "-" not in name]
    return [text for task in tasks for text in list(task.documents.values())[-max(1, count // len(tasks)) :]]


def find_axes(
    folder: Path, passages: Sequence[str], dimensions: int
) -> tuple[npt.NDArray[np.float32], float]:
    """Return the axes (dimensions, hidden) that keep most of the token embeddings' energy, and its share."""
    from latefind_export.head import principal_axes, second_moment

    moment, _ = second_moment(_embed(folder, passages))
    axes, kept = principal_axes(moment, dimensions)
    # An axis is as good the other way round, and which way comes out depends on the processor; a run that
    # goes on elsewhere needs the axes that it began with.
    largest = np.abs(axes).argmax(axis=1)
    return axes * np.sign(axes[np.arange(len(axes)), largest])[:, None], kept


def _embed(folder: Path, passages: Sequence[str]) -> Iterator[npt.NDArray[np.float32]]:
    """Yield the unit vectors of each passage that would be stored."""
    import torch
    from transformers import AutoModel

    model = AutoModel.from_pretrained(folder, add_pooling_layer=False).eval()
    tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    tokenizer.enable_truncation(DOCUMENT_LENGTH - 1)
    prefix = tokenizer.token_to_id("[D] ")
    skipped = {tokenizer.token_to_id(word) for word in string.punctuation}
    for passage in passages:
        ids = tokenizer.encode(passage).ids
        ids.insert(1, prefix)
        with torch.inference_mode():
            hidden = model(torch.tensor([ids])).last_hidden_state[0].float().numpy()
        stored = hidden[[number not in skipped for number in ids]]
        yield stored / np.linalg.norm(stored, axis=1, keepdims=True)


def finish(start: Path, weights: dict[str, npt.NDArray[np.float32]], output: Path) -> None:
    """Write the checkpoint of ``start`` with other weights, named as a ``MultiVectorEncoder`` names them."""
    from safetensors.numpy import save_file

    shutil.copytree(start, output, dirs_exist_ok=True)
    transformer = {
        name.removeprefix("0.model."): array for name, array in weights.items() if name.startswith("0.")
    }
    save_file(transformer, output / "model.safetensors", {"format": "pt"})
    head = {"linear.weight": weights["1.linear.weight"]}
    save_file(head, output / "1_Dense/model.safetensors")


def _write_json(path: Path, content: object) -> None:
    path.write_text(json.dumps(content, indent=2) + "\n", "utf-8")


if __name__ == "__main__":
    sys.exit(main())
