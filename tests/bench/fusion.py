"""How to fuse BM25 and MaxSim: every rule that was considered, on every set, with its weight left to chance.

``python tests/bench/fusion.py --texts FOLDER --scores FOLDER`` prints Markdown. It needs ``pip install bm25s
PyStemmer``, and in ``--scores`` for each set a file ``<set>.npz`` with the exact MaxSim of all queries with
all documents: ``scores``, shape (queries, documents), in the order of ``queries.jsonl`` and ``corpus.jsonl``.

A rule's weight is chosen twice: on all sets, and for each set on all the others (*left out*), which shows
whether the choice is more than a memory of these sets.
"""

import argparse
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean

import bm25s
import numpy as np
import numpy.typing as npt
import Stemmer
from texts import default_folder

from latefind.fusion import CANDIDATES, DOUBT, fuse
from latefind_build.judgements import Question, join_questions, read_judgements, read_queries
from latefind_build.metrics import ndcg

STEMMERS = {
    "de": "german",
    "en": "english",
    "es": "spanish",
    "fr": "french",
    "it": "italian",
    "nl": "dutch",
    "pt": "portuguese",
}

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Asked:
    """A question of a set with its candidates: the union of both signals' first hundred."""

    question: Question
    ids: Sequence[str]
    lexical: Floats
    semantic: Floats

    def measure(self, scores: Floats) -> float:
        """Return nDCG@10 of the order by ``scores``."""
        order = np.argsort(-scores, kind="stable")[:10]
        return ndcg([self.ids[number] for number in order], self.question.judged, 10)


Rule = Callable[[Asked, float], Floats]


def by_best(scores: Floats) -> Floats:
    return scores / max(float(scores.max(initial=0)), 1e-9)


def by_doubted_best(scores: Floats) -> Floats:
    return scores / (float(scores.max(initial=0)) + DOUBT)


def by_range(scores: Floats) -> Floats:
    """Of the first hundred: the last becomes 0, the first 1."""
    first = np.sort(scores)[::-1][:CANDIDATES]
    return (scores - first[-1]) / max(float(first[0] - first[-1]), 1e-9)


def by_deviation(scores: Floats) -> Floats:
    return (scores - scores.mean()) / max(float(scores.std()), 1e-9)


def by_rank(scores: Floats, k: int) -> Floats:
    ranks = np.argsort(np.argsort(-scores, kind="stable"), kind="stable")
    return np.where(scores > 0, 1 / (k + 1 + ranks), 0)


def linear(lexical: Callable[[Floats], Floats], semantic: Callable[[Floats], Floats]) -> Rule:
    return lambda asked, w: (1 - w) * lexical(asked.lexical) + w * semantic(asked.semantic)


RULES: Mapping[str, Rule] = {
    "ranks, k = 10": linear(lambda s: by_rank(s, 10), lambda s: by_rank(s, 10)),
    "ranks, k = 60": linear(lambda s: by_rank(s, 60), lambda s: by_rank(s, 60)),
    "both by deviation (z-scores)": linear(by_deviation, by_deviation),
    "BM25 by its best, MaxSim from the 100th to the first": linear(by_best, by_range),
    "both from the 100th to the first": linear(by_range, by_range),
    "both by their best": linear(by_best, by_best),
    "both by their best, BM25 doubted": linear(by_doubted_best, by_best),
}

WEIGHTS = [0.3, 0.4, 0.5, 0.6, 0.65, 0.7, 0.74, 0.78, 0.8, 0.82, 0.85, 0.9]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--texts", type=Path, default=default_folder(), help="sets in BEIR's format")
    parser.add_argument("--scores", type=Path, required=True, help="folder of <set>.npz")
    options = parser.parse_args()
    if options.texts is None:
        parser.error("--texts: expected a folder of sets, got none")
    names = sorted(path.parent.name for path in options.texts.glob("*/corpus.jsonl"))
    sets = {name: read_set(options.texts / name, options.scores / f"{name}.npz") for name in names}
    signals = {
        "BM25": measure(sets, lambda asked: asked.lexical),
        "MaxSim": measure(sets, lambda asked: asked.semantic),
    }
    better = {name: max(found[name] for found in signals.values()) for name in names}
    single = max(signals.values(), key=lambda found: fmean(found.values()))
    print(
        "| rule | weight | mean | above the better signal | left out | worst set |\n|---|--:|--:|--:|--:|---|"
    )
    for name, rule in RULES.items():
        tried = {w: measure(sets, lambda asked, w=w, rule=rule: rule(asked, w)) for w in WEIGHTS}
        weight = max(WEIGHTS, key=lambda w: fmean(tried[w].values()))
        gain = fmean(tried[weight].values()) - fmean(single.values())
        row = [name, f"{weight}", f"{fmean(tried[weight].values()):.4f}", f"{gain:+.4f}"]
        print("| " + " | ".join([*row, f"{leave_out(tried):.4f}", worst(tried[weight], better)]) + " |")
    print_sets(sets, signals | {"fused": measure(sets, fused)})


