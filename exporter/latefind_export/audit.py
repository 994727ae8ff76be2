"""Whether queries are expanded, where the checkpoint does not say: measure both, keep the better one.

PyLate wrote ``do_query_expansion`` only from 1.3.0 on, and takes a checkpoint without it to expand. A model
that was trained without expansion loses .09 to .16 of nDCG@10 when it is loaded with it, and the shipped
all-MiniLM, which was never trained for it, .10 on the built-in set. So "on" stays unless "off" is better by
more than chance *and* by more than could matter: then the checkpoint was trained without.

Chance is ruled out with the paired randomisation test (Smucker, Allan and Carterette, "A comparison of
statistical significance tests for information retrieval evaluation", 2007): were the two settings alike, the
sign of each query's difference would be a coin's toss.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from tokenizers import Tokenizer

from latefind_build.exact import score_passages
from latefind_build.metrics import ndcg
from latefind_build.progress import progress
from latefind_export.devset import DevSet
from latefind_export.plans import Kind, ReferencePlan, plan
from latefind_export.settings import Settings

DEPTH = 10
"""nDCG@10: the results that a visitor sees."""

SMALLEST_LOSS = 0.03
"""Of nDCG@10: a third of the smallest loss seen with the wrong setting. Below it the default stays, which is
what every other program computes of the same checkpoint."""

HIGHEST_P = 0.05
"""Above it the difference may be chance."""

TOSSES = 10_000
"""Random signs for every query; p is known to .004 at .05."""

SEED = 20_070

Encode = Callable[[ReferencePlan], npt.NDArray[np.float32]]
"""From a plan to its embeddings, float32 (length, dimensions)."""


@dataclass(frozen=True, slots=True)
class ExpansionAudit:
    """nDCG@10 by exact MaxSim with query expansion and without.

    Attributes
    ----------
    p : float
        How likely so large a difference of means is where the settings are alike, 0 to 1.
    devset : str
        Name of what was measured on.
    chosen : bool
        Whether queries are expanded.
    """

    on: float
    off: float
    p: float
    queries: int
    documents: int
    devset: str
    chosen: bool

    def describe(self) -> dict[str, object]:
        """Return the entry of ``latefind.json``."""
        return {
            "measure": f"nDCG@{DEPTH}",
            "on": round(self.on, 4),
            "off": round(self.off, 4),
            "p": round(self.p, 4),
            "queries": self.queries,
            "documents": self.documents,
            "devset": self.devset,
            "chosen": "on" if self.chosen else "off",
        }


def audit_expansion(
    on: Settings, off: Settings, tokenizer: Tokenizer, encode: Encode, devset: DevSet
) -> ExpansionAudit:
    """Measure two settings that differ by expansion alone, and choose.

    The documents do not depend on it and are encoded once. Memory grows with queries × documents, and not
    with their tokens, but for those of the queries.
    """

    def embed(settings: Settings, kind: Kind, text: str) -> npt.NDArray[np.float32]:
        made = plan(tokenizer, settings, kind, text)
        embeddings: npt.NDArray[np.float32] = encode(made)[np.array(made.scored, bool)]
        return embeddings

    queries = [embed(settings, "query", text) for settings in (on, off) for text in devset.queries.values()]
    documents = (embed(on, "document", text) for text in devset.documents.values())
    total = len(devset.documents)
    scores = score_passages(queries, progress(documents, total, "Encoding", "passages"), total)
    values_on, values_off = (judge(half, devset) for half in np.split(scores, 2))
    p = randomisation_test(values_on - values_off)
    return ExpansionAudit(
        on=float(values_on.mean()),
        off=float(values_off.mean()),
        p=p,
        queries=len(devset.queries),
        documents=total,
        devset=devset.name,
        chosen=keep_expansion(float(values_on.mean() - values_off.mean()), p),
    )


def keep_expansion(gain: float, p: float) -> bool:
    """Return whether to expand, from what expansion gains on average and how likely that is by chance."""
    return not (gain <= -SMALLEST_LOSS and p < HIGHEST_P)


def judge(scores: npt.NDArray[np.float32], devset: DevSet) -> npt.NDArray[np.float64]:
    """Return the nDCG@10 of each query, float64 (queries,), from scores (queries, documents).

    Ties are in the order of the documents.
    """
    ids = list(devset.documents)
    order = np.argsort(-scores, axis=1, kind="stable")[:, :DEPTH]
    return np.array(
        [_judge_one(ids, row, devset.judged[query]) for query, row in zip(devset.queries, order, strict=True)]
    )


def _judge_one(ids: Sequence[str], row: npt.NDArray[np.intp], judged: Mapping[str, int]) -> float:
    return ndcg([ids[number] for number in row], judged, DEPTH)


def randomisation_test(differences: npt.NDArray[np.float64]) -> float:
    """Return the two-sided p of ``differences`` (queries,) having a mean of zero.

    The same differences give the same p. 1 where all are zero.
    """
    differences = differences[differences != 0]
    observed = abs(differences.sum())
    random = np.random.default_rng(SEED)
    extreme = 0
    for _ in range(TOSSES // 100):
        signs = random.integers(0, 2, (100, len(differences))) * 2 - 1  # (tosses, queries)
        extreme += int((np.abs(signs @ differences) >= observed * (1 - 1e-9)).sum())
    return (1 + extreme) / (1 + TOSSES)
