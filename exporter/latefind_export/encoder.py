"""The late-interaction encoder as one torch module: backbone, head, L2 norm of every token.

The whole computation is in the graph that is exported, so that Python and JavaScript feed ids and read
unit vectors, and cannot disagree about what lies between.
"""

import inspect
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from safetensors import SafetensorError
from torch import Tensor, nn
from transformers import MODEL_MAPPING, AutoConfig, AutoModel, PretrainedConfig
from transformers.utils import logging

from latefind.errors import ModelError
from latefind_export.checkpoint import Checkpoint, DenseLayer
from latefind_export.dense import build_head
from latefind_export.plans import ReferencePlan
from latefind_export.settings import OUTPUT

SMALLEST_SQUARED_NORM = 1e-24
"""Squared norms below it count as it: the zero vector stays zero, as with torch's ``normalize``."""

UNUSED_MODULES = ("pooler.",)
"""Modules whose weights a checkpoint may lack: nothing of them is in the graph."""

LONGEST_REASON = 300
"""Characters of transformers' own message that are passed on."""


class LateInteractionEncoder(nn.Module):
    """Last hidden state, then the head, then unit length along the last axis.

    ``forward`` takes int64 ids and mask (batch, length) and returns float32 (batch, length, dimensions)
    under the name of the graph's output. Token types are not an input: every text is one segment.
    """

    def __init__(self, backbone: nn.Module, head: nn.Module) -> None:
        super().__init__()
        self.backbone = backbone
        self.head = head
        self.config = backbone.config  # what optimum's exporter reads shapes from

    def forward(self, input_ids: Tensor, attention_mask: Tensor) -> dict[str, Tensor]:
        """Encode one batch; see the class."""
        hidden = self.backbone(input_ids=input_ids, attention_mask=attention_mask).last_hidden_state
        return {OUTPUT: normalize(self.head(hidden))}


def normalize(vectors: Tensor) -> Tensor:
    """Scale ``vectors`` to unit length along the last axis.

    Written out because ``torch.nn.functional.normalize`` becomes ReduceL2, which quantisers that raise the
    opset leave with an attribute that the new opset no longer knows.
    """
    squared = (vectors * vectors).sum(dim=-1, keepdim=True)
    return vectors / squared.clamp_min(SMALLEST_SQUARED_NORM).sqrt()


def load_encoder(checkpoint: Checkpoint) -> LateInteractionEncoder:
    """Return the whole encoder of a checkpoint: its transformer, its Dense chain, the L2 norm; fp32, eval.

    Raises
    ------
    ModelError
        The transformer or its weights cannot be loaded, or the head does not fit it or cannot be exported.
    """
    backbone = load_backbone(checkpoint.folder, checkpoint.trust_remote_code)
    return with_head(backbone, checkpoint.dense)


def with_head(backbone: nn.Module, layers: Sequence[DenseLayer]) -> LateInteractionEncoder:
    """Return the encoder that applies ``layers`` to the hidden states of ``backbone``."""
    encoder = LateInteractionEncoder(backbone, build_head(layers, hidden_width(backbone)))
    encoder.eval()
    return encoder


def hidden_width(backbone: nn.Module) -> int:
    """Return how wide the hidden states of a transformer are, by asking it."""
    with torch.inference_mode():
        ids = torch.ones((1, 2), dtype=torch.int64)
        output = backbone(input_ids=ids, attention_mask=ids)
    return int(output.last_hidden_state.shape[-1])


def dimensions_of(encoder: LateInteractionEncoder) -> int:
    """Return the width of a token embedding."""
    with torch.inference_mode():
        ids = torch.ones((1, 2), dtype=torch.int64)
        return int(encoder(ids, ids)[OUTPUT].shape[-1])


def load_backbone(folder: Path, trust_remote_code: bool = False) -> Any:
    """Load the transformer of a checkpoint in fp32, from safetensors, without its pooler.

    Raises
    ------
    ModelError
        The folder has no transformer that we can load, or not all of its weights: what is missing would be
        random numbers.
    """
    logging.set_verbosity_error()  # it warns of weights that are left out on purpose: pooler, language model
    try:
        config = AutoConfig.from_pretrained(folder, trust_remote_code=trust_remote_code)
        if config.is_encoder_decoder:
            raise ModelError.expected(
                folder, "a transformer that only encodes", f"an encoder with a decoder ({config.model_type})"
            )
        model, loaded = AutoModel.from_pretrained(
            folder,
            config=config,
            trust_remote_code=trust_remote_code,
            attn_implementation="eager",  # plain MatMul and Softmax in the graph, whatever the runtime
            use_safetensors=True,
            dtype=torch.float32,
            output_loading_info=True,
            **_class_options(config),
        )
    except (OSError, ValueError, KeyError, RuntimeError, ImportError, SafetensorError) as error:
        raise ModelError.expected(
            folder,
            "a transformer in config.json and safetensors that transformers can load",
            " ".join(str(error).split())[:LONGEST_REASON],
        ) from error
    missing = sorted(name for name in loaded["missing_keys"] if not name.startswith(UNUSED_MODULES))
    if missing:
        raise ModelError.expected(
            folder,
            f"all weights of {type(model).__name__}",
            f"a file without {len(missing)} of them ({', '.join(missing[:3])}{' …' if missing[3:] else ''})",
            "Get the checkpoint's files again, or save it with save_pretrained.",
        )
    return model.eval()


def _class_options(config: PretrainedConfig) -> dict[str, bool]:
    """Return the options that the model class behind ``config`` takes beyond those of every class."""
    if hasattr(config, "reference_compile"):
        config.reference_compile = False  # ModernBERT: torch.compile instead of plain modules
    model_class = MODEL_MAPPING.get(type(config), None)  # None: custom code
    if model_class is None or "add_pooling_layer" not in inspect.signature(model_class.__init__).parameters:
        return {}
    return {"add_pooling_layer": False}


def encode(encoder: nn.Module, plan: ReferencePlan) -> npt.NDArray[np.float32]:
    """Return the embeddings of one plan, float32 (length, dimensions), computed alone and unpadded."""
    with torch.inference_mode():
        output = encoder(torch.tensor([plan.ids]), torch.tensor([plan.mask]))[OUTPUT]
    embeddings: npt.NDArray[np.float32] = output[0].numpy()
    return embeddings


@contextmanager
def one_thread() -> Iterator[None]:
    """Let torch compute on one thread meanwhile.

    Texts are encoded one at a time, which more threads speed up little; where other programs use the
    processor, they wait for each other, and a tiny model was seen to take sixty times as long.
    """
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)