def read_set(folder: Path, scores: Path) -> list[Asked]:
    """Score a set by BM25, as ``README.md`` of the sets has it, and read its MaxSim."""
    with (folder / "corpus.jsonl").open(encoding="utf-8") as file:
        documents = [json.loads(line) for line in file]
    queries = read_queries(folder / "queries.jsonl")
    questions = {q.id: q for q in join_questions(queries, read_judgements(folder / "qrels.tsv"))}
    stemmer = Stemmer.Stemmer(STEMMERS[documents[0].get("lang", "en")[:2]])
    texts = [f"{document.get('title', '')} . {document['text']}" for document in documents]
    tokens = bm25s.tokenize(texts, stopwords=None, stemmer=stemmer, show_progress=False)
    index = bm25s.BM25(method="lucene", k1=1.2, b=0.75)
    index.index(tokens, show_progress=False)
    asked = bm25s.tokenize(
        list(queries.values()), stopwords=None, stemmer=stemmer, show_progress=False, return_ids=False
    )
    semantic = np.load(scores)["scores"].astype(np.float64)
    found = []
    for number, (name, words) in enumerate(zip(queries, asked, strict=True)):
        known = [word for word in words if word in tokens.vocab]
        if name in questions:
            lexical = index.get_scores(known).astype(np.float64) if known else np.zeros(len(documents))
            found.append(join(questions[name], documents, lexical, semantic[number]))
    return found


def join(question: Question, documents: Sequence[dict[str, str]], lexical: Floats, semantic: Floats) -> Asked:
    best = np.argsort(-lexical, kind="stable")[:CANDIDATES]
    best = best[lexical[best] > 0]
    numbers = np.union1d(best, np.argsort(-semantic, kind="stable")[:CANDIDATES])
    # As in the page: of what only MaxSim found, the words say nothing.
    own = np.where(np.isin(numbers, best), lexical[numbers], 0)
    return Asked(question, [documents[number]["_id"] for number in numbers], own, semantic[numbers])


def measure(sets: Mapping[str, Sequence[Asked]], score: Callable[[Asked], Floats]) -> dict[str, float]:
    return {name: fmean(asked.measure(score(asked)) for asked in rows) for name, rows in sets.items()}


def fused(asked: Asked) -> Floats:
    """Score by what is shipped, which reads the query too."""
    numbers = np.arange(len(asked.ids))
    found = fuse(asked.question.text, numbers, np.float32(asked.lexical), np.float32(asked.semantic))
    scores = np.zeros(len(asked.ids))
    scores[found.numbers] = found.scores
    return scores


def leave_out(tried: Mapping[float, Mapping[str, float]]) -> float:
    """Return the mean over sets, each with the weight that is best for all the others."""
    names = list(next(iter(tried.values())))
    return fmean(
        tried[max(tried, key=lambda w, n=name: sum(v for k, v in tried[w].items() if k != n))][name]
        for name in names
    )


def worst(found: Mapping[str, float], better: Mapping[str, float]) -> str:
    name = min(found, key=lambda key: found[key] - better[key])
    return f"{name} {found[name] - better[name]:+.4f}"


def print_sets(sets: Mapping[str, Sequence[Asked]], found: Mapping[str, Mapping[str, float]]) -> None:
    print("\n| set | BM25 | MaxSim | fused |\n|---|--:|--:|--:|")
    groups = {language: [name for name in sets if language_of(name) == language] for language in STEMMERS}
    rows = {name: [name] for name in sets}
    rows |= {f"**{language}**, mean": names for language, names in groups.items()}
    rows["**all**, mean"] = list(sets)
    for label, names in rows.items():
        values = [f"{fmean(column[name] for name in names):.3f}" for column in found.values()]
        print(f"| {label} | " + " | ".join(values) + " |")


def language_of(name: str) -> str:
    last = name.rsplit("-", 1)[-1]
    return last if last in STEMMERS else "en"


if __name__ == "__main__":
    main()
