"""Take layers and width away from a BERT: what is left starts from the weights that seem to matter most.

Everything works on the arrays of ``model.safetensors`` and the fields of ``config.json``. A thinner model
finds its way back by training only; these are starts, not results.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from latefind.errors import UsageError

Array = npt.NDArray[np.float32]
Weights = dict[str, Array]

LAYER = re.compile(r"^encoder\.layer\.(\d+)\.(.*)$")


def keep_layers(weights: Mapping[str, Array], config: dict[str, Any], layers: Sequence[int]) -> Weights:
    """Return the weights of these layers, renumbered, and set their count in ``config``."""
    if not layers or max(layers) >= config["num_hidden_layers"] or min(layers) < 0:
        raise UsageError.expected("layers", f"numbers below {config['num_hidden_layers']}", str(list(layers)))
    found = {}
    for name, array in weights.items():
        match = LAYER.match(name)
        if match is None:
            found[name] = array
            continue
        for place, layer in enumerate(layers):
            if int(match[1]) == layer:
                found[f"encoder.layer.{place}.{match[2]}"] = array
    config["num_hidden_layers"] = len(layers)
    return found


def shrink_inner(weights: Weights, config: dict[str, Any], width: int) -> Weights:
    """Keep the ``width`` inner units of each layer's feed-forward part whose weights are largest."""
    if not 0 < width <= config["intermediate_size"]:
        raise UsageError.expected("intermediate", f"1 to {config['intermediate_size']}", str(width))
    found = dict(weights)
    for layer in range(config["num_hidden_layers"]):
        first, second = f"encoder.layer.{layer}.intermediate.dense", f"encoder.layer.{layer}.output.dense"
        into, out = found[f"{first}.weight"], found[f"{second}.weight"]
        norms = np.linalg.norm(into, axis=1) * np.linalg.norm(out, axis=0)
        kept = _largest(norms, width)
        found[f"{first}.weight"], found[f"{first}.bias"] = into[kept], found[f"{first}.bias"][kept]
        found[f"{second}.weight"] = out[:, kept]
    config["intermediate_size"] = width
    return found


def shrink_hidden(weights: Weights, config: dict[str, Any], width: int) -> Weights:
    """Keep ``width`` of the hidden units, the same ones in all layers, and as many heads as they make.

    A hidden unit counts by the energy that all layers give it (the weights of their layer norms); a head by
    what it writes.
    """
    size = config["hidden_size"] // config["num_attention_heads"]
    if width % size or not 0 < width <= config["hidden_size"]:
        raise UsageError.expected("hidden", f"a multiple of {size} up to {config['hidden_size']}", str(width))
    norms = [array for name, array in weights.items() if name.endswith("output.LayerNorm.weight")]
    kept = _largest(np.sum(np.square(norms), axis=0), width)
    found = dict(weights)
    for name, array in weights.items():
        if LAYER.match(name) is None and array.shape[-1:] == (config["hidden_size"],):
            found[name] = array[..., kept]
    for layer in range(config["num_hidden_layers"]):
        _shrink_layer(found, f"encoder.layer.{layer}", kept, width // size, size)
    config["hidden_size"], config["num_attention_heads"] = width, width // size
    return found


def _shrink_layer(weights: Weights, layer: str, kept: npt.NDArray[np.intp], heads: int, size: int) -> None:
    attention = f"{layer}.attention"
    out, value = weights[f"{attention}.output.dense.weight"], weights[f"{attention}.self.value.weight"]
    norms = np.linalg.norm(out, axis=0) * np.linalg.norm(value, axis=1)
    best = _largest(np.square(norms).reshape(-1, size).sum(axis=1), heads)
    units = (best[:, None] * size + np.arange(size)).reshape(-1)
    for name in ("query", "key", "value"):
        dense = f"{attention}.self.{name}"
        weights[f"{dense}.weight"] = weights[f"{dense}.weight"][np.ix_(units, kept)]
        weights[f"{dense}.bias"] = weights[f"{dense}.bias"][units]
    weights[f"{attention}.output.dense.weight"] = out[np.ix_(kept, units)]
    weights[f"{layer}.intermediate.dense.weight"] = weights[f"{layer}.intermediate.dense.weight"][:, kept]
    weights[f"{layer}.output.dense.weight"] = weights[f"{layer}.output.dense.weight"][kept]
    for name in (
        "attention.output.dense.bias",
        "attention.output.LayerNorm.weight",
        "attention.output.LayerNorm.bias",
        "output.dense.bias",
        "output.LayerNorm.weight",
        "output.LayerNorm.bias",
    ):
        weights[f"{layer}.{name}"] = weights[f"{layer}.{name}"][kept]


def _largest(values: Array, count: int) -> npt.NDArray[np.intp]:
    """Return the places of the ``count`` largest values, in order of place."""
    return np.sort(np.argsort(-values, kind="stable")[:count])
