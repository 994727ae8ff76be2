"""How far a graph is from the torch encoder: token by token, and in what a search with it finds."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import onnxruntime

from latefind.model import TokenPlan
from latefind_export.plans import ReferencePlan
from latefind_export.settings import INPUTS, OUTPUT

Vectors = npt.NDArray[np.float32]
"""Embeddings of one text, unit vectors (tokens, dimensions)."""

TOP = 10
"""Results that rank agreement looks at: the first page of a search."""


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

    def encode(self, plan: ReferencePlan | TokenPlan) -> Vectors:
        """Return the embeddings of ``plan``, float32 (length, dimensions)."""
        values = (np.array([plan.ids], np.int64), np.array([plan.mask], np.int64))
        output = self._session.run([OUTPUT], dict(zip(INPUTS, values, strict=True)))[0]
        embeddings: Vectors = np.asarray(output)[0]
        return embeddings

    def encode_scored(self, plan: ReferencePlan | TokenPlan) -> Vectors:
        """Return the embeddings of ``plan`` that are searched with, float32 (scored, dimensions)."""
        scored: Vectors = self.encode(plan)[np.asarray(plan.scored, bool)]
        return scored


def compare(expected: Sequence[Vectors], got: Sequence[Vectors]) -> Parity:
    """Return the cosines of unit vectors that belong together, over all tokens of all texts."""
    pairs = zip(expected, got, strict=True)
    cosines = np.concatenate([np.einsum("td,td->t", one, other) for one, other in pairs])  # (tokens,)
    return Parity(
        tokens=len(cosines),
        mean=float(cosines.mean()),
        percentile_1=float(np.percentile(cosines, 1)),
        lowest=float(cosines.min()),
    )


def measure_parity(expected: Sequence[Vectors], plans: Sequence[ReferencePlan], graph: Path) -> Parity:
    """Return how far the embeddings that ``graph`` computes for ``plans`` are from ``expected``.

    ``expected`` has all tokens of each plan, scored or not.
    """
    onnx = OnnxEncoder(graph)
    return compare(expected, [onnx.encode(plan) for plan in plans])


def score_all(queries: Sequence[Vectors], documents: Sequence[Vectors]) -> Vectors:
    """Return exact MaxSim scores, float32 (queries, documents); no document may be empty."""
    starts = np.cumsum([0, *(len(vectors) for vectors in documents[:-1])])
    vectors = np.concatenate(documents)  # (tokens, dimensions)
    rows = []
    for query in queries:
        similarity = query @ vectors.T  # (query tokens, tokens)
        rows.append(np.maximum.reduceat(similarity, starts, axis=1).sum(axis=0))
    return np.stack(rows)


def top_documents(scores: Vectors) -> npt.NDArray[np.intp]:
    """Return the first ten documents of each query (queries, 10 or all), ties in the documents' order."""
    return np.argsort(-scores, axis=1, kind="stable")[:, :TOP]


def rank_agreement(expected: Vectors, got: Vectors) -> float:
    """Return the share of the first ten documents that both rankings have, a mean over the queries.

    Both are scores (queries, documents).
    """
    pairs = zip(top_documents(expected), top_documents(got), strict=True)
    return float(np.mean([np.intersect1d(one, other).size / len(one) for one, other in pairs]))
