"""``latefind export``: from a checkpoint to a model bundle, in one pass, all or nothing.

The stages, each in a module of its own::

    locate ─ read ─ tokenizer ─ encoder ─ settings (expansion audited) ─ ONNX ─ golden texts ─
    quantise and gate ─ report
"""

import errno
import shutil
import tempfile
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
from tokenizers import Tokenizer

from latefind.errors import LatefindError, UsageError
from latefind_build.encode import default_jobs
from latefind_build.progress import progress
from latefind_build.settings import CODE_BYTES, DEFAULT_BYTES
from latefind_export import bundle, encoder, golden, head, plans
from latefind_export.audit import ExpansionAudit, audit_expansion, judge
from latefind_export.card import render_card
from latefind_export.checkpoint import Checkpoint, DenseLayer
from latefind_export.devset import DevSet, builtin_devset, read_devset
from latefind_export.figures import DecidedBy, ReportFigures, collect_figures
from latefind_export.gate import Sample, choose_scheme, warn_of_size
from latefind_export.grid import GRIDS
from latefind_export.hub import locate
from latefind_export.onnx_graph import export_onnx
from latefind_export.quantize import Scheme
from latefind_export.read_checkpoint import Overrides, read_checkpoint
from latefind_export.report import render_report
from latefind_export.settings import Settings, render_settings
from latefind_export.texts import sample_passages
from latefind_export.tokenizer_file import prepare_tokenizer, settle

PASSAGES = 4000
"""Passages whose tokens (about 100 each) a PCA head is found on; for MiniLM twice as many change nothing."""

CALIBRATION = 600
"""Passages that coarse grids are rounded for: 50,000 tokens, 30 for each input of MiniLM's widest layers."""

SUBSPACES = DEFAULT_BYTES - CODE_BYTES
"""What the builder divides a vector into, unless told otherwise."""

ROOM = 4
"""Free space that an export asks for, in sizes of the checkpoint: its fp32 graph, the quantised one, and what
the quantiser writes on the way."""


@dataclass(frozen=True, slots=True)
class ExportOptions:
    """The command's arguments; see ``latefind export --help``."""

    checkpoint: str
    output: Path
    overrides: Overrides
    revision: str | None = None
    trust_remote_code: bool = False
    scheme: Scheme = "int8"
    dev: Path | None = None
    dimensions: int | None = None
    text: Path | None = None
    card: Path | None = None


@dataclass(frozen=True, slots=True)
class Exported:
    """What an export made: the bundle's folder and the figures of its report."""

    output: Path
    figures: ReportFigures

    def to_json(self) -> dict[str, object]:
        """Return the folder and the figures as JSON values."""
        return {"output": str(self.output), **asdict(self.figures)}

    def summary(self) -> str:
        """Return what was made in a line or two."""
        settings, chosen = self.figures.settings, self.figures.attempts[-1]
        download = sum(file.gzip for file in self.figures.files)
        return (
            f"{self.output}: {settings.name}, {settings.dimensions} dimensions, {chosen.describe()}\n"
            f"Visitors download {download / 1e6:.1f} MB of it. Figures are in {self.output / bundle.REPORT}."
        )


def export_checkpoint(options: ExportOptions, say: Callable[[str], None]) -> Exported:
    """Write the bundle of a checkpoint to ``options.output``.

    Parameters
    ----------
    say : callable
        Gets one line for every stage, and the warnings.

    Raises
    ------
    UsageError
        Options that do not go together.
    LatefindError
        The checkpoint cannot be read or reproduced, or misses the gate; nothing was written then.
    """
    _check_options(options)
    devset = read_devset(options.dev) if options.dev else builtin_devset()
    location = locate(options.checkpoint, options.revision, options.trust_remote_code)
    say(f"Reading {location.source}")
    checkpoint = read_checkpoint(location, options.overrides, options.trust_remote_code)
    with (
        encoder.one_thread(),
        _room_for(checkpoint, options.output),
        bundle.staged_bundle(options.output) as stage,
    ):
        prepare_tokenizer(checkpoint, stage / bundle.TOKENIZER)
        tokenizer = plans.load_tokenizer(stage / bundle.TOKENIZER)
        if options.dimensions is not None and options.text is not None:
            checkpoint = _reduce(checkpoint, tokenizer, stage, options.dimensions, options.text, say)
        model = encoder.load_encoder(checkpoint)
        settings, audit = _settle(checkpoint, model, tokenizer, stage, devset, say)
        for note in settings.notes:
            say(f"Note: {note}")
        if settings.dimensions % SUBSPACES:
            say(
                f"Warning: latefind build needs a multiple of {SUBSPACES} dimensions, and these are "
                f"{settings.dimensions}; --dimensions reduces them."
            )
        figures = _write_graph(
            options, _Source(checkpoint, model, tokenizer, settings, audit), stage, devset, say
        )
        _write_texts(stage, checkpoint, figures, options)
    return Exported(options.output, figures)


