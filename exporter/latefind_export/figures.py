"""The figures of one export, and how those that nobody else measures are measured: shapes, sizes, speed.

:mod:`latefind_export.report` lays them out.
"""

import platform
import statistics
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Any, Literal

import brotli
import onnxruntime

import latefind
from latefind_build.model_file import pack_model
from latefind_export import bundle
from latefind_export.audit import ExpansionAudit
from latefind_export.checkpoint import Checkpoint, DenseLayer, Layout
from latefind_export.encoders import longest_input
from latefind_export.gate import Attempt
from latefind_export.parity import OnnxEncoder
from latefind_export.plans import ReferencePlan
from latefind_export.settings import Settings

BROTLI_QUALITY = 5
"""Of int8 weights brotli saves what their entropy leaves, whatever the effort: the 23.2 MB of MiniLM become
16.4 MB in 0.7 s at quality 5, 16.5 MB in 18 s at 9 and 16.3 MB in 46 s at 11."""

TIMED_QUERIES = 40
TIMED_ROUNDS = 2
THREADS = 1
"""As in the browser, where a second thread brings nothing at this size."""

PACKAGES = (
    "torch",
    "transformers",
    "tokenizers",
    "optimum-onnx",
    "onnx",
    "onnxruntime",
    "safetensors",
    "numpy",
)
"""Packages that have a say in what a bundle holds."""

DecidedBy = Literal["checkpoint", "option", "audit"]


@dataclass(frozen=True, slots=True)
class Shapes:
    """Of the transformer and the head.

    Attributes
    ----------
    family : str
        ``model_type`` of the transformer's ``config.json``.
    vocabulary : int
        Rows of the word embeddings.
    positions : int or None
        Tokens that it takes; None where it does not say.
    head : tuple of str
        One line for every layer of the Dense chain.
    parameters, word_embeddings : int
        Weights of transformer and head, and how many of them are word embeddings.
    """

    family: str
    vocabulary: int
    hidden: int
    layers: int
    heads: int
    positions: int | None
    head: tuple[str, ...]
    dimensions: int
    parameters: int
    word_embeddings: int


@dataclass(frozen=True, slots=True)
class FileSize:
    """A file that visitors download: bytes as it is, packed as the builder packs models, and by brotli."""

    name: str
    raw: int
    gzip: int
    brotli: int

    def sizes(self) -> tuple[int, int, int]:
        """Return the three."""
        return (self.raw, self.gzip, self.brotli)


@dataclass(frozen=True, slots=True)
class Speed:
    """Median milliseconds of encoding one query, in fp32 and as stored, on ``processor``."""

    fp32: float
    stored: float
    queries: int
    threads: int
    processor: str


@dataclass(frozen=True, slots=True)
class ReportFigures:
    """Everything that ``report.md`` tells.

    Attributes
    ----------
    source : str
        What the user named, see :class:`latefind_export.checkpoint.Checkpoint`.
    expansion_by : str
        Who decided whether queries are expanded; where it was the audit, ``audit`` has its figures.
    attempts : tuple of Attempt
        Schemes that were tried; the last one is that of the bundle.
    sample : tuple of int
        Queries and documents that the attempts were measured on.
    devset : str
        Where these come from.
    fp32_bytes : int
        Size of the graph before quantisation.
    oracle : str
        What computed the golden texts.
    versions : mapping of str to str
        Package to version.
    """

    source: str
    layout: Layout
    shapes: Shapes
    settings: Settings
    expansion_by: DecidedBy
    audit: ExpansionAudit | None
    attempts: tuple[Attempt, ...]
    sample: tuple[int, int]
    devset: str
    fp32_bytes: int
    files: tuple[FileSize, ...]
    speed: Speed
    oracle: str
    versions: Mapping[str, str]


