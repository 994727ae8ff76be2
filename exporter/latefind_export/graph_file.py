"""Read, tidy and change ONNX graphs: what the ways to quantise have in common."""

from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
import onnx
from onnx import helper, numpy_helper

from latefind.errors import ModelError

MICROSOFT = "com.microsoft"
"""Domain of onnxruntime's own operators."""


def read_graph(path: Path) -> onnx.ModelProto:
    """Read a graph with all of its weights.

    Raises
    ------
    ModelError
        Its weights are in a second file, or the file is damaged.
    """
    try:
        model = onnx.load(path, load_external_data=False)
    except Exception as error:  # protobuf's own, which is no ValueError in every version of it
        raise ModelError.expected(path, "a graph in ONNX", str(error), "Export it again.") from error
    if any(tensor.data_location == onnx.TensorProto.EXTERNAL for tensor in model.graph.initializer):
        raise ModelError.expected(
            path,
            "a graph with its weights in the same file",
            "one with external data",
            "Choose a model below 2 GB.",
        )
    return model


def drop_identities(model: onnx.ModelProto) -> None:
    """Let readers of an Identity read its input, and remove it.

    The tracer stores equal weights once and hands out copies by Identity (ALBERT's layers, for one). A
    quantiser looks for weights among the initializers only, and would leave such copies in fp32.
    """
    results = {output.name for output in model.graph.output}
    sources: dict[str, str] = {}
    kept = []
    for node in model.graph.node:  # in topological order, so an Identity of an Identity is resolved too
        if node.op_type == "Identity" and node.output[0] not in results:
            sources[node.output[0]] = sources.get(node.input[0], node.input[0])
        else:
            kept.append(node)
    rename_inputs(kept, sources)
    del model.graph.node[:]
    model.graph.node.extend(kept)


def rename_inputs(nodes: Iterable[onnx.NodeProto], names: dict[str, str]) -> None:
    """Replace input names by ``names``, in subgraphs too."""
    for node in nodes:
        for position, name in enumerate(node.input):
            node.input[position] = names.get(name, name)
        for attribute in node.attribute:
            if attribute.type == onnx.AttributeProto.GRAPH:
                rename_inputs(attribute.g.node, names)


def word_table(model: onnx.ModelProto) -> tuple[onnx.NodeProto, onnx.TensorProto]:
    """Return the Gather node that looks up words, and its table: the largest one that any Gather reads.

    Raises
    ------
    ModelError
        No Gather reads a table of floats.
    """
    tables = {
        tensor.name: tensor
        for tensor in model.graph.initializer
        if tensor.data_type == onnx.TensorProto.FLOAT and len(tensor.dims) == 2
    }
    lookups = [node for node in model.graph.node if node.op_type == "Gather" and node.input[0] in tables]
    if not lookups:
        raise ModelError.expected("graph", "a table of word embeddings", "none", "Use int8 or fp16.")
    node = max(lookups, key=lambda lookup: int(np.prod(tables[lookup.input[0]].dims)))
    return node, tables[node.input[0]]


def replace_node(model: onnx.ModelProto, node: onnx.NodeProto, replacement: Sequence[onnx.NodeProto]) -> None:
    """Put ``replacement`` where ``node`` is, so that the order stays topological."""
    position = next(index for index, other in enumerate(model.graph.node) if other is node)
    del model.graph.node[position]
    for offset, other in enumerate(replacement):
        model.graph.node.insert(position + offset, other)


def replace_tensor(model: onnx.ModelProto, old: onnx.TensorProto, new: Iterable[onnx.TensorProto]) -> None:
    """Remove the initializer ``old``, unless something still reads it, and add ``new``."""
    if not any(old.name in node.input for node in model.graph.node):
        model.graph.initializer.remove(old)
    model.graph.initializer.extend(new)


def use_domain(model: onnx.ModelProto, domain: str) -> None:
    """Declare version 1 of an operator domain, once."""
    if all(opset.domain != domain for opset in model.opset_import):
        model.opset_import.append(helper.make_opsetid(domain, 1))


def array_of(tensor: onnx.TensorProto) -> npt.NDArray[np.float32]:
    """Return the values of a float32 initializer."""
    return np.asarray(numpy_helper.to_array(tensor), np.float32)
