"""Export checkpoints of every family at the sizes of real models; put the figures into ``docs/models.md``.

::

    python tests/bench/families.py [--only NAME ...]

The checkpoints are those of the tests: random weights, real shapes. What is measured is the export. Results
are kept in the work folder, one file a checkpoint, so that they can be made in several runs; the table is
written from all that are there.
"""

import argparse
import datetime
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

TESTS = Path(__file__).parent.parent
sys.path.insert(0, str(TESTS))

import torch  # noqa: E402
from checkpoints import (  # noqa: E402
    REFERENCE,
    WIDE,
    HeadLayer,
    Shape,
    make_bert,
    make_distilbert,
    make_modernbert,
    make_roberta,
    make_single_vector,
    make_stanford,
    make_xlm_roberta,
)

from latefind_build.progress import say  # noqa: E402
from latefind_export.export import ExportOptions, export_checkpoint  # noqa: E402
from latefind_export.figures import name_processor  # noqa: E402
from latefind_export.quantize import Scheme  # noqa: E402
from latefind_export.read_checkpoint import Overrides  # noqa: E402
from latefind_export.report import TABLE_HEAD, table_row  # noqa: E402

PAGE = TESTS.parent / "docs" / "models.md"
BEGIN, END = "<!-- families -->\n", "<!-- /families -->"
TRAINED = 4000
"""Tokens that a vocabulary is trained to; the repository has no text for more."""


@dataclass(frozen=True)
class Family:
    """One line of the table: the model whose shape it has, how it is made, and how it is stored."""

    like: str
    make: Callable[[Path], Path]
    scheme: Scheme = "int8"
    token_embeddings: bool = False


MINILM_12 = replace(WIDE, layers=12)
DISTILLED = Shape(hidden=768, layers=6, heads=12, inner=3072, tokens=TRAINED)
ETTIN = Shape(
    hidden=256, layers=7, heads=4, inner=384, tokens=TRAINED, positions=8192, vocabulary=50_368, window=128
)
TWO_LAYERS = (HeadLayer(512, bias=True, activation=torch.nn.GELU(), residual=True), HeadLayer(48))

FAMILIES = {
    "reference": Family("SauerkrautLM-Multi-ColBERT-15m", lambda folder: make_bert(folder, REFERENCE)),
    "reference-emb4": Family(
        "SauerkrautLM-Multi-ColBERT-15m", lambda folder: make_bert(folder, REFERENCE), "int8+emb4"
    ),
    "reference-fp16": Family(
        "SauerkrautLM-Multi-ColBERT-15m", lambda folder: make_bert(folder, REFERENCE), "fp16"
    ),
    "wide": Family("MiniLM, 6 layers", lambda folder: make_bert(folder, WIDE)),
    "stanford": Family(
        "answerai-colbert-small-v1", lambda folder: make_stanford(folder, MINILM_12, dimensions=96)
    ),
    "modernbert": Family(
        "Ettin 17M, head of two layers", lambda folder: make_modernbert(folder, ETTIN, TWO_LAYERS)
    ),
    "distilbert": Family(
        "distilbert-base-cased",
        lambda folder: make_distilbert(folder, replace(DISTILLED, vocabulary=28_996)),
    ),
    "roberta": Family(
        "distilroberta-base", lambda folder: make_roberta(folder, replace(DISTILLED, vocabulary=50_265))
    ),
    "xlm-roberta": Family(
        "XLM-R's vocabulary, MiniLM, 12 layers",
        lambda folder: make_xlm_roberta(folder, replace(MINILM_12, tokens=TRAINED, vocabulary=250_002)),
        "int8+emb4",
    ),
    "single-vector": Family(
        "all-MiniLM-L6-v2", lambda folder: make_single_vector(folder, WIDE), token_embeddings=True
    ),
}

ABOUT = """{count} checkpoints, made by `python tests/bench/families.py` on {date}, on one thread of an
{processor}. Vocabularies beyond BERT's are trained on this documentation and filled with
unused tokens up to the real model's number. Cosines are those of the stored graph's token embeddings with
PyTorch's; rank agreement is the share of the first ten results by exact MaxSim that stays. Both are measured
on the built-in set, whose questions avoid the words of their answers: to random weights all results are near
ties, and ranks change more easily than with a trained model. Where something else is stored than was asked
for, that was not exact enough."""


def main() -> None:
    options = _parse()
    work: Path = options.work
    work.mkdir(parents=True, exist_ok=True)
    for name in options.only or FAMILIES:
        say(f"{name}: {FAMILIES[name].like}")
        (work / f"{name}.row").write_text(measure(FAMILIES[name]) + "\n", "utf-8")
    write_table(work, options.page)


def _parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", nargs="+", choices=FAMILIES, metavar="NAME", help=", ".join(FAMILIES))
    parser.add_argument("--work", type=Path, default=Path.home() / ".cache" / "latefind-bench" / "families")
    parser.add_argument("--page", type=Path, default=PAGE, help="where the table goes")
    return parser.parse_args()


def measure(family: Family) -> str:
    """Make a checkpoint, export it as the command does, and return its line of the table."""
    with tempfile.TemporaryDirectory() as scratch:
        folder = family.make(Path(scratch) / "checkpoint")
        exported = export_checkpoint(
            ExportOptions(
                checkpoint=str(folder),
                output=Path(scratch) / "bundle",
                overrides=Overrides(token_embeddings=family.token_embeddings),
                scheme=family.scheme,
            ),
            say,
        )
    return table_row(exported.figures)


def write_table(work: Path, page: Path) -> None:
    """Write the lines in ``work`` between the markers of ``page``."""
    files = {name: work / f"{name}.row" for name in FAMILIES}
    rows = [
        f"| {FAMILIES[name].like} | {FAMILIES[name].scheme} {file.read_text('utf-8')}"
        for name, file in files.items()
        if file.exists()
    ]
    head, rule = TABLE_HEAD.splitlines()
    about = ABOUT.format(count=len(rows), date=datetime.date.today(), processor=name_processor())
    table = f"| shape of | asked for {head}\n|---|---{rule}\n{''.join(rows)}"
    before, rest = page.read_text("utf-8").split(BEGIN)
    _, after = rest.split(END)
    page.write_text(f"{before}{BEGIN}{about}\n\n{table}{END}{after}", "utf-8")


if __name__ == "__main__":
    main()
