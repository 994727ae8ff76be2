"""Measure a model on the held out sources while it trains, with sentence-transformers' own evaluator."""

from collections.abc import Mapping, Sequence
from functools import partial
from statistics import fmean
from typing import Any

from latefind_train.holdout import Task

MEAN, MEAN_CROSS = "mean", "mean across languages"


def measure(
    model: Any, tasks: Mapping[str, Task], widths: Sequence[int] = (), batch: int = 64
) -> dict[str, float]:
    """Return nDCG@10 by task, their means, and the same by shorter embeddings as "<task> @<width>"."""
    from sentence_transformers.multi_vector_encoder.evaluation import MultiVectorInformationRetrievalEvaluator

    scorers = {"all": partial(_score, width=None)}
    scorers |= {str(width): partial(_score, width=width) for width in widths}
    found: dict[str, float] = {}
    for name, task in tasks.items():
        evaluator = MultiVectorInformationRetrievalEvaluator(
            queries=task.queries,
            corpus=task.documents,
            relevant_docs={query: set(own) for query, own in task.relevant.items()},
            score_functions=scorers,
            batch_size=batch,
            ndcg_at_k=[10],
            accuracy_at_k=[1],
            precision_recall_at_k=[1],
            mrr_at_k=[10],
            map_at_k=[10],
            write_csv=False,
            show_progress_bar=False,
        )
        scores = evaluator(model)
        for scorer in scorers:
            suffix = "" if scorer == "all" else f" @{scorer}"
            found[name + suffix] = scores[f"{scorer}_ndcg@10"]
    for suffix in ["", *(f" @{width}" for width in widths)]:
        own = [found[name + suffix] for name in tasks if "-" not in name]
        cross = [found[name + suffix] for name in tasks if "-" in name]
        found[MEAN + suffix] = fmean(own) if own else 0.0
        found[MEAN_CROSS + suffix] = fmean(cross) if cross else 0.0
    return found


def _score(queries: Any, documents: Any, width: int | None) -> Any:
    """Return MaxSim by the first ``width`` dimensions at unit length, or by all."""
    import torch
    import torch.nn.functional as functional
    from sentence_transformers.util import maxsim

    if width is not None:
        queries = functional.normalize(queries[..., :width], dim=-1)
        documents = [functional.normalize(torch.as_tensor(rows)[:, :width], dim=-1) for rows in documents]
    return maxsim(queries, documents)


def shorten(tasks: Mapping[str, Task], count: int, queries: int, documents: int) -> dict[str, Task]:
    """Return the first ``count`` tasks with fewer queries and documents, for machines without a GPU."""
    found = {}
    for name, task in list(tasks.items())[:count]:
        asked = list(task.queries)[:queries]
        wanted = {document for query in asked for document in task.relevant[query]}
        others = [document for document in task.documents if document not in wanted]
        kept = [*wanted, *others[: max(0, documents - len(wanted))]]
        found[name] = Task(
            {document: task.documents[document] for document in sorted(kept)},
            {query: task.queries[query] for query in asked},
            {query: task.relevant[query] for query in asked},
        )
    return found
