"""Round the weights of a linear layer so that its outputs change least, not the weights themselves.

GPTQ (Frantar, Ashkboos, Hoefler and Alistarh, "GPTQ: Accurate Post-Training Quantization for Generative
Pre-trained Transformers", 2022, arXiv 2210.17323): inputs are rounded one after the other, and what rounding
one of them does to the outputs is made up for, as well as can be, by those that are not rounded yet. How well
that can be follows from the second moment of the layer's inputs on some text.

Libraries that have it (neural-compressor, llm-compressor, onnxruntime's 4-bit quantiser, which calls the
first) cut each weight into blocks of 16 levels for kernels of their own. Here the levels are not limited and
belong to a whole column, for the int8 kernels that every onnxruntime has. NumPy only.
"""

import numpy as np
import numpy.typing as npt

from latefind_export.grid import LARGEST, Floats, Integers

DAMPING = 0.01
"""Added to the diagonal of the moment, as a share of its mean, so that directions in which the text hardly
varies are not trusted; .1 gives the same cosines within .001."""

BLOCK = 64
"""Inputs whose errors are passed on to the inputs behind the block at once: one large product is faster."""


def round_with_feedback(weight: Floats, moment: npt.NDArray[np.float64], steps: Floats) -> Integers:
    """Return integers (inputs, outputs) whose products with ``steps`` (outputs,) stand in for ``weight``.

    Parameters
    ----------
    weight : floats (inputs, outputs)
    moment : float64 (inputs, inputs)
        Mean of x xᵀ over the layer's inputs x. A multiple of the identity gives plain rounding.
    steps : floats (outputs,)

    Notes
    -----
    For the inputs that are left, the error e of one costs least where the others move by −e · U[i] / U[i, i],
    with U the upper Cholesky factor of the inverse of the moment. Inputs of most energy go first. Time grows
    with inputs² × outputs; memory is that of a few copies of the weight and the moment.
    """
    inputs = len(weight)
    order = np.argsort(-np.diag(moment), kind="stable")
    left = np.asarray(weight, np.float64)[order]  # what is still to be rounded, errors made up for
    factor = _upper_factor(moment[np.ix_(order, order)])  # (inputs, inputs)
    rounded = np.zeros(left.shape, np.int8)
    for start in range(0, inputs, BLOCK):
        stop = min(start + BLOCK, inputs)
        errors = np.zeros((stop - start, left.shape[1]))
        for row in range(start, stop):
            levels = np.clip(np.rint(left[row] / steps), -LARGEST, LARGEST)
            rounded[row] = levels
            error = (left[row] - levels * steps) / factor[row, row]  # (outputs,)
            left[row + 1 : stop] -= np.outer(factor[row, row + 1 : stop], error)
            errors[row - start] = error
        left[stop:] -= factor[start:stop, stop:].T @ errors  # contracted over the block's inputs
    result = np.empty_like(rounded)
    result[order] = rounded
    return result


def _upper_factor(moment: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Return U, upper triangular, with Uᵀ U the inverse of the damped ``moment``."""
    mean = float(np.mean(np.diag(moment)))
    damped = moment + np.eye(len(moment)) * (DAMPING * mean if mean > 0 else 1.0)
    return np.asarray(np.linalg.cholesky(np.linalg.inv(damped)).T, np.float64)
