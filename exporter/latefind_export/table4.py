"""The word embedding table in 4 bits: onnxruntime's GatherBlockQuantized, written directly.

Words are most of a small model: 12 of MiniLM's 23 million parameters, 192 of XLM-R's 278. Each row is cut
into blocks that share a scale, and every value becomes one of 16 multiples of it, so an outlier spoils its
own block only. Products of matrices stay int8: 4 bits there save less and make the browser slower.
"""

import numpy as np
import numpy.typing as npt
import onnx
from onnx import TensorProto, helper, numpy_helper

from latefind_export.graph_file import (
    MICROSOFT,
    array_of,
    replace_node,
    replace_tensor,
    use_domain,
    word_table,
)

BLOCK = 32
"""Values that share a scale: 4.5 bits a value. MiniLM's mean cosine to fp32, int8 products included, is .9902
with 16 (5 bits), .9899 with 32, .9894 with 64, .9886 with 128 (4.1 bits), and .9910 with an int8 table."""

LEVELS = (-8, 7)
"""Smallest and largest 4-bit integer."""

DIVISORS = (8.0, 7.5, 7.0, 6.5, 6.0)
"""Scales that are tried on each block: its largest value divided by each of these. A smaller divisor than 8
cuts nothing off and makes the steps larger where that happens to fit the other values better."""

ROWS = 4096
"""Rows that are quantised at a time: bounds the memory of the search."""

SMALLEST_IR = 10
"""The first version of ONNX files that knows 4-bit integers; onnxruntime 1.20 reads it."""


def quantize_table(model: onnx.ModelProto, block: int = BLOCK) -> None:
    """Replace the lookup in the word embedding table by one in a table of 4-bit integers.

    Scales are stored as float16 and used as float32: onnxruntime folds the cast when it loads the graph.
    """
    node, table = word_table(model)
    values, scales = quantize_blocks(array_of(table), block)
    quantized = TensorProto(
        name=f"{table.name}_4bit", data_type=TensorProto.INT4, dims=values.shape, raw_data=pack(values)
    )
    stored = numpy_helper.from_array(scales, f"{table.name}_scales")
    lookup = helper.make_node(
        "GatherBlockQuantized",
        [quantized.name, node.input[1], f"{stored.name}_fp32"],
        [node.output[0]],
        name=node.name,
        domain=MICROSOFT,
        gather_axis=0,
        quantize_axis=1,
        block_size=block,
    )
    cast = helper.make_node(
        "Cast", [stored.name], [f"{stored.name}_fp32"], name=f"{node.name}_scales", to=TensorProto.FLOAT
    )
    replace_node(model, node, [cast, lookup])
    replace_tensor(model, table, [quantized, stored])
    use_domain(model, MICROSOFT)
    model.ir_version = max(model.ir_version, SMALLEST_IR)


def quantize_blocks(
    table: npt.NDArray[np.float32], block: int
) -> tuple[npt.NDArray[np.int8], npt.NDArray[np.float16]]:
    """Return integers between -8 and 7 (rows, columns) and scales (rows, blocks of a row).

    Of the scales that are tried, each block gets the one with the smallest squared error. The last block of
    a row is shorter where ``block`` does not divide the columns.
    """
    rows, columns = table.shape
    blocks = -(-columns // block)
    values = np.zeros((rows, blocks * block), np.int8)
    scales = np.zeros((rows, blocks), np.float16)
    for start in range(0, rows, ROWS):
        part = slice(start, start + ROWS)
        padded = np.pad(table[part], ((0, 0), (0, blocks * block - columns)))
        found, scales[part] = _search_scales(padded.reshape(-1, blocks, block))
        values[part] = found.reshape(len(found), -1)
    return values[:, :columns], scales


def _search_scales(
    blocks: npt.NDArray[np.float32],
) -> tuple[npt.NDArray[np.int8], npt.NDArray[np.float16]]:
    """Quantise (rows, blocks, values); the largest value of each block becomes -8 or nearly so."""
    largest = np.take_along_axis(blocks, np.abs(blocks).argmax(axis=2)[..., None], axis=2)
    least = np.full(largest.shape, np.inf, np.float32)
    values = np.zeros(blocks.shape, np.int8)
    scales = np.zeros(largest.shape, np.float16)
    for divisor in DIVISORS:
        scale = (-largest / divisor).astype(np.float16)
        step = scale.astype(np.float32)
        rounded = np.clip(np.rint(blocks / np.where(step == 0, 1, step)), *LEVELS)
        error = ((rounded * step - blocks) ** 2).sum(axis=2, keepdims=True)
        better = error < least
        least = np.where(better, error, least)
        values = np.where(better, rounded, values).astype(np.int8)
        scales = np.where(better, scale, scales)
    return values, scales[..., 0]


def pack(values: npt.NDArray[np.int8]) -> bytes:
    """Return two integers a byte, the first in the low half, row after row without padding between."""
    nibbles = (values.reshape(-1) & 15).astype(np.uint8)
    if len(nibbles) % 2:
        nibbles = np.append(nibbles, np.uint8(0))
    return (nibbles[0::2] | (nibbles[1::2] << 4)).tobytes()
