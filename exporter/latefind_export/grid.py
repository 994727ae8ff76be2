"""Coarse grids: few levels for each weight, so that what is stored as 8-bit integers compresses well.

A weight becomes an integer times the step of its column. The wider the steps, the fewer integers occur and
the more often the small ones do, and gzip or brotli find that out by themselves: for weights that are spread
normally with deviation s, steps of c × s cost about 2.05 − log2(c) bits each, while the graph, its operators
and its speed stay those of int8. Nothing is cut off, so outliers cost bits and no accuracy. Even steps and an
entropy coder come within a quarter of a bit of what is possible (Gish and Pierce, "Asymptotically Efficient
Quantizing", 1968).

Training that prepares a model for a grid rounds on the way forward, ``to_grid(w, steps) * steps``, and lets
gradients pass. A checkpoint whose weights lie on a grid already keeps it: its own steps are found.

NumPy only.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.floating[Any]]
Integers = npt.NDArray[np.int8]

LARGEST = 127
"""Largest integer, either side of 0. What would lie beyond widens its column's step instead."""

LARGEST_PAIR = 128
"""Largest sum of two integers of a column: two products with activations of up to 255 then fit into the 16
bits in which x86 processors without VNNI add them. The same embeddings everywhere, as by int8's 7 bits."""

MANTISSA = 10
"""Bits of the mantissa that float32 values keep, as many as float16 has: the other 13 are 0 and compress."""

FEWEST = 128
"""Values from which on a float32 tensor is shortened: below are constants, and nothing to save."""

ON_GRID = 2e-3
"""How far from a multiple of the step, as a share of the value, a weight may lie: float16 rounds by 5e-4."""


@dataclass(frozen=True, slots=True)
class Grid:
    """How wide steps are, in standard deviations of what they divide.

    Attributes
    ----------
    products : float
        Steps of a linear layer: one for each output.
    words : float
        The step of the word table, one for all of it. Its errors do not add up over a sum of inputs, so the
        same loss allows about twice the step.
    """

    products: float
    words: float


GRIDS: Mapping[str, Grid] = {"int4": Grid(products=0.25, words=0.5), "int3": Grid(products=0.42, words=0.9)}
"""The schemes whose weights lie on coarse grids."""


def column_steps(weight: Floats, coarseness: float) -> npt.NDArray[np.float32]:
    """Return the steps (outputs,) of a linear layer's ``weight`` (inputs, outputs)."""
    own = find_steps(weight)
    if own is not None:
        return own
    largest = np.partition(np.abs(weight), max(0, len(weight) - 2), axis=0)[-2:]  # two for each output
    widest = np.maximum(largest.max(axis=0) / LARGEST, largest.sum(axis=0) / LARGEST_PAIR)
    steps = np.maximum(coarseness * weight.std(axis=0), widest)
    return shorten(np.where(steps > 0, steps, 1))


def table_step(table: Floats, coarseness: float) -> npt.NDArray[np.float32]:
    """Return the one step () of a ``table`` of embeddings (rows, columns)."""
    column = table.reshape(-1, 1)
    own = find_steps(column)
    if own is not None:
        return own.reshape(())
    step = max(coarseness * float(column.std()), float(np.abs(column).max()) / LARGEST)
    return shorten(np.asarray(step or 1, np.float32))


def to_grid(weight: Floats, steps: Floats) -> Integers:
    """Return the nearest integers (inputs, outputs); times ``steps`` they are the weight again, nearly."""
    return np.clip(np.rint(weight / steps), -LARGEST, LARGEST).astype(np.int8)


def find_steps(weight: Floats) -> npt.NDArray[np.float32] | None:
    """Return the steps of a weight that lies on a grid; None where a column of it does not.

    A column's smallest value other than 0 is its step, since on a coarse grid ±1 is never missing.
    """
    magnitudes = np.abs(weight)
    steps = np.where(magnitudes > 0, magnitudes, np.inf).min(axis=0)
    steps = np.where(np.isfinite(steps), steps, 1)  # columns of zeros
    levels = np.rint(magnitudes / steps)
    errors = np.abs(magnitudes / steps - levels)
    if levels.max() > LARGEST or (errors > ON_GRID * np.maximum(levels, 1)).any():
        return None
    return steps.astype(np.float32)


def shorten(values: Floats) -> npt.NDArray[np.float32]:
    """Return the nearest float32 values whose mantissa has 10 bits."""
    bits = np.asarray(values, np.float32).view(np.uint32)
    dropped = 23 - MANTISSA
    half = np.uint32(1 << (dropped - 1))
    kept: npt.NDArray[np.uint32] = (bits + half) & ~np.uint32((1 << dropped) - 1)
    return kept.view(np.float32)
