"""Compare ways to quantise one graph: size, parity, rank agreement, nDCG@10 and speed.

::

    python -m latefind_export.schemes --fp32 fp32.onnx --bundle DIR --text passages.jsonl.zst --eval BEIR_DIR

The fp32 graph is the ``model.onnx`` of a bundle that ``latefind export --quantize none`` wrote. Each
``--eval`` is a folder in BEIR format. ``--int8-variants`` also compares what int8 can be made of.
"""

import argparse
import functools
import itertools
import json
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from latefind.errors import LatefindError
from latefind.model import Model, TokenPlan
from latefind_export.extra import require_export_extra
from latefind_export.parity import OnnxEncoder, compare, rank_agreement, score_all, top_documents
from latefind_export.texts import sample_passages

Quantizer = Callable[[Path, Path], dict[str, object]]
"""Writes the second graph from the first, which is fp32, and returns how."""

PASSAGES = 200
"""Passages that parity and speed are measured on."""

CALIBRATION = 600
"""Passages that coarse grids are rounded for."""


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
    parser.add_argument("--int8-variants", action="store_true", help="compare block sizes and int8 options")
    options = parser.parse_args(arguments)
    try:
        require_export_extra()
        for row in compare_schemes(
            options.fp32, options.bundle, options.text, options.eval, options.int8_variants
        ):
            print(json.dumps(row), flush=True)
    except LatefindError as error:
        print(f"error: {error}", file=sys.stderr)
        return error.exit_code
    return 0


def compare_schemes(
    fp32: Path, bundle: Path, text: Path, folders: Sequence[Path], int8_variants: bool = False
) -> Iterator[dict[str, object]]:
    """Yield the figures of each scheme, the unquantised graph first."""
    from latefind_export.figures import measure_sizes

    model = Model.from_bytes(
        (bundle / "latefind.json").read_bytes(), (bundle / "tokenizer.json").read_bytes()
    )
    # A head found on passages was found on those with the smallest hashes; the last ones of a larger sample
    # are new.
    texts = sample_passages(text, 4000 + PASSAGES)
    passages = [model.plan_document(item) for item in texts[-PASSAGES:]]
    calibration = [model.plan_document(item) for item in texts[:-PASSAGES][:CALIBRATION]]
    sets = [read_eval_set(model, folder) for folder in folders]
    exact = OnnxEncoder(fp32, threads=1)
    expected = [exact.encode_scored(plan) for plan in passages]
    ranks = [score_set(exact, one) for one in sets]
    with tempfile.TemporaryDirectory() as scratch:
        for quantize in list_schemes(int8_variants, calibration):
            graph = Path(scratch) / "model.onnx"
            described = quantize(fp32, graph)
            onnx = OnnxEncoder(graph, threads=1)
            start = time.process_time()
            got = [onnx.encode_scored(plan) for plan in passages]
            tokens = sum(len(plan.ids) for plan in passages)
            speed = tokens / (time.process_time() - start)
            size = measure_sizes(graph)
            yield {
                "scheme": described,
                "megabytes": round(size.raw / 1e6, 2),
                "gzip_megabytes": round(size.gzip / 1e6, 2),
                "brotli_megabytes": round(size.brotli / 1e6, 2),
                **asdict(compare(expected, got)),
                "tokens_per_cpu_second": round(speed),
                "eval": {
                    one.name: compare_ranks(base, score_set(onnx, one), one.gains)
                    for one, base in zip(sets, ranks, strict=True)
                },
            }


def list_schemes(int8_variants: bool, calibration: Sequence[TokenPlan]) -> Iterator[Quantizer]:
    """Yield the schemes that a bundle can have, fp32 first, and what else int8 and 4 bits could be."""
    from latefind_export.quantize import SCHEMES, Int8Options, quantize, quantize_int8

    def by_options(options: Int8Options) -> Quantizer:
        def run(source: Path, target: Path) -> dict[str, object]:
            quantize_int8(source, target, options)
            return options.describe()

        return run

    for scheme in reversed(SCHEMES):
        yield functools.partial(quantize, scheme=scheme, calibration=calibration)
    if not int8_variants:
        return
    for block in (16, 64, 128):
        yield by_options(Int8Options(table_block=block))
    for kept in ((), ("head",)):
        for signed, per_channel, reduce_range in itertools.product((True, False), repeat=3):
            yield by_options(Int8Options(signed, per_channel, reduce_range, fp32=kept))


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


def score_set(graph: OnnxEncoder, one: EvalSet) -> npt.NDArray[np.float32]:
    """Return exact MaxSim scores (queries, documents)."""
    return score_all(
        [graph.encode_scored(plan) for plan in one.queries],
        [graph.encode_scored(plan) for plan in one.documents],
    )


def compare_ranks(
    expected: npt.NDArray[np.float32], got: npt.NDArray[np.float32], gains: npt.NDArray[np.float64]
) -> dict[str, float]:
    """Return nDCG@10 of ``got``, and how often its first and its ten first are those of ``expected``."""
    one, other = top_documents(expected), top_documents(got)
    discounts = 1 / np.log2(np.arange(2, other.shape[1] + 2))
    found = (np.take_along_axis(gains, other, axis=1) * discounts).sum(axis=1)
    ideal = (-np.sort(-gains, axis=1)[:, : len(discounts)] * discounts).sum(axis=1)
    return {
        "ndcg_10": round(float(np.mean(found / np.maximum(ideal, 1e-9))), 4),
        "same_first": round(float((one[:, 0] == other[:, 0]).mean()), 4),
        "shared_10": round(rank_agreement(expected, got), 4),
    }


if __name__ == "__main__":
    sys.exit(main())
