"""Choose how to store the weights: the scheme that was asked for, or the next one that is exact enough.

A quantised graph must pass a gate: on a sample of texts its embeddings stay close to those of the torch
encoder, and a search with it finds the same. What misses it is followed by the next scheme of the ladder,
int3 → int4 → int8+emb4 → int8 → fp16, since a larger download is better than a search that is worse for no
visible reason.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from latefind.errors import ModelError
from latefind_export.encoder import LateInteractionEncoder, encode
from latefind_export.grid import GRIDS
from latefind_export.parity import OnnxEncoder, Parity, Vectors, compare, rank_agreement, score_all
from latefind_export.plans import ReferencePlan
from latefind_export.quantize import LADDER, Scheme, quantize


@dataclass(frozen=True, slots=True)
class Gate:
    """The least that is asked of a scheme.

    Attributes
    ----------
    mean, percentile_1 : float
        Cosines with the torch encoder. The lowest is reported and not judged: in int8 one activation that is
        out of range moves all others of its text, so it is anything between .5 and .9 from one rounding to
        the next.
    rank_agreement : float
        Most of a first page is near ties, which any change reorders.
    ndcg_kept : float
        nDCG@10 as a share of the torch encoder's.
    """

    mean: float
    percentile_1: float
    rank_agreement: float
    ndcg_kept: float


CLOSE = Gate(mean=0.98, percentile_1=0.95, rank_agreement=0.85, ndcg_kept=0.0)
"""Close enough to fp32 to search as it does. MiniLM has mean cosine, 1st percentile and agreement of .991,
.980 and .91 in int8, .990, .977 and .91 with the 4-bit table, .947, .887 and .83 with one scale a matrix,
which loses .019 of nDCG@10 on the hardest of three collections, and .823, .620 and .72 with 7 bits of that,
which loses .031. Random weights, in which nothing is redundant, mostly have a mean above .996 in int8."""

COARSE = Gate(mean=0.95, percentile_1=0.88, rank_agreement=0.7, ndcg_kept=0.98)
"""For coarse grids, which are not close to fp32 and need not be: the index is made by the same graph. They
have to search as well, so that is measured too; the cosines only rule out that something is broken."""

LARGE_MODEL = 100_000_000
"""Bytes of a graph from which on the author is warned of what visitors download."""

DOWNLOAD_RATE = 10e6 / 8
"""Bytes a second that the warning reckons with: a good mobile connection of 10 Mbit/s."""


@dataclass(frozen=True, slots=True)
class Sample:
    """Token plans that schemes are compared on: the queries are searched for among the documents.

    Attributes
    ----------
    calibration : list of ReferencePlan
        Other texts, which the coarse schemes round the weights for.
    judge : callable or None
        Gives nDCG@10 from scores (queries, documents), where it is known which documents answer.
    """

    queries: list[ReferencePlan]
    documents: list[ReferencePlan]
    calibration: list[ReferencePlan] = field(default_factory=list)
    judge: Callable[[Vectors], float] | None = None


@dataclass(frozen=True, slots=True)
class Attempt:
    """What one scheme made of the graph, and how far that is from the torch encoder.

    Attributes
    ----------
    options : dict
        What ``latefind.json`` says of the quantisation.
    size : int
        Bytes of the graph.
    parity : Parity
        Over the scored tokens of the sample's queries and documents.
    rank_agreement : float
        Share of the first ten documents that both encoders find, a mean over the sample's queries.
    ndcg_kept : float
        nDCG@10 as a share of the torch encoder's; 1 where the sample has no judge.
    """

    scheme: Scheme
    options: dict[str, object]
    size: int
    parity: Parity
    rank_agreement: float
    passed: bool
    ndcg_kept: float = 1.0

    def describe(self) -> str:
        """Return the figures that the gate looks at, on one line."""
        return (
            f"{self.scheme}: mean cosine {self.parity.mean:.4f}, "
            f"1st percentile {self.parity.percentile_1:.4f}, lowest {self.parity.lowest:.4f}, "
            f"rank agreement {self.rank_agreement:.3f}, nDCG@10 {self.ndcg_kept:.1%} of fp32's, "
            f"{self.size / 1e6:.1f} MB"
        )


@dataclass(frozen=True, slots=True)
class _Expected:
    """What the torch encoder makes of a sample: scored vectors, and scores (queries, documents)."""

    queries: list[Vectors]
    documents: list[Vectors]
    scores: Vectors


def choose_scheme(
    fp32: Path, target: Path, asked: Scheme, sample: Sample, model: LateInteractionEncoder
) -> list[Attempt]:
    """Write the graph ``fp32`` to ``target`` by the first scheme from ``asked`` on that passes the gate.

    Returns
    -------
    list of Attempt
        One for each scheme that was tried; the last one is in ``target``.

    Raises
    ------
    ModelError
        None passed; the message has the figures of every attempt. ``target`` is removed.
    """
    queries, documents = (
        [encode(model, plan)[plan.scored] for plan in plans] for plans in (sample.queries, sample.documents)
    )
    expected = _Expected(queries, documents, score_all(queries, documents))
    attempts: list[Attempt] = []
    for scheme in ladder_from(asked):
        options = quantize(fp32, target, scheme, sample.calibration)
        attempts.append(measure_attempt(target, scheme, options, sample, expected))
        if attempts[-1].passed:
            return attempts
    target.unlink()
    gate = gate_of(attempts[-1].scheme)
    raise ModelError.expected(
        f"--quantize {asked}",
        f"a mean cosine of at least {gate.mean} to the torch encoder, {gate.percentile_1} for the "
        f"1st percentile, and a rank agreement of {gate.rank_agreement}",
        "; ".join(attempt.describe() for attempt in attempts),
        "Nothing was written."
        + (
            " Try --quantize none, for fp32." if asked != "none" else " The graph itself is wrong: report it."
        ),
    )


def ladder_from(asked: Scheme) -> Sequence[Scheme]:
    """Return the schemes to try, in order: ``asked`` and, where it is on the ladder, what is more exact."""
    return LADDER[LADDER.index(asked) :] if asked in LADDER else (asked,)


def measure_attempt(
    graph: Path, scheme: Scheme, options: dict[str, object], sample: Sample, expected: _Expected
) -> Attempt:
    """Compare ``graph`` with the torch encoder on the sample and say whether it passes."""
    onnx = OnnxEncoder(graph)
    queries, documents = (
        [onnx.encode_scored(plan) for plan in plans] for plans in (sample.queries, sample.documents)
    )
    parity = compare([*expected.queries, *expected.documents], [*queries, *documents])
    scores = score_all(queries, documents)
    agreement = rank_agreement(expected.scores, scores)
    kept = 1.0
    if sample.judge is not None:
        kept = sample.judge(scores) / max(sample.judge(expected.scores), 1e-9)
    passed = passes_gate(gate_of(scheme), parity, agreement, kept)
    return Attempt(scheme, options, graph.stat().st_size, parity, agreement, passed, kept)


def gate_of(scheme: Scheme) -> Gate:
    """Return what is asked of ``scheme``."""
    return COARSE if scheme in GRIDS else CLOSE


def passes_gate(gate: Gate, parity: Parity, agreement: float, ndcg_kept: float = 1.0) -> bool:
    """Say whether figures are good enough; figures that are no numbers are not."""
    return (
        parity.mean >= gate.mean
        and parity.percentile_1 >= gate.percentile_1
        and agreement >= gate.rank_agreement
        and ndcg_kept >= gate.ndcg_kept
    )


def warn_of_size(size: int) -> str | None:
    """Return a warning where visitors download more than 100 MB for a graph of ``size`` bytes."""
    if size <= LARGE_MODEL:
        return None
    return (
        f"the model has {size / 1e6:.0f} MB, and every visitor downloads it before the first semantic "
        f"search: {size / DOWNLOAD_RATE / 60:.0f} minutes at 10 Mbit/s. "
        "Phones may not have the memory to run it. Prefer a smaller checkpoint, or --quantize int3."
    )