@dataclass(frozen=True, slots=True)
class _Source:
    """A checkpoint that is ready to be exported."""

    checkpoint: Checkpoint
    model: encoder.LateInteractionEncoder
    tokenizer: Tokenizer
    settings: Settings
    audit: ExpansionAudit | None


def _check_options(options: ExportOptions) -> None:
    if options.dimensions is not None and options.text is None:
        raise UsageError.expected(
            "--dimensions",
            "--text FILE, passages to find the axes on",
            "none",
            "Name a JSON Lines file of text.",
        )
    if options.scheme in GRIDS and options.text is None:
        raise UsageError.expected(
            f"--quantize {options.scheme}",
            "--text FILE, passages to round the weights for",
            "none",
            "Name a JSON Lines file of text.",
        )
    if options.text is not None and options.dimensions is None and options.scheme not in GRIDS:
        raise UsageError.expected(
            "--text", "--dimensions N, --quantize int4 or int3 with it", "none", "Say what it is for."
        )
    if options.card is not None and not options.card.is_file():
        raise UsageError.expected(f"--card {options.card}", "a Markdown file", "none", "Check the path.")
    if options.output.exists() and not options.output.is_dir():
        raise UsageError.expected(f"--output {options.output}", "a folder", "a file", "Name another one.")


@contextmanager
def _room_for(checkpoint: Checkpoint, output: Path) -> Iterator[None]:
    """Check that the disk has room, and say what is missing where it runs full all the same.

    Raises
    ------
    LatefindError
        There is too little free space beside ``output``.
    """
    wanted = ROOM * sum(path.stat().st_size for path in checkpoint.folder.glob("*.safetensors"))
    existing = next(folder for folder in output.resolve().parents if folder.is_dir())
    what_to_do = "Free some space, or name an --output on another disk."
    free = shutil.disk_usage(existing).free
    if free < wanted:
        raise LatefindError.expected(
            existing, f"{wanted / 1e6:,.0f} MB of free space", f"{free / 1e6:,.0f} MB", what_to_do
        )
    try:
        yield
    except OSError as error:
        if error.errno != errno.ENOSPC:
            raise
        raise LatefindError.expected(existing, "room for the bundle", "a full disk", what_to_do) from error


def _reduce(
    checkpoint: Checkpoint,
    tokenizer: Tokenizer,
    stage: Path,
    dimensions: int,
    text: Path,
    say: Callable[[str], None],
) -> Checkpoint:
    """Return the checkpoint with one more layer, which keeps the principal axes of its embeddings."""
    model = encoder.load_encoder(checkpoint)
    width = encoder.dimensions_of(model)
    if dimensions > width:
        raise UsageError.expected("--dimensions", f"at most {width}, the checkpoint's own", str(dimensions))
    settings = settle(checkpoint, stage / bundle.TOKENIZER, width, expand=False)
    texts = sample_passages(text, PASSAGES, checkpoint.card.languages)
    say(f"Finding {dimensions} axes on {len(texts):,} passages")

    def embed(passage: str) -> npt.NDArray[np.float32]:
        plan = plans.plan(tokenizer, settings, "document", passage)
        return encoder.encode(model, plan)[plan.scored]

    with ThreadPoolExecutor(default_jobs()) as pool:
        embedded = progress(pool.map(embed, texts), len(texts), "Encoding", "passages")
        moment, count = head.second_moment(embedded)
    axes, energy = head.principal_axes(moment, dimensions)
    say(f"They keep {energy:.1%} of the energy of {count:,} token embeddings")
    return replace(checkpoint, dense=(*checkpoint.dense, DenseLayer(axes)))


