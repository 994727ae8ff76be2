"""The schemes by which weights are stored, from the fp32 graph.

============  ===========================================================================================
``int8``      embedding tables and linear layers as 8-bit integers, by optimum's quantiser
``int4``      the same graph, its integers on grids of about 4 bits (:mod:`latefind_export.coarse`)
``int3``      the same, of about 3 bits: the smallest download
``int8+emb4`` the same, but the word embedding table in 4 bits (:mod:`latefind_export.table4`)
``fp16``      weights stored as float16, computed with as float32 (:mod:`latefind_export.half`)
``none``      the fp32 graph as it is
============  ===========================================================================================

Int8 is dynamic, so that no calibration data is needed: activations are quantised while the graph runs, one
scale a tensor. Products of two activations (the attention itself) stay in fp32. All run in onnxruntime 1.20
and in onnxruntime-web's WebAssembly.
"""

import shutil
import tempfile
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

import onnx
from onnxruntime.quantization import QuantFormat, QuantizationMode, QuantType
from optimum.onnxruntime import ORTQuantizer
from optimum.onnxruntime.configuration import QuantizationConfig
from transformers import PretrainedConfig

from latefind.model import TokenPlan
from latefind_export.coarse import coarsen, measure_moments
from latefind_export.graph_file import read_graph, word_table
from latefind_export.grid import GRIDS
from latefind_export.half import store_half
from latefind_export.plans import ReferencePlan
from latefind_export.table4 import BLOCK, quantize_table

Scheme = Literal["int8", "int8+emb4", "int4", "int3", "fp16", "none"]

SCHEMES: tuple[Scheme, ...] = ("int8", "int8+emb4", "int4", "int3", "fp16", "none")
"""Every scheme, the default first."""

LADDER: tuple[Scheme, ...] = ("int3", "int4", "int8+emb4", "int8", "fp16")
"""From small to exact: what misses the gate is followed by what is right of it."""


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
    table_block : int or None
        Values that share a scale in a 4-bit word table; None: that table is int8 as the others.
    """

    signed: bool = True
    per_channel: bool = True
    reduce_range: bool = True
    fp32: tuple[str, ...] = ("head",)
    table_block: int | None = None

    def describe(self) -> dict[str, object]:
        """Return the options as fields of ``latefind.json``."""
        options = asdict(self)
        if options.pop("table_block") is None:
            return {"type": "int8", **options}
        return {"type": "int8+emb4", **options, "table_bits": 4, "table_block": self.table_block}


def quantize(
    source: Path, target: Path, scheme: Scheme, calibration: Sequence[ReferencePlan | TokenPlan] = ()
) -> dict[str, object]:
    """Write the fp32 graph ``source`` to ``target`` by ``scheme``; return what ``latefind.json`` says of it.

    ``calibration`` are texts that ``int4`` and ``int3`` round the weights for; without any, each weight is
    rounded by itself.

    Raises
    ------
    ModelError
        The weights of ``source`` are not in its file, or it has no word table where one is to be quantised.
    """
    if scheme == "none":
        read_graph(source)
        shutil.copyfile(source, target)
        return {"type": "none"}
    if scheme == "fp16":
        model = read_graph(source)
        store_half(model)
        onnx.save(model, target)
        return {"type": "fp16"}
    options = Int8Options(table_block=BLOCK if scheme == "int8+emb4" else None)
    quantize_int8(source, target, options)
    if scheme not in GRIDS:
        return options.describe()
    model = read_graph(target)
    coarsen(model, read_graph(source), measure_moments(source, calibration), GRIDS[scheme])
    onnx.save(model, target)
    return {"type": scheme, "fp32": options.fp32, **asdict(GRIDS[scheme]), "calibrated_on": len(calibration)}


def quantize_int8(source: Path, target: Path, options: Int8Options) -> None:
    """Write the int8 form of the fp32 graph ``source`` to ``target``."""
    model = read_graph(source)
    kept = nodes_to_keep(model, options.fp32)
    if options.table_block is not None:
        kept.append(word_table(model)[0].name)
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
        nodes_to_exclude=kept,
    )
    with tempfile.TemporaryDirectory() as folder:
        # Without a configuration it looks for config.json, and warns.
        quantizer = ORTQuantizer(source, PretrainedConfig())
        quantizer.quantize(config, save_dir=folder, file_suffix="int8")
        written = Path(folder) / f"{source.stem}_int8.onnx"
        if options.table_block is None:
            shutil.move(written, target)
            return
        model = read_graph(written)
    quantize_table(model, options.table_block)
    onnx.save(model, target)


def nodes_to_keep(model: onnx.ModelProto, modules: Sequence[str]) -> list[str]:
    """Return the names of the MatMul nodes of ``modules`` and of those without a constant operand."""
    constants = {tensor.name for tensor in model.graph.initializer}
    inside = tuple(f"/{module}/" for module in modules)
    return [
        node.name
        for node in model.graph.node
        if node.op_type == "MatMul" and (node.name.startswith(inside) or constants.isdisjoint(node.input))
    ]
