"""The Dense modules of PyLate and of sentence-transformers, each a folder.

It holds ``config.json`` and ``model.safetensors``. Both libraries write the same keys; ``use_residual``,
``module_input_name`` and ``module_output_name`` came later and may be missing.
"""

from collections.abc import Iterable
from pathlib import Path

from latefind.errors import ModelError
from latefind_export.checkpoint import DenseLayer
from latefind_export.layout_files import CONVERT, GET_AGAIN, WEIGHTS, Config, read_tensors

TOKENS = "token_embeddings"
ACTIVATIONS = "torch.nn."
"""Where activations may come from; anything else is code that the checkpoint brings along."""


def read_dense_chain(folders: Iterable[Path], width: int) -> tuple[DenseLayer, ...]:
    """Return the layers that lie in ``folders``, behind a transformer that is ``width`` wide.

    Raises
    ------
    ModelError
        A layer is incomplete, does not fit the one before it, or has an activation that is not torch's.
    """
    layers = []
    for folder in folders:
        layer = read_dense(folder)
        if layer.weight.shape[1] != width:
            raise ModelError.expected(
                folder,
                f"a layer that takes {width} numbers, as wide as what precedes it",
                f"one that takes {layer.weight.shape[1]}",
                "Check that all files are of one checkpoint.",
            )
        width = layer.weight.shape[0]
        layers.append(layer)
    return tuple(layers)


def read_dense(folder: Path) -> DenseLayer:
    """Return the layer that lies in ``folder``.

    Raises
    ------
    ModelError
        A file or an array is missing or of another shape than ``config.json`` says.
    """
    config = Config.read(folder / "config.json")
    inputs, outputs = config.integer("in_features"), config.integer("out_features")
    if inputs is None or outputs is None:
        config.fail("in_features" if inputs is None else "out_features", "an integer from 1")
    activation = config.text("activation_function")
    if activation is None or not activation.startswith(ACTIVATIONS):
        config.fail(
            "activation_function", "a class below torch.nn", "Code of the checkpoint's own is not run."
        )
    for side in ("module_input_name", "module_output_name"):
        if config.text(side) not in (None, TOKENS):
            config.fail(side, repr(TOKENS), "A head that works on whole texts makes single vectors.")
    biased = config.flag("bias") is not False  # both libraries default to a bias
    residual = config.flag("use_residual") or False
    weights = folder / WEIGHTS
    if not weights.is_file():
        others = [path.name for path in folder.glob("*.bin")]
        do = CONVERT if others else GET_AGAIN
        raise ModelError.expected(weights, "the weights of a Dense layer", ", ".join(others) or "nothing", do)
    shapes: dict[str, tuple[int, ...]] = {"linear.weight": (outputs, inputs)}
    if biased:
        shapes["linear.bias"] = (outputs,)
    if residual and inputs != outputs:
        shapes["residual.weight"] = (outputs, inputs)
    tensors = read_tensors(weights, shapes)
    for name, shape in shapes.items():
        if name not in tensors:
            raise ModelError.expected(weights, f"{name} of shape {shape}", "nothing", GET_AGAIN)
        if tensors[name].shape != shape:
            raise ModelError.expected(
                weights,
                f"{name} of shape {shape}",
                str(tensors[name].shape),
                "Check that all files are of one checkpoint.",
            )
    return DenseLayer(
        weight=tensors["linear.weight"],
        bias=tensors.get("linear.bias"),
        activation=activation,
        residual=residual,
        residual_weight=tensors.get("residual.weight"),
    )