def _settle(
    checkpoint: Checkpoint,
    model: encoder.LateInteractionEncoder,
    tokenizer: Tokenizer,
    stage: Path,
    devset: DevSet,
    say: Callable[[str], None],
) -> tuple[Settings, ExpansionAudit | None]:
    """Return the settings; measure whether to expand queries where the checkpoint does not say."""

    def settled(expand: bool) -> Settings:
        return settle(checkpoint, stage / bundle.TOKENIZER, encoder.dimensions_of(model), expand)

    if checkpoint.semantics.expand is not None:
        return settled(checkpoint.semantics.expand), None
    say("The checkpoint does not say whether it expands queries: measuring both")
    on, off = settled(True), settled(False)
    audit = audit_expansion(on, off, tokenizer, lambda plan: encoder.encode(model, plan), devset)
    say(f"nDCG@10 {audit.on:.3f} with, {audit.off:.3f} without: it is {'on' if audit.chosen else 'off'}")
    return (on if audit.chosen else off), audit


def _write_graph(
    options: ExportOptions, source: _Source, stage: Path, devset: DevSet, say: Callable[[str], None]
) -> ReportFigures:
    """Write the graph and the golden texts that it was checked against; return the report's figures."""
    checkpoint, model, tokenizer, settings = (
        source.checkpoint,
        source.model,
        source.tokenizer,
        source.settings,
    )
    sample = Sample(
        queries=[plans.plan(tokenizer, settings, "query", text) for text in devset.queries.values()],
        documents=[plans.plan(tokenizer, settings, "document", text) for text in devset.documents.values()],
        calibration=_plan_calibration(options, tokenizer, settings),
        judge=lambda scores: float(judge(scores, devset).mean()),
    )
    with tempfile.TemporaryDirectory(dir=stage.parent, prefix=f"{stage.name}-") as scratch:
        fp32 = Path(scratch) / "fp32.onnx"
        say("Writing the graph in fp32")
        export_onnx(model, fp32)
        say("Checking it against golden texts")
        oracle = golden.write_golden(stage / bundle.GOLDEN, checkpoint, settings, tokenizer, model)
        golden.check_golden(stage / bundle.GOLDEN, fp32)
        say(f"Storing the weights: {options.scheme}")
        attempts = choose_scheme(fp32, stage / bundle.MODEL, options.scheme, sample, model)
        for attempt in attempts:
            say(f"{attempt.describe()}{'' if attempt.passed else ': not exact enough'}")
        if warning := warn_of_size(attempts[-1].size):
            say(f"Warning: {warning}")
        decided: DecidedBy = "checkpoint" if options.overrides.expand is None else "option"
        say("Measuring sizes and speed")
        return collect_figures(
            checkpoint=checkpoint,
            model=model,
            settings=settings,
            expansion_by=decided if source.audit is None else "audit",
            audit=source.audit,
            attempts=attempts,
            queries=sample.queries,
            documents=len(sample.documents),
            devset=devset.name,
            fp32=fp32,
            stage=stage,
            oracle=oracle,
        )


def _plan_calibration(
    options: ExportOptions, tokenizer: Tokenizer, settings: Settings
) -> list[plans.ReferencePlan]:
    """Return plans of passages of ``--text`` in all of its languages, one in four as if it were a query."""
    if options.scheme not in GRIDS or options.text is None:
        return []
    texts = sample_passages(options.text, CALIBRATION)
    return [
        plans.plan(tokenizer, settings, "document" if number % 4 else "query", text)
        for number, text in enumerate(texts)
    ]


def _write_texts(stage: Path, checkpoint: Checkpoint, figures: ReportFigures, options: ExportOptions) -> None:
    """Write what people read, and the settings, which have the other files' hashes."""
    chosen = figures.attempts[-1]
    (stage / bundle.REPORT).write_text(render_report(figures), encoding="utf-8")
    if options.card is not None:
        shutil.copyfile(options.card, stage / bundle.CARD)
    else:
        card = render_card(checkpoint, chosen.scheme, options.dimensions)
        (stage / bundle.CARD).write_text(card, encoding="utf-8")
    settings = render_settings(
        figures.settings,
        chosen.options,
        {name: stage / name for name in (bundle.MODEL, bundle.TOKENIZER)},
        parameters=figures.shapes.parameters,
        expansion_audit=None if figures.audit is None else figures.audit.describe(),
    )
    (stage / bundle.SETTINGS).write_bytes(settings)
