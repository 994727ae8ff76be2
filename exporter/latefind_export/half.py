"""Weights stored as float16 and computed with as float32.

Half the bytes at the speed of fp32: onnxruntime's WebAssembly build has hardly a kernel for float16, and its
matrix products in it are many times slower. onnxruntime casts the weights back when it loads the graph, and
of the word table only the rows that it looks up.
"""

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from latefind_export.graph_file import array_of, replace_node

SMALLEST = 1024
"""Values from which on a tensor is stored as float16: what is smaller saves nothing."""

LARGEST_VALUE = float(np.finfo(np.float16).max)
"""65,504. A tensor with a larger value stays float32."""


def store_half(model: onnx.ModelProto) -> None:
    """Store the large float32 initializers of ``model`` as float16, each cast back where it is used."""
    casts = []
    for tensor in [tensor for tensor in model.graph.initializer if is_halved(tensor)]:
        values = array_of(tensor)
        if not np.abs(values).max() <= LARGEST_VALUE:
            continue
        name = tensor.name
        half = numpy_helper.from_array(values.astype(np.float16), f"{name}_fp16")
        tensor.CopyFrom(half)
        readers = [node for node in model.graph.node if name in node.input]
        if all(node.op_type == "Gather" and node.input[0] == name for node in readers):
            for node in readers:
                cast_rows(model, node, half.name)
        else:
            casts.append(helper.make_node("Cast", [half.name], [name], f"{name}_cast", to=TensorProto.FLOAT))
    nodes = [*casts, *model.graph.node]
    del model.graph.node[:]
    model.graph.node.extend(nodes)


def is_halved(tensor: onnx.TensorProto) -> bool:
    """Say whether ``tensor`` is a weight that is worth storing as float16."""
    return bool(tensor.data_type == TensorProto.FLOAT and np.prod(tensor.dims) >= SMALLEST)


def cast_rows(model: onnx.ModelProto, node: onnx.NodeProto, table: str) -> None:
    """Let a Gather read the float16 ``table`` and cast what it found."""
    lookup = onnx.NodeProto()
    lookup.CopyFrom(node)
    lookup.input[0] = table
    lookup.output[0] = f"{node.output[0]}_fp16"
    cast = helper.make_node(
        "Cast", [lookup.output[0]], [node.output[0]], f"{node.name}_cast", to=TensorProto.FLOAT
    )
    replace_node(model, node, [lookup, cast])
