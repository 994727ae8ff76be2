"""What a checkpoint really computes: PyLate where it is installed and reads the checkpoint, else torch.

PyLate is the implementation that late-interaction checkpoints are trained and published with. The exporter
does not depend on it (it pins another torch), but where somebody has it, the bundle is held against it:
token plans must be equal, and ``golden.json`` gets its embeddings. Otherwise the embeddings are those of our
own torch encoder, over plans by the ``tokenizers`` library.
"""

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from tokenizers import Tokenizer

from latefind_export import encoder, plans
from latefind_export.checkpoint import Checkpoint
from latefind_export.plans import Kind, ReferencePlan
from latefind_export.settings import Settings

PYLATE_LAYOUTS = ("pylate", "stanford")
"""Layouts that PyLate reads as they are; to others it adds a random head."""

Embed = Callable[[Kind, str], tuple[ReferencePlan, npt.NDArray[np.float32]]]


@dataclass(frozen=True, slots=True)
class Oracle:
    """Who computes, and the function that does: plan and embeddings, float32 (length, dimensions)."""

    name: str
    embed: Embed


def find_oracle(
    checkpoint: Checkpoint,
    settings: Settings,
    tokenizer: Tokenizer,
    model: encoder.LateInteractionEncoder,
) -> Oracle:
    """Return PyLate with the settings of the bundle, or our torch encoder where PyLate cannot serve."""

    def embed(kind: Kind, text: str) -> tuple[ReferencePlan, npt.NDArray[np.float32]]:
        plan = plans.plan(tokenizer, settings, kind, text)
        return plan, encoder.encode(model, plan)

    torch_name = f"torch {torch.__version__} (latefind_export)"
    if checkpoint.layout not in PYLATE_LAYOUTS:
        return Oracle(torch_name, embed)
    try:
        import pylate
        from pylate.models import ColBERT
    except ImportError:
        return Oracle(torch_name, embed)
    try:
        pylate_model = _load_pylate(ColBERT, checkpoint, settings)
    except Exception as error:  # PyLate's failures have no type in common; the file says that it failed
        return Oracle(f"{torch_name}; PyLate fails with {type(error).__name__}", embed)
    if len(pylate_model) - 1 != len(checkpoint.dense):  # the exporter has added a layer to the head
        return Oracle(torch_name, embed)
    return Oracle(
        f"pylate {pylate.__version__}", lambda kind, text: _embed_with_pylate(pylate_model, kind, text)
    )


def _load_pylate(model_class: Any, checkpoint: Checkpoint, settings: Settings) -> Any:
    with _quiet():
        model = model_class(
            str(_root(checkpoint)),
            device="cpu",
            trust_remote_code=checkpoint.trust_remote_code,
            local_files_only=True,
            query_prefix=settings.query.prefix or "",
            document_prefix=settings.document.prefix or "",
            query_length=settings.query.length,
            document_length=settings.document.length,
            do_query_expansion=settings.expansion.enabled,
            attend_to_expansion_tokens=settings.expansion.attend,
            skiplist_words=list(checkpoint.semantics.skiplist_words),
        )
    return model.float()


def _embed_with_pylate(model: Any, kind: Kind, text: str) -> tuple[ReferencePlan, npt.NDArray[np.float32]]:
    # One text a batch: nothing depends on its neighbours' lengths.
    output = model.encode([text], is_query=kind == "query", output_value=None, show_progress_bar=False)
    ids, mask, scored = (
        np.asarray(output[name][0]).tolist() for name in ("input_ids", "attention_mask", "masks")
    )
    return ReferencePlan(ids, mask, scored), np.asarray(output["token_embeddings"][0], np.float32)


def _root(checkpoint: Checkpoint) -> Path:
    """Return the folder that PyLate is given: the transformer may lie in a folder of its own below it."""
    folder = checkpoint.folder
    return folder.parent if (folder.parent / "modules.json").is_file() else folder


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep advice on how to train from being shown to somebody who exports."""
    loggers = [logging.getLogger(name) for name in ("pylate", "sentence_transformers")]
    levels = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.ERROR)
    try:
        yield
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)
