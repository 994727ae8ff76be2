"""Int8 weights through optimum's quantiser: dynamic, so that no calibration data is needed.

Weights of the embedding table and of every linear layer become 8-bit integers; activations are quantised
while the graph runs, one scale a tensor. Products of two activations (the attention itself) stay in fp32.
"""

import shutil
import tempfile
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import onnx
from onnxruntime.quantization import QuantFormat, QuantizationMode, QuantType
from optimum.onnxruntime import ORTQuantizer
from optimum.onnxruntime.configuration import QuantizationConfig
from transformers import PretrainedConfig


@dataclass(frozen=True, slots=True)
class Int8Options:
    """How weights become integers.

    Attributes
    ----------
    signed : bool
        QInt8, symmetric; else QUInt8 with a zero point.
    per_channel : bool
        One scale for each output of a linear layer, else one for the whole weight.
    reduce_range : bool
        7 bits instead of 8, so that the sum of two products never overflows 16 bits on x86 processors
        without VNNI: the same embeddings everywhere.
    fp32 : tuple of str
        Modules whose weights stay fp32: the head is small, and an error in it is never averaged out.
    """

    signed: bool = True
    per_channel: bool = True
    reduce_range: bool = True
    fp32: tuple[str, ...] = ("head",)

    def describe(self) -> dict[str, object]:
        """Return the options as fields of ``latefind.json``."""
        return {"type": "int8", **asdict(self)}


def quantize_int8(source: Path, target: Path, options: Int8Options) -> None:
    """Write the int8 form of the fp32 graph ``source`` to ``target``."""
    config = QuantizationConfig(
        is_static=False,
        format=QuantFormat.QOperator,
        mode=QuantizationMode.IntegerOps,
        activations_dtype=QuantType.QUInt8,
        weights_dtype=QuantType.QInt8 if options.signed else QuantType.QUInt8,
        weights_symmetric=options.signed,
        per_channel=options.per_channel,
        reduce_range=options.reduce_range,
        operators_to_quantize=["MatMul", "Gather"],
        nodes_to_exclude=nodes_to_keep(source, options.fp32),
    )
    with tempfile.TemporaryDirectory() as folder:
        quantizer = ORTQuantizer(
            source, PretrainedConfig()
        )  # without one it looks for config.json, and warns
        quantizer.quantize(config, save_dir=folder, file_suffix="int8")
        shutil.move(Path(folder) / f"{source.stem}_int8.onnx", target)


def nodes_to_keep(source: Path, modules: Sequence[str]) -> list[str]:
    """Return the names of the MatMul nodes of ``modules`` and of those without a constant operand."""
    graph = onnx.load(source).graph
    constants = {tensor.name for tensor in graph.initializer}
    inside = tuple(f"/{module}/" for module in modules)
    return [
        node.name
        for node in graph.node
        if node.op_type == "MatMul" and (node.name.startswith(inside) or constants.isdisjoint(node.input))
    ]
