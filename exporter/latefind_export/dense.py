"""The head of a checkpoint as torch modules: a chain of Dense layers, applied to every token alone.

One layer is ``activation(weight · x + bias)``, plus x itself, through its own weight or not, where the layer
has a residual. Activations are torch's own module classes: what a checkpoint names is imported from
``torch.nn`` and nowhere else, and is tried out, as a graph too, before the model is exported with it.
"""

import importlib
import io
import warnings
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import onnxruntime
import torch
from torch import Tensor, nn

from latefind.errors import ModelError
from latefind_export.checkpoint import DenseLayer
from latefind_export.tracing import OPSET, quiet_tracer

ACTIVATIONS = "torch.nn."
"""Where activations may come from: a name elsewhere is code of the checkpoint's author."""

TRIAL_SHAPE = (2, 3, 4)
"""Batch, length and width of the vectors that an activation is tried out on."""

TRIAL_TOLERANCE = 1e-5
"""Largest difference between an activation in torch and in onnxruntime, on values between -3 and 3."""


class Dense(nn.Module):
    """One layer of the head, see :class:`latefind_export.checkpoint.DenseLayer`.

    ``forward`` takes float32 (batch, length, in) and returns float32 (batch, length, out).
    """

    def __init__(self, layer: DenseLayer, activation: nn.Module) -> None:
        super().__init__()
        self.linear = make_linear(layer.weight, layer.bias)
        self.activation = activation
        self.keeps_input = layer.residual
        self.residual = None if layer.residual_weight is None else make_linear(layer.residual_weight, None)

    def forward(self, vectors: Tensor) -> Tensor:
        """Apply the layer; see the class."""
        output: Tensor = self.activation(self.linear(vectors))
        if not self.keeps_input:
            return output
        return output + (vectors if self.residual is None else self.residual(vectors))


def build_head(layers: Sequence[DenseLayer], hidden: int) -> nn.Module:
    """Return the chain of ``layers`` behind a transformer that is ``hidden`` wide; no layers: the identity.

    Raises
    ------
    ModelError
        A layer does not fit the one before it, or its activation cannot be used.
    """
    width = hidden
    modules = []
    for number, layer in enumerate(layers, start=1):
        check_shapes(layer, width, f"Dense layer {number}")
        modules.append(Dense(layer, load_activation(layer.activation)))
        width = len(layer.weight)
    return nn.Sequential(*modules).eval()


def check_shapes(layer: DenseLayer, width: int, where: str) -> None:
    """Refuse a layer whose arrays do not fit together or do not take vectors that are ``width`` wide.

    Raises
    ------
    ModelError
        Names the array, its shape and the one that fits.
    """
    outputs = len(layer.weight)
    shapes: list[tuple[str, npt.NDArray[np.float32], tuple[int, ...]]] = [
        ("weight", layer.weight, (outputs, width))
    ]
    if layer.bias is not None:
        shapes.append(("bias", layer.bias, (outputs,)))
    if layer.residual_weight is not None:
        shapes.append(("residual weight", layer.residual_weight, (outputs, width)))
    for name, array, shape in shapes:
        if array.shape != shape:
            raise ModelError.expected(
                where,
                f"a {name} of shape {shape}",
                str(array.shape),
                "The layer does not fit what precedes it: check that all files are of one checkpoint.",
            )
    if layer.residual and layer.residual_weight is None and outputs != width:
        raise ModelError.expected(
            where,
            f"a residual weight of shape {(outputs, width)}",
            "none",
            "Only a layer as wide as its input adds the input itself.",
        )


def make_linear(weight: npt.NDArray[np.float32], bias: npt.NDArray[np.float32] | None) -> nn.Linear:
    """Return a linear layer from its weight (out, in) and, where it has one, its bias (out,)."""
    layer = nn.Linear(weight.shape[1], weight.shape[0], bias=bias is not None)
    layer.weight.data = torch.from_numpy(weight.astype(np.float32))
    if bias is not None:
        layer.bias.data = torch.from_numpy(bias.astype(np.float32))
    return layer


def load_activation(name: str) -> nn.Module:
    """Return the activation with this dotted name, made without arguments.

    Raises
    ------
    ModelError
        It is no module class of torch's, or needs arguments, or mixes tokens or changes their width, or ONNX
        has no operator for it, or onnxruntime computes something else.
    """
    module, _, attribute = name.rpartition(".")
    try:
        found = getattr(importlib.import_module(module), attribute) if name.startswith(ACTIVATIONS) else None
    except (ImportError, AttributeError):
        found = None
    if not (isinstance(found, type) and issubclass(found, nn.Module)):
        raise _unusable(name, f"a name that is no module class below {ACTIVATIONS.rstrip('.')}")
    try:
        activation = found().eval()
    except TypeError as error:
        raise _unusable(name, f"one that cannot be made without arguments ({error})") from error
    problem = try_activation(activation)
    if problem:
        raise _unusable(name, problem)
    return activation


def try_activation(activation: nn.Module) -> str | None:
    """Say what keeps ``activation`` from being used, None where nothing does."""
    if list(activation.parameters()):
        return "one with weights of its own, which no checkpoint's reader knows"
    vectors = torch.linspace(-3, 3, int(np.prod(TRIAL_SHAPE))).reshape(TRIAL_SHAPE)
    try:
        with torch.inference_mode(), warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of implicit dimensions, which are refused below
            expected, alone = activation(vectors), activation(vectors[1:, :1])
    except Exception as error:
        return f"one that does not take token embeddings ({error})"
    if not isinstance(expected, Tensor) or expected.shape != vectors.shape:
        return "one that does not keep the width of its input"
    if not torch.allclose(alone, expected[1:, :1]):
        return "one that mixes the tokens of a text or of a batch"
    graph = io.BytesIO()
    try:
        with quiet_tracer():
            torch.onnx.export(activation, (vectors,), graph, opset_version=OPSET, dynamo=False)
        session = onnxruntime.InferenceSession(graph.getvalue(), providers=["CPUExecutionProvider"])
    except Exception as error:
        return f"one without an ONNX operator ({str(error).splitlines()[0]})"
    got = session.run(None, {session.get_inputs()[0].name: vectors.numpy()})[0]
    if not np.allclose(got, expected.numpy(), atol=TRIAL_TOLERANCE):
        return f"one that onnxruntime computes otherwise, by up to {np.abs(got - expected.numpy()).max():.2g}"
    return None


def _unusable(name: str, problem: str) -> ModelError:
    return ModelError.expected(
        f"activation {name}",
        "an activation that can be exported, such as torch.nn.modules.activation.GELU",
        problem,
        "Train the head with another activation.",
    )
