"""Compare ways to quantise one graph: size, parity, rank agreement, nDCG@10 and speed.

::

    python -m latefind_export.schemes --fp32 fp32.onnx --bundle DIR --text passages.jsonl.zst --eval BEIR_DIR

The fp32 graph is what ``latefind_export.minilm --fp32`` writes. Each ``--eval`` is a folder in BEIR format.
"""

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from latefind.errors import LatefindError
from latefind.model import Model, TokenPlan
from latefind_export.extra import require_export_extra
from latefind_export.parity import OnnxEncoder, compare
from latefind_export.texts import sample_passages

TOP = 10
"""Results that rank agreement and nDCG look at."""

PASSAGES = 200
"""Passages that parity and speed are measured on."""


@dataclass(frozen=True, slots=True)
class EvalSet:
    """One collection: plans of documents and queries, and gains (queries, documents)."""

    name: str
    documents: list[TokenPlan]
    queries: list[TokenPlan]
    gains: npt.NDArray[np.float64]


def main(arguments: Sequence[str] | None = None) -> int:
    """Print one JSON object a scheme; return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m latefind_export.schemes", description=__doc__)
    parser.add_argument("--fp32", type=Path, required=True, help="the unquantised graph")
    parser.add_argument("--bundle", type=Path, required=True, help="bundle with tokenizer and settings")
    parser.add_argument("--text", type=Path, required=True, help="passages for parity")
    parser.add_argument("--eval", type=Path, action="append", default=[], help="BEIR folder; may be repeated")
    options = parser.parse_args(arguments)
    try:
        require_export_extra()
        for row in compare_schemes(options.fp32, options.bundle, options.text, options.eval):
            print(json.dumps(row), flush=True)
    except LatefindError as error:
        print(f"error: {error}", file=sys.stderr)
        return error.exit_code
    return 0


def compare_schemes(
    fp32: Path, bundle: Path, text: Path, folders: Sequence[Path]
) -> Iterator[dict[str, object]]:
    """Yield the figures of each scheme, the unquantised graph first."""
    from latefind_export.quantize import Int8Options, quantize_int8

    model = Model.from_bytes(
        (bundle / "latefind.json").read_bytes(), (bundle / "tokenizer.json").read_bytes()
    )
    # The head was found on the passages with the smallest hashes; the last ones of a larger sample are new.
    passages = [model.plan_document(item) for item in sample_passages(text, 4000 + PASSAGES)[-PASSAGES:]]
    sets = [read_eval_set(model, folder) for folder in folders]
    exact = OnnxEncoder(fp32, threads=1)
    expected = [exact.encode(plan) for plan in passages]
    ranks = [score_all(exact, one) for one in sets]
    schemes = [
        Int8Options(signed, per_channel, reduce_range, fp32=kept)
        for kept in ((), ("head",))
        for signed in (True, False)
        for per_channel in (True, False)
        for reduce_range in (False, True)
    ]
    with tempfile.TemporaryDirectory() as scratch:
        for scheme in (None, *schemes):
            graph = fp32 if scheme is None else Path(scratch) / "int8.onnx"
            if scheme is not None:
                quantize_int8(fp32, graph, scheme)
            onnx = OnnxEncoder(graph, threads=1)
            start = time.process_time()
            got = [onnx.encode(plan) for plan in passages]
            parity = compare(expected, got)
            yield {
                "scheme": "fp32" if scheme is None else scheme.describe(),
                "megabytes": round(graph.stat().st_size / 1e6, 2),
                **asdict(parity),
                "tokens_per_cpu_second": round(parity.tokens / (time.process_time() - start)),
                "eval": {
                    one.name: compare_ranks(base, score_all(onnx, one), one.gains)
                    for one, base in zip(sets, ranks, strict=True)
                },
            }


def read_eval_set(model: Model, folder: Path) -> EvalSet:
    """Read a BEIR folder and plan its texts: documents are title and text, joined by a full stop."""
    corpus, queries = (
        [json.loads(line) for line in (folder / name).read_text(encoding="utf-8").splitlines()]
        for name in ("corpus.jsonl", "queries.jsonl")
    )
    rows = {query["_id"]: row for row, query in enumerate(queries)}
    columns = {document["_id"]: column for column, document in enumerate(corpus)}
    gains = np.zeros((len(queries), len(corpus)))
    for line in (folder / "qrels.tsv").read_text(encoding="utf-8").splitlines()[1:]:
        query, document, grade = line.split("\t")
        gains[rows[query], columns[document]] = 2 ** int(grade) - 1
    texts = [". ".join(filter(None, (item.get("title", ""), item["text"]))) for item in corpus]
    return EvalSet(
        folder.name,
        [model.plan_document(text) for text in texts],
        [model.plan_query(item["text"]) for item in queries],
        gains,
    )


def score_all(graph: OnnxEncoder, one: EvalSet) -> npt.NDArray[np.float32]:
    """Return exact MaxSim scores (queries, documents)."""
    kept = [graph.encode(plan)[plan.scored] for plan in one.documents]
    starts = np.cumsum([0, *(len(vectors) for vectors in kept[:-1])])
    vectors = np.concatenate(kept)  # (tokens, dimensions)
    rows = []
    for plan in one.queries:
        similarity = graph.encode(plan)[plan.scored] @ vectors.T  # (query tokens, tokens)
        rows.append(np.maximum.reduceat(similarity, starts, axis=1).sum(axis=0))
    return np.stack(rows)


def compare_ranks(
    expected: npt.NDArray[np.float32], got: npt.NDArray[np.float32], gains: npt.NDArray[np.float64]
) -> dict[str, float]:
    """Return nDCG@10 of ``got``, and how often its first and its ten first are those of ``expected``."""
    one, other = (np.argsort(-scores, axis=1, kind="stable")[:, :TOP] for scores in (expected, got))
    discounts = 1 / np.log2(np.arange(2, other.shape[1] + 2))
    found = (np.take_along_axis(gains, other, axis=1) * discounts).sum(axis=1)
    ideal = (-np.sort(-gains, axis=1)[:, : len(discounts)] * discounts).sum(axis=1)
    shared = [np.intersect1d(a, b).size / len(a) for a, b in zip(one, other, strict=True)]
    return {
        "ndcg_10": round(float(np.mean(found / np.maximum(ideal, 1e-9))), 4),
        "same_first": round(float((one[:, 0] == other[:, 0]).mean()), 4),
        "shared_10": round(float(np.mean(shared)), 4),
    }


if __name__ == "__main__":
    sys.exit(main())
