"""``report.md``: what an export measured, for whoever decides whether to ship the bundle.

The same figures give the same text; of the figures, only the times differ from run to run.
"""

from collections.abc import Sequence

from latefind_export import bundle
from latefind_export.audit import DEPTH, HIGHEST_P, SMALLEST_LOSS, ExpansionAudit
from latefind_export.figures import BROTLI_QUALITY, FileSize, ReportFigures, Shapes, Speed
from latefind_export.gate import Attempt, gate_of
from latefind_export.model_card import UNKNOWN_LICENSE
from latefind_export.settings import Settings, Side

LAYOUTS = {
    "pylate": "PyLate",
    "multi-vector": "sentence-transformers' multi-vector layout",
    "stanford": "Stanford ColBERT",
    "single-vector": "a model with one vector a text, its token embeddings taken",
}

TABLE_HEAD = (
    "| family | layout | parameters | fp32, MB | stored as | MB | MB, brotli | cosine, mean "
    "| cosine, 1st percentile | rank agreement | query in fp32, ms | as stored, ms |\n"
    "|---|---|--:|--:|---|--:|--:|--:|--:|--:|--:|--:|"
)
"""Head of the table that :func:`table_row` writes the rows of."""


def render_report(figures: ReportFigures) -> str:
    """Return the report, Markdown."""
    settings = figures.settings
    sections = [
        f"# {settings.name}: export report",
        f"Made from `{figures.source}`, {LAYOUTS[figures.layout]}. Embeddings have {settings.dimensions} "
        f"dimensions and are stored as `{figures.attempts[-1].scheme}`.",
        _model(figures.shapes),
        _texts(settings),
        _expansion(figures),
        _attempts(figures),
        _sizes(figures.files),
        _speed(figures.speed, figures.attempts[-1].scheme, figures.versions["onnxruntime"]),
        "## Golden texts\n\n"
        f"`{bundle.GOLDEN}` was computed by {figures.oracle}, and the fp32 graph agrees with it.",
        _license(settings.license, figures.source),
        "## Made with\n\n"
        + ", ".join(f"{name} {version}" for name, version in figures.versions.items())
        + ".",
    ]
    return "\n\n".join(sections) + "\n"


def table_row(figures: ReportFigures) -> str:
    """Return one line of the table of checkpoints; its head is ``TABLE_HEAD``."""
    attempt = figures.attempts[-1]
    model = next(file for file in figures.files if file.name == bundle.MODEL)
    return _row(
        figures.shapes.family,
        figures.layout,
        _millions(figures.shapes.parameters),
        _megabytes(figures.fp32_bytes),
        attempt.scheme,
        _megabytes(model.raw),
        _megabytes(model.brotli),
        f"{attempt.parity.mean:.4f}",
        f"{attempt.parity.percentile_1:.4f}",
        f"{attempt.rank_agreement:.3f}",
        f"{figures.speed.fp32:.1f}",
        f"{figures.speed.stored:.1f}",
    )


def _model(shapes: Shapes) -> str:
    rest = shapes.parameters - shapes.word_embeddings
    head = "; then ".join(shapes.head) or "none: the transformer's embeddings as they are"
    lines = [
        ("family", shapes.family),
        ("vocabulary", f"{shapes.vocabulary:,}"),
        ("hidden size", f"{shapes.hidden:,}"),
        ("layers", str(shapes.layers)),
        ("attention heads", str(shapes.heads)),
        ("positions", "not stated" if shapes.positions is None else f"{shapes.positions:,}"),
        ("head", head),
        ("dimensions", str(shapes.dimensions)),
        (
            "parameters",
            f"{shapes.parameters:,}: {shapes.word_embeddings:,} in word embeddings, {rest:,} elsewhere",
        ),
    ]
    return "## Model\n\n" + _table(("", ""), lines)


def _texts(settings: Settings) -> str:
    query, document = settings.query, settings.document
    lines = [
        ("prefix", _prefix(query), _prefix(document)),
        ("length in tokens, at most", f"{query.length:,}", f"{document.length:,}"),
    ]
    return (
        "## Queries and documents\n\n"
        + _table(("", "query", "document"), lines)
        + f"\n\nThe embeddings of {_count(len(settings.skiplist), 'token')} are not stored (skiplist). "
        f"Languages: {', '.join(settings.languages) or 'not stated'}."
    )


def _prefix(side: Side) -> str:
    return "none" if side.prefix is None else f"`{side.prefix}`, token {side.prefix_id}"


def _expansion(figures: ReportFigures) -> str:
    expansion = figures.settings.expansion
    if expansion.enabled:
        attended = "attended to" if expansion.attend else "not attended to"
        what = (
            f"On: queries are padded with token {expansion.token_id} to their length, {attended} and scored"
        )
    else:
        what = "Off: queries are not padded"
    if figures.audit is None:
        why = (
            "as the checkpoint says"
            if figures.expansion_by == "checkpoint"
            else "as `--query-expansion` says"
        )
        return f"## Query expansion\n\n{what}, {why}."
    return f"## Query expansion\n\n{what}.\n\n{_audit(figures.audit)}"


