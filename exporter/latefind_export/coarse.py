"""The schemes ``int4`` and ``int3``: the int8 graph, its weights on coarse grids.

optimum writes the int8 graph; here its integers and scales are replaced by others, so the operators are the
same, and so is the speed. What is measured of a model, the moments of the inputs of its linear layers, comes
from the fp32 graph and some text.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper

from latefind.model import TokenPlan
from latefind_export.graph_file import array_of, read_graph, word_table
from latefind_export.grid import FEWEST, Floats, Grid, Integers, column_steps, shorten, table_step, to_grid
from latefind_export.plans import ReferencePlan
from latefind_export.rounding import round_with_feedback
from latefind_export.settings import INPUTS

Moments = Mapping[str, npt.NDArray[np.float64]]
"""By the name of a weight: the mean of x xᵀ over the inputs x of its linear layer."""

INTEGERS, SCALES, ZEROS = "_quantized", "_scale", "_zero_point"
"""What optimum appends to the name of a weight for the three tensors that it makes of it."""


def coarsen(model: onnx.ModelProto, source: onnx.ModelProto, moments: Moments, grid: Grid) -> None:
    """Put the weights of the int8 graph ``model`` on ``grid``, and shorten what it keeps in fp32.

    ``source`` is the fp32 graph that it was made from. Weights without a moment are rounded one by one.
    """
    weights = {tensor.name: tensor for tensor in source.graph.initializer}
    stored = {tensor.name: tensor for tensor in model.graph.initializer}
    words = word_table(source)[1].name
    for name in [name.removesuffix(INTEGERS) for name in stored if name.endswith(INTEGERS)]:
        weight = array_of(weights[name])
        if stored[name + SCALES].dims:
            integers, steps = _round_product(weight, moments.get(name), grid.products)
        else:
            steps = table_step(weight, grid.words if name == words else grid.products)
            integers = to_grid(weight, steps)
        for suffix, values in (
            (INTEGERS, integers),
            (SCALES, steps),
            (ZEROS, np.zeros(steps.shape, np.int8)),
        ):
            stored[name + suffix].CopyFrom(numpy_helper.from_array(np.asarray(values), name + suffix))
    for tensor in stored.values():
        if tensor.data_type == TensorProto.FLOAT and np.prod(tensor.dims) >= FEWEST:
            tensor.CopyFrom(numpy_helper.from_array(shorten(array_of(tensor)), tensor.name))


def _round_product(
    weight: Floats, moment: npt.NDArray[np.float64] | None, coarseness: float
) -> tuple[Integers, npt.NDArray[np.float32]]:
    steps = column_steps(weight, coarseness)
    if moment is None:
        return to_grid(weight, steps), steps
    return round_with_feedback(weight, moment, steps), steps


def measure_moments(graph: Path, plans: Sequence[ReferencePlan | TokenPlan]) -> Moments:
    """Run the fp32 ``graph`` on ``plans`` and return the moments of its linear layers' inputs.

    A weight that several layers share has the sum of theirs. Memory is that of the moments: inputs² × 8 bytes
    for each layer.
    """
    model = read_graph(graph)
    constants = {tensor.name for tensor in model.graph.initializer}
    products = [node for node in model.graph.node if node.op_type == "MatMul" and node.input[1] in constants]
    tapped = sorted({node.input[0] for node in products})
    model.graph.output.extend(helper.make_tensor_value_info(name, TensorProto.FLOAT, None) for name in tapped)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1  # more bring nothing for single texts, and wait by spinning
    session = onnxruntime.InferenceSession(
        model.SerializeToString(), options, providers=["CPUExecutionProvider"]
    )
    sums: dict[str, npt.NDArray[np.float64]] = {}
    for plan in plans:
        values = (np.array([plan.ids], np.int64), np.array([plan.mask], np.int64))
        found = session.run(tapped, dict(zip(INPUTS, values, strict=True)))
        for name, output in zip(tapped, found, strict=True):
            rows = np.asarray(output)
            rows = rows.reshape(-1, rows.shape[-1])  # (tokens, inputs)
            product = (rows.T @ rows).astype(np.float64)  # contracted over the text's tokens
            sums[name] = sums[name] + product if name in sums else product
    tokens = max(1, sum(len(plan.ids) for plan in plans))
    moments: dict[str, npt.NDArray[np.float64]] = {}
    for node in products if sums else ():
        weight, moment = node.input[1], sums[node.input[0]] / tokens
        moments[weight] = moments[weight] + moment if weight in moments else moment
    return moments
