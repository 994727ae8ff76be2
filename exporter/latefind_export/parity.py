"""How far a graph is from the torch encoder, token by token."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import onnxruntime

from latefind.errors import ModelError
from latefind.model import TokenPlan
from latefind_export.plans import ReferencePlan
from latefind_export.settings import INPUTS, OUTPUT

LOWEST_MEAN_COSINE = 0.98
"""Below it quantisation has damaged the model; MiniLM in int8 has more than .99."""


@dataclass(frozen=True, slots=True)
class Parity:
    """Cosines between the tokens of two encoders over a sample of texts."""

    tokens: int
    mean: float
    percentile_1: float
    lowest: float


class OnnxEncoder:
    """A graph in onnxruntime, one text at a time: no padding, so nothing depends on its neighbours."""

    def __init__(self, path: Path, threads: int = 0) -> None:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        self._session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])

    def encode(self, plan: ReferencePlan | TokenPlan) -> npt.NDArray[np.float32]:
        """Return the embeddings of ``plan``, float32 (length, dimensions)."""
        values = (np.array([plan.ids], np.int64), np.array([plan.mask], np.int64))
        output = self._session.run([OUTPUT], dict(zip(INPUTS, values, strict=True)))[0]
        embeddings: npt.NDArray[np.float32] = np.asarray(output)[0]
        return embeddings


def compare(expected: Sequence[npt.NDArray[np.float32]], got: Sequence[npt.NDArray[np.float32]]) -> Parity:
    """Return the cosines of unit vectors that belong together, over all tokens of all texts."""
    pairs = zip(expected, got, strict=True)
    cosines = np.concatenate([np.einsum("td,td->t", one, other) for one, other in pairs])  # (tokens,)
    return Parity(
        tokens=len(cosines),
        mean=float(cosines.mean()),
        percentile_1=float(np.percentile(cosines, 1)),
        lowest=float(cosines.min()),
    )


def measure_parity(
    expected: Sequence[npt.NDArray[np.float32]], plans: Sequence[ReferencePlan], graph: Path
) -> Parity:
    """Return how far the embeddings that ``graph`` computes for ``plans`` are from ``expected``."""
    onnx = OnnxEncoder(graph)
    return compare(expected, [onnx.encode(plan) for plan in plans])


def check_parity(parity: Parity, where: Path) -> None:
    """Refuse a graph whose mean cosine is too low.

    Raises
    ------
    ModelError
        The figures miss the gate.
    """
    if not parity.mean >= LOWEST_MEAN_COSINE:
        raise ModelError.expected(
            where,
            f"a mean cosine of at least {LOWEST_MEAN_COSINE} to the torch encoder",
            f"{parity.mean:.4f}",
            "Export it with another quantisation.",
        )