def collect_figures(
    *,
    checkpoint: Checkpoint,
    model: Any,
    settings: Settings,
    expansion_by: DecidedBy,
    audit: ExpansionAudit | None,
    attempts: Sequence[Attempt],
    queries: Sequence[ReferencePlan],
    documents: int,
    devset: str,
    fp32: Path,
    stage: Path,
    oracle: str,
) -> ReportFigures:
    """Measure what is not known yet and return all figures of an export.

    Parameters
    ----------
    model : LateInteractionEncoder
    queries : sequence of ReferencePlan
        Of the dev set, which the attempts were measured on; some of them are timed.
    documents : int
        How many passages the attempts were measured on.
    stage : Path
        Folder with the bundle's graph and tokenizer.
    """
    return ReportFigures(
        source=checkpoint.source,
        layout=checkpoint.layout,
        shapes=describe_shapes(checkpoint, model, settings.dimensions),
        settings=settings,
        expansion_by=expansion_by,
        audit=audit,
        attempts=tuple(attempts),
        sample=(len(queries), documents),
        devset=devset,
        fp32_bytes=fp32.stat().st_size,
        files=tuple(measure_sizes(stage / name) for name in (bundle.MODEL, bundle.TOKENIZER)),
        speed=measure_speed(fp32, stage / bundle.MODEL, queries),
        oracle=oracle,
        versions=find_versions(),
    )


def describe_shapes(checkpoint: Checkpoint, model: Any, dimensions: int) -> Shapes:
    """Return the shapes of a loaded encoder, whose transformer is ``model.backbone``.

    Families name the fields of ``config.json`` differently; transformers knows them all by BERT's names.
    """
    config = model.backbone.config
    words = model.backbone.get_input_embeddings().weight
    return Shapes(
        family=str(config.model_type),
        vocabulary=int(words.shape[0]),
        hidden=int(config.hidden_size),
        layers=int(config.num_hidden_layers),
        heads=int(config.num_attention_heads),
        positions=longest_input(config.to_dict()),
        head=tuple(describe_layer(layer) for layer in checkpoint.dense),
        dimensions=dimensions,
        parameters=sum(int(weight.numel()) for weight in model.parameters()),
        word_embeddings=int(words.numel()),
    )


def describe_layer(layer: DenseLayer) -> str:
    """Return one layer of the head in a line: ``384 → 128, bias, GELU, residual of its own weight``."""
    outputs, inputs = layer.weight.shape
    parts = [f"{inputs} → {outputs}", "no bias" if layer.bias is None else "bias"]
    activation = layer.activation.rpartition(".")[2]
    parts.append("no activation" if activation == "Identity" else activation)
    if layer.residual:
        parts.append("residual" if layer.residual_weight is None else "residual with a weight of its own")
    return ", ".join(parts)


def measure_sizes(path: Path) -> FileSize:
    """Return the sizes of a file."""
    content = path.read_bytes()
    packed = len(pack_model(content))
    return FileSize(path.name, len(content), packed, len(brotli.compress(content, quality=BROTLI_QUALITY)))


def measure_speed(fp32: Path, stored: Path, queries: Sequence[ReferencePlan]) -> Speed:
    """Return how long one query takes in both graphs, alternating, so that both see the same machine.

    At most ``TIMED_QUERIES`` are taken, spread over ``queries``; each is encoded alone, on one thread.
    """
    chosen = queries[:: -(-len(queries) // TIMED_QUERIES)]
    graphs = [OnnxEncoder(path, threads=THREADS) for path in (fp32, stored)]
    for graph in graphs:
        graph.encode(chosen[0])  # the first run sets buffers up
    times: list[list[float]] = [[], []]
    for turn in range(TIMED_ROUNDS):
        order = (0, 1) if turn % 2 == 0 else (1, 0)
        for plan in chosen:
            for number in order:
                times[number].append(_seconds(graphs[number], plan))
    medians = [1000 * statistics.median(found) for found in times]
    return Speed(medians[0], medians[1], len(chosen), THREADS, name_processor())


def _seconds(graph: OnnxEncoder, plan: ReferencePlan) -> float:
    start = time.perf_counter()
    graph.encode(plan)
    return time.perf_counter() - start


def name_processor() -> str:
    """Return the processor's name, or at least its architecture."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        lines = []
    names = (line.partition(":")[2] for line in lines if line.startswith("model name"))
    return " ".join(next(names, "").split()) or platform.processor() or platform.machine()


def find_versions() -> dict[str, str]:
    """Return the versions of Python, latefind and the packages behind a bundle."""
    versions = {"Python": platform.python_version(), "latefind": latefind.__version__}
    for name in PACKAGES:
        try:
            versions[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    versions["onnxruntime"] = onnxruntime.__version__  # its distribution has several names
    return versions