def _audit(audit: ExpansionAudit) -> str:
    table = _table(
        ("expansion", f"nDCG@{DEPTH}"),
        [("on", f"{audit.on:.4f}"), ("off", f"{audit.off:.4f}")],
    )
    queries = _count(audit.queries, "query", "queries")
    return (
        f"The checkpoint does not say, so both were measured by exact MaxSim: {queries} over "
        f"{_count(audit.documents, 'passage')}, dev set {audit.devset}.\n\n{table}\n\n"
        f"On is PyLate's default and stays unless off is better by at least {SMALLEST_LOSS} with a p below "
        f"{HIGHEST_P} (paired randomisation test). Here off is better by {audit.off - audit.on:+.4f}, and p "
        f"is {audit.p:.4f}. `--query-expansion on` or `off` decides otherwise."
    )


def _attempts(figures: ReportFigures) -> str:
    queries = _count(figures.sample[0], "query", "queries")
    passages = _count(figures.sample[1], "passage")
    lines = [_attempt(attempt) for attempt in figures.attempts]
    head = (
        "stored as",
        "MB",
        "cosine, mean",
        "1st percentile",
        "lowest",
        "rank agreement",
        "nDCG@10",
        "gate",
    )
    lines.insert(0, ("fp32", _megabytes(figures.fp32_bytes), *("",) * 6))
    return (
        f"## Accuracy\n\nEvery scored token embedding against PyTorch's in fp32, on {queries} and "
        f"{passages}, dev set {figures.devset}. *Rank agreement*: which part of the first ten passages by "
        "exact MaxSim, the mean over the queries, is the same. *nDCG@10*: as a share of PyTorch's.\n\n"
        + _table(head, lines)
        + "".join(f"\n\n{_gate(attempt)}" for attempt in figures.attempts)
    )


def _gate(attempt: Attempt) -> str:
    gate = gate_of(attempt.scheme)
    return (
        f"The gate asks `{attempt.scheme}` for {gate.mean}, {gate.percentile_1} and {gate.rank_agreement} of "
        "mean cosine, 1st percentile and rank agreement"
        + (f", and for {gate.ndcg_kept} of PyTorch's nDCG@10." if gate.ndcg_kept else ".")
    )


def _attempt(attempt: Attempt) -> tuple[str, ...]:
    parity = attempt.parity
    return (
        f"`{attempt.scheme}`",
        _megabytes(attempt.size),
        f"{parity.mean:.4f}",
        f"{parity.percentile_1:.4f}",
        f"{parity.lowest:.4f}",
        f"{attempt.rank_agreement:.3f}",
        f"{attempt.ndcg_kept:.3f}",
        "passed" if attempt.passed else "missed",
    )


def _sizes(files: Sequence[FileSize]) -> str:
    sums = (sum(getattr(file, part) for file in files) for part in ("raw", "gzip", "brotli"))
    total = FileSize("together", *sums)
    lines = [
        (f"`{file.name}`" if file is not total else file.name, *(f"{size:,}" for size in file.sizes()))
        for file in (*files, total)
    ]
    return (
        "## What a visitor downloads\n\n"
        + _table(("file", "bytes", "gzip", f"brotli {BROTLI_QUALITY}"), lines)
        + f"\n\n`latefind build` packs `{bundle.MODEL}` in gzip, so a visitor downloads "
        f"{_megabytes(files[0].gzip)} MB of it from any host, once, at the first search. The runtime, the "
        "same for every model, and the index come to it: "
        "`latefind inspect SITE_DIR` adds all up."
    )


def _speed(speed: Speed, scheme: str, version: str) -> str:
    queries = _count(speed.queries, "query", "queries")
    lines = [("fp32", f"{speed.fp32:.1f}"), (f"`{scheme}`", f"{speed.stored:.1f}")]
    return (
        "## Time to encode a query\n\n"
        + _table(("graph", "ms, median"), lines)
        + f"\n\n{queries}, one at a time, both graphs in turn in one run: {speed.processor}, "
        f"{_count(speed.threads, 'thread')}, onnxruntime {version}. A browser has its own figures."
    )


def _license(license_name: str, source: str) -> str:
    stated = (
        "The model card states no licence: ask its authors before you publish the bundle."
        if license_name == UNKNOWN_LICENSE
        else f"{license_name}, as the model card or `--license` states."
    )
    return (
        f"## Licence\n\n{stated} The weights are derived from those of `{source}`, whose licence applies to "
        "them; this report says what was changed."
    )


def _table(head: Sequence[str], lines: Sequence[Sequence[str]]) -> str:
    rule = "|".join(["---"] + ["--:"] * (len(head) - 1))
    return "\n".join([_row(*head), f"|{rule}|", *(_row(*line) for line in lines)])


def _row(*cells: str) -> str:
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def _count(count: int, one: str, many: str = "") -> str:
    return f"{count:,} {one if count == 1 else many or one + 's'}"


def _megabytes(size: int) -> str:
    return f"{size / 1e6:.1f}"


def _millions(count: int) -> str:
    return f"{count / 1e6:.1f} M"
