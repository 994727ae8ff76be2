"""The late-interaction encoder as one torch module: backbone, head, L2 norm of every token.

The whole computation is in the graph that is exported, so that Python and JavaScript feed ids and read
unit vectors, and cannot disagree about what lies between.
"""

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn
from transformers import AutoModel
from transformers.utils import logging

from latefind_export.plans import ReferencePlan
from latefind_export.settings import OUTPUT

SMALLEST_SQUARED_NORM = 1e-24
"""Squared norms below it count as it: the zero vector stays zero, as with torch's ``normalize``."""


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


def load_backbone(checkpoint: Path) -> Any:
    """Load the transformer of a checkpoint in fp32, from safetensors, without its pooler."""
    logging.set_verbosity_error()  # it warns of the pooler's weights, which are left out on purpose
    model = AutoModel.from_pretrained(
        checkpoint,
        add_pooling_layer=False,
        attn_implementation="eager",  # plain MatMul and Softmax in the graph, whatever the runtime
        use_safetensors=True,
        dtype=torch.float32,
    )
    return model.eval()


def linear_head(weight: npt.NDArray[np.float32]) -> nn.Linear:
    """Return a head without bias from its weight (dimensions, hidden)."""
    head = nn.Linear(weight.shape[1], weight.shape[0], bias=False)
    head.weight.data = torch.from_numpy(weight.copy())
    return head.eval()


def encode(encoder: nn.Module, plan: ReferencePlan) -> npt.NDArray[np.float32]:
    """Return the embeddings of one plan, float32 (length, dimensions), computed alone and unpadded."""
    with torch.inference_mode():
        output = encoder(torch.tensor([plan.ids]), torch.tensor([plan.mask]))[OUTPUT]
    embeddings: npt.NDArray[np.float32] = output[0].numpy()
    return embeddings
