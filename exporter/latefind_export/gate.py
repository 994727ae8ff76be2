"""Choose how to store the weights: the scheme that was asked for, or the next one that is exact enough.

A quantised graph must pass a gate: on a sample of texts its embeddings stay close to those of the torch
encoder, and a search with it finds the same. What misses it is followed by the next scheme of the ladder,
int8+emb4 → int8 → fp16, since a larger download is better than a search that is worse for no visible reason.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from latefind.errors import ModelError
from latefind_export.encoder import LateInteractionEncoder, encode
from latefind_export.parity import OnnxEncoder, Parity, Vectors, compare, rank_agreement, score_all
from latefind_export.plans import ReferencePlan
from latefind_export.quantize import LADDER, Scheme, quantize

LOWEST_MEAN_COSINE = 0.98
"""MiniLM has .991 in int8 and .990 with the 4-bit table, and its nDCG@10 on three collections stays within
.006 of fp32's. With one scale a matrix it has .947, and loses .019 on the hardest of them; with 7 bits .823,
and .031. Random weights, in which nothing is redundant, mostly have .996 and more in int8."""

LOWEST_PERCENTILE_1 = 0.95
"""MiniLM has .980 in int8, .977 with the 4-bit table, .887 with one scale a matrix. The lowest cosine is
reported and not judged: in int8 one activation that is out of range moves all others of its text, so it is
anything between .5 and .9 from one rounding to the next."""

LOWEST_RANK_AGREEMENT = 0.85
"""Most of a first page is near ties, which any change reorders: of MiniLM's, int8 keeps .91 to .92, one scale
a matrix .83 to .87, and with 7 bits .72 to .76."""

LARGE_MODEL = 100_000_000
"""Bytes of a graph from which on the author is warned of what visitors download."""

DOWNLOAD_RATE = 10e6 / 8
"""Bytes a second that the warning reckons with: a good mobile connection of 10 Mbit/s."""


@dataclass(frozen=True, slots=True)
class Sample:
    """Token plans that schemes are compared on: the queries are searched for among the documents."""

    queries: list[ReferencePlan]
    documents: list[ReferencePlan]


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
    """

    scheme: Scheme
    options: dict[str, object]
    size: int
    parity: Parity
    rank_agreement: float
    passed: bool

    def describe(self) -> str:
        """Return the figures that the gate looks at, on one line."""
        return (
            f"{self.scheme}: mean cosine {self.parity.mean:.4f}, "
            f"1st percentile {self.parity.percentile_1:.4f}, lowest {self.parity.lowest:.4f}, "
            f"rank agreement {self.rank_agreement:.3f}, {self.size / 1e6:.1f} MB"
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
        options = quantize(fp32, target, scheme)
        attempts.append(measure_attempt(target, scheme, options, sample, expected))
        if attempts[-1].passed:
            return attempts
    target.unlink()
    raise ModelError.expected(
        f"--quantize {asked}",
        f"a mean cosine of at least {LOWEST_MEAN_COSINE} to the torch encoder, {LOWEST_PERCENTILE_1} for the "
        f"1st percentile, and a rank agreement of {LOWEST_RANK_AGREEMENT}",
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
    agreement = rank_agreement(expected.scores, score_all(queries, documents))
    return Attempt(
        scheme, options, graph.stat().st_size, parity, agreement, passed=passes_gate(parity, agreement)
    )


def passes_gate(parity: Parity, agreement: float) -> bool:
    """Say whether figures are good enough; figures that are no numbers are not."""
    return (
        parity.mean >= LOWEST_MEAN_COSINE
        and parity.percentile_1 >= LOWEST_PERCENTILE_1
        and agreement >= LOWEST_RANK_AGREEMENT
    )


def warn_of_size(size: int) -> str | None:
    """Return a warning where visitors download more than 100 MB for a graph of ``size`` bytes."""
    if size <= LARGE_MODEL:
        return None
    return (
        f"the model has {size / 1e6:.0f} MB, and every visitor downloads it before the first semantic "
        f"search: {size / DOWNLOAD_RATE / 60:.0f} minutes at 10 Mbit/s. "
        "Phones may not have the memory to run it. Prefer a smaller checkpoint, or --quantize int8+emb4."
    )
