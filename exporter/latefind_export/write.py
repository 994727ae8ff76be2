"""Write a bundle from an encoder, its tokenizer and its settings: graph, int8, golden texts, parity.

What is common to every checkpoint: finding the encoder is the caller's part.
"""

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tokenizers import Tokenizer

from latefind_export import bundle, encoder, golden, onnx_graph, parity, plans
from latefind_export.quantize import Int8Options, quantize_int8
from latefind_export.settings import Settings, render_settings


@dataclass(frozen=True, slots=True)
class ExportReport:
    """Size of the graph in bytes and the distance of the fp32 and the shipped graph from torch."""

    size: int
    fp32: parity.Parity
    int8: parity.Parity


def write_bundle(
    stage: Path,
    model: encoder.LateInteractionEncoder,
    tokenizer: Tokenizer,
    settings: Settings,
    checks: Sequence[plans.ReferencePlan],
    scheme: Int8Options,
    keep_fp32: Path | None = None,
) -> ExportReport:
    """Write the bundle's files, the card excepted, to ``stage``, where ``tokenizer.json`` lies already.

    ``checks`` are the texts that parity is measured on; ``keep_fp32`` also gets the unquantised graph.

    Raises
    ------
    ModelError
        The int8 graph is too far from the torch encoder.
    """
    expected = [encoder.encode(model, plan) for plan in checks]
    with tempfile.TemporaryDirectory() as scratch:
        exact = keep_fp32 or Path(scratch) / "fp32.onnx"
        onnx_graph.export_onnx(model, exact)
        quantize_int8(exact, stage / bundle.MODEL, scheme)
        fp32 = parity.measure_parity(expected, checks, exact)
    int8 = parity.measure_parity(expected, checks, stage / bundle.MODEL)
    parity.check_parity(int8, stage / bundle.MODEL)
    golden.write_golden(
        stage / bundle.GOLDEN,
        lambda kind, text: plans.plan(tokenizer, settings, kind, text),
        lambda plan: encoder.encode(model, plan),
    )
    files = {name: stage / name for name in (bundle.MODEL, bundle.TOKENIZER)}
    (stage / bundle.SETTINGS).write_bytes(render_settings(settings, scheme.describe(), files))
    return ExportReport(files[bundle.MODEL].stat().st_size, fp32, int8)
