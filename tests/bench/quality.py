"""What compression costs in quality: every set of a folder, the index beside exact MaxSim of its own model.

``python tests/bench/quality.py --texts FOLDER`` prints a Markdown table. Embeddings and exact rankings are
kept in the work folder, so that another ``--build-options`` encodes nothing again. The exact vectors are
float16 out of that cache; scores differ from float32 in the fourth digit.
"""

import argparse
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean

import numpy as np
from indexes import describe, run_build
from texts import default_folder

from latefind_build.bundle import ModelBundle, open_bundle
from latefind_build.cache import EmbeddingCache, cache_file, encode_cached
from latefind_build.encode import Encoder, default_jobs
from latefind_build.evaluate import DEPTH, Agreement, Scores, compare, measure
from latefind_build.exact import plan_contents, rank_exactly, read_contents
from latefind_build.judgements import Question, join_questions, read_judgements, read_queries
from latefind_build.native import NativeSearch
from latefind_build.progress import progress, say


@dataclass(frozen=True)
class Line:
    """One set's figures."""

    name: str
    exact: Scores
    index: Scores
    kept: Agreement
    vector: float  # bytes
    passage: float  # bytes


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--texts", type=Path, default=default_folder(), help="folder of sets in BEIR's format"
    )
    parser.add_argument("--sets", help="only these, separated by commas")
    parser.add_argument("--model", type=Path, help="model bundle; without it, the one we ship")
    parser.add_argument("--work", type=Path, default=Path.home() / ".cache" / "latefind-bench")
    parser.add_argument("--build-options", default="", help="passed on to `latefind build`, as in '--pool 1'")
    options = parser.parse_args()
    if options.texts is None:
        parser.error("--texts: expected a folder of sets, got none")
    names = sorted(path.parent.name for path in options.texts.glob("*/corpus.jsonl"))
    if options.sets:
        names = [name for name in names if name in options.sets.split(",")]
    work = options.work.resolve()
    work.mkdir(parents=True, exist_ok=True)
    model = open_bundle(options.model)
    lines = []
    for name in names:
        lines.append(measure_set(options.texts / name, work, model, options.build_options.split()))
        say(format_line(lines[-1]))
    print(format_table(lines))


def measure_set(folder: Path, work: Path, model: ModelBundle, options: list[str]) -> Line:
    """Build the index of one set, and rank by it and exactly."""
    target = work / "quality"
    run_build(folder / "corpus.jsonl", target, work / "cache", options)
    native = NativeSearch(target)
    questions = join_questions(read_queries(folder / "queries.jsonl"), read_judgements(folder / "qrels.tsv"))
    rankings = [[r.section.id for r in native.search(q.text, DEPTH).results] for q in questions]
    exact = load_exact(folder.name, work, model, native, questions)
    sizes = describe(target)
    return Line(
        name=folder.name,
        exact=measure(exact, questions),
        index=measure(rankings, questions),
        kept=compare(rankings, exact, questions),
        vector=sizes["vector_bytes"] / sizes["vectors"],
        passage=sizes["index_bytes"] / sizes["passages"],
    )


def load_exact(
    name: str, work: Path, model: ModelBundle, native: NativeSearch, questions: Sequence[Question]
) -> list[list[str]]:
    """Return the exact rankings, from the work folder where an earlier run left them."""
    cached = cache_file(work / "cache", model.settings)
    kept = work / f"exact-{name}-{cached.stem.split('-')[-1]}.json"
    if kept.is_file():
        rankings: dict[str, list[str]] = json.loads(kept.read_text("utf-8"))
        if list(rankings) == [question.id for question in questions]:
            return list(rankings.values())
    contents = read_contents(native)
    queries = [native.encode(question.text) for question in questions]
    with EmbeddingCache(cached, model.spec.dimensions) as cache:
        plans = plan_contents(native, contents)
        found = encode_cached(Encoder(model.onnx), plans, default_jobs(), cache)
        vectors = (embeddings.astype(np.float32) for embeddings in found)
        shown = progress(vectors, len(contents.passages), "Scoring", "passages")
        ranked = rank_exactly(contents, shown, queries, DEPTH)
    kept.write_text(json.dumps(dict(zip([q.id for q in questions], ranked, strict=True))), "utf-8")
    return ranked


def format_line(line: Line) -> str:
    cells = [
        line.name,
        f"{line.exact.ndcg_10:.4f}",
        f"{line.index.ndcg_10:.4f}",
        f"{line.kept.ndcg_10:.1%}",
        f"{line.exact.recall_100:.4f}",
        f"{line.kept.recall_100:.1%}",
        f"{line.kept.overlap_10:.1%}",
        f"{line.vector:.1f}",
        f"{line.passage:,.0f}",
    ]
    return "| " + " | ".join(cells) + " |"


def format_table(lines: Sequence[Line]) -> str:
    """Return the table with a mean row, whose ratios are of the means, and the worst ratio of any set."""
    head = (
        "| set | exact nDCG@10 | index nDCG@10 | kept | exact Recall@100 | kept | same first 10 "
        "| bytes a vector | bytes a passage |\n|---" + "|--:" * 8 + "|"
    )
    exact, index = (mean_scores([getattr(line, kind) for line in lines]) for kind in ("exact", "index"))
    kept = Agreement(
        index.ndcg_10 / exact.ndcg_10,
        index.recall_100 / exact.recall_100,
        index.mrr_10 / exact.mrr_10,
        fmean(line.kept.overlap_10 for line in lines),
        fmean(line.kept.overlap_100 for line in lines),
    )
    mean = Line(
        "**mean**",
        exact,
        index,
        kept,
        fmean(line.vector for line in lines),
        fmean(line.passage for line in lines),
    )
    worst = min(lines, key=lambda line: line.kept.ndcg_10)
    return "\n".join(
        [
            head,
            *map(format_line, lines),
            format_line(mean),
            f"\nWorst set: {worst.name}, {worst.kept.ndcg_10:.1%} of exact nDCG@10; "
            f"first 100 shared: {kept.overlap_100:.1%}.",
        ]
    )


def mean_scores(scores: Sequence[Scores]) -> Scores:
    return Scores(
        fmean(s.ndcg_10 for s in scores), fmean(s.recall_100 for s in scores), fmean(s.mrr_10 for s in scores)
    )


if __name__ == "__main__":
    main()
