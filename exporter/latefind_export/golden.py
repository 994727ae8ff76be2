"""``golden.json``: texts with token plans and fp32 embeddings, against which every engine is checked.

The file is computed by an oracle (:mod:`latefind_export.oracle`) that shares no code with what it checks, and
says which in the field ``oracle``. One text is an object::

    kind        "query" or "document"
    text        as it is given to the engine
    ids, mask   what goes into the encoder
    scored      1 where the output counts
    positions   rows of the output that are recorded
    dimensions  width of a row
    embeddings  the rows, float32 little-endian, in base64; unit length

Not every position is recorded, so that the file stays small whatever the model's width and query length are:
those of a text are spread evenly over it.
"""

import base64
import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
from tokenizers import Tokenizer

from latefind.errors import ModelError, VersionError
from latefind_export.checkpoint import Checkpoint
from latefind_export.plans import Kind, ReferencePlan, plan
from latefind_export.settings import Settings

if TYPE_CHECKING:
    from latefind_export.encoder import LateInteractionEncoder

GOLDEN_VERSION = 2

LOWEST_COSINE = 0.9999
"""Of any token of the fp32 graph with the oracle: they differ by the order of additions only."""

EMBEDDING_BYTES = 350_000
"""Of all rows together, before base64 makes a third more of them."""

FEWEST_ROWS = 4
"""Rows a text, however wide they are."""

MANUAL = " ".join(
    f"Step {number}. Open panel {number * 7 % 19}, loosen screw {number * 5 % 13} and note the value of "
    f"gauge {number * 11 % 23}; below {number * 3 % 17} bar, close the valve again."
    for number in range(1, 25)
)

TEXTS: tuple[tuple[Kind, str], ...] = (
    ("query", "Mars is the Red Planet."),
    ("document", "Mars is the Red Planet."),
    ("query", "how do I read a csv file?"),
    ("document", "csv.reader(csvfile, dialect='excel', **fmtparams) returns a reader object."),
    ("query", "Wie ändere ich das Passwort für das WLAN in der Straße?"),
    ("document", "Öffnen Sie die Einstellungen, wählen Sie „Netzwerk“ und geben Sie das Passwort ein."),
    ("query", "¿cómo puedo guardar el año académico en la nube?"),
    ("document", "L'œuvre est protégée ; où qu'elle soit publiée, l'auteur garde ses droits."),
    ("query", "perché il caffè è così caldo"),
    ("document", "Não é possível abrir a ligação: verifique a configuração da rede e tente outra vez."),
    ("query", "hoe stel ik de zoëven gekochte router in?"),
    ("document", "日本語の検索 🔎 works, مرحبا, Çatalhöyük, ﬁne ½ ｆｕｌｌ　ｗｉｄｔｈ."),
    ("query", "Paris is the [MASK] of France"),
    ("document", "if __name__ == '__main__':\n    main(sys.argv[1:])\t# it's 100% DONE, we'll see"),
    ("query", "  spaces  at both ends   "),
    ("document", MANUAL),
    ("query", MANUAL),
    ("query", "x"),
    ("query", ""),
)
"""Questions and passages: the seven languages that models for the web mostly know, code, other scripts, a
special token spelled out, white space; short, empty, and longer than a model's length or window."""


@dataclass(frozen=True, slots=True)
class GoldenText:
    """One text with its plan and the recorded rows of its embeddings.

    Attributes
    ----------
    scored : list of bool
        Which outputs count.
    positions : list of int
    embeddings : float32 (positions, dimensions)
    """

    kind: Kind
    text: str
    ids: list[int]
    mask: list[int]
    scored: list[bool]
    positions: list[int]
    embeddings: npt.NDArray[np.float32]


def write_golden(
    path: Path,
    checkpoint: Checkpoint,
    settings: Settings,
    tokenizer: Tokenizer,
    model: "LateInteractionEncoder",
) -> str:
    """Compute the golden texts and write them to ``path``; return the oracle's name.

    Raises
    ------
    ModelError
        PyLate, where it is the oracle, makes other token plans than we do.
    """
    from latefind_export.oracle import find_oracle  # readers of the file need no torch

    oracle = find_oracle(checkpoint, settings, tokenizer, model)
    rows = []
    for kind, text in TEXTS:
        expected, embeddings = oracle.embed(kind, text)
        where = f"{checkpoint.source}: the {kind} {text[:40]!r}"
        _check_plan(plan(tokenizer, settings, kind, text), expected, where)
        rows.append(_render_text(kind, text, expected, embeddings))
    head = json.dumps({"version": GOLDEN_VERSION, "oracle": oracle.name})
    lines = ",\n".join(json.dumps(row, ensure_ascii=False) for row in rows)  # a line a text: readable diffs
    path.write_text(f'{head[:-1]}, "texts": [\n{lines}\n]}}\n', encoding="utf-8")
    return oracle.name


def _check_plan(ours: ReferencePlan, theirs: ReferencePlan, where: str) -> None:
    for name in ("ids", "mask", "scored"):
        expected, got = getattr(theirs, name), getattr(ours, name)
        if expected != got:
            raise ModelError.expected(
                where,
                f"PyLate's {name} {expected}",
                str(got),
                "The exporter does not reproduce this checkpoint; please report it.",
            )


def _render_text(
    kind: Kind, text: str, plan: ReferencePlan, embeddings: npt.NDArray[np.float32]
) -> dict[str, object]:
    dimensions = embeddings.shape[1]
    positions = _spread(len(plan.ids), EMBEDDING_BYTES // (4 * dimensions * len(TEXTS)))
    return {
        "kind": kind,
        "text": text,
        "ids": plan.ids,
        "mask": plan.mask,
        "scored": [int(scored) for scored in plan.scored],
        "positions": positions,
        "dimensions": dimensions,
        "embeddings": base64.b64encode(embeddings[positions].astype("<f4").tobytes()).decode(),
    }


def _spread(length: int, rows: int) -> list[int]:
    """Return up to ``rows`` positions of ``length``, evenly spread, the first and the last among them."""
    rows = min(length, max(rows, FEWEST_ROWS))
    return sorted({round(position) for position in np.linspace(0, length - 1, rows).tolist()})


def read_golden(path: Path) -> list[GoldenText]:
    """Read the golden texts of a bundle.

    Raises
    ------
    VersionError
        The file is of a version that is not read here.
    """
    data = json.loads(path.read_text(encoding="utf-8"))
    if data["version"] != GOLDEN_VERSION:
        raise VersionError.expected(
            path, f"golden version {GOLDEN_VERSION}", repr(data["version"]), "Export the model again."
        )
    return [_read_text(row) for row in data["texts"]]


def _read_text(row: dict[str, Any]) -> GoldenText:
    return GoldenText(
        kind=row["kind"],
        text=row["text"],
        ids=row["ids"],
        mask=row["mask"],
        scored=[bool(scored) for scored in row["scored"]],
        positions=row["positions"],
        embeddings=np.frombuffer(base64.b64decode(row["embeddings"]), "<f4").reshape(-1, row["dimensions"]),
    )


def check_golden(path: Path, graph: Path, tolerance: float = LOWEST_COSINE) -> float:
    """Return the lowest cosine of a row that ``graph`` computes with the recorded one.

    Raises
    ------
    ModelError
        It is below ``tolerance``, or rows are not of unit length.
    """
    from latefind_export.parity import OnnxEncoder  # readers of the file need no onnxruntime

    onnx = OnnxEncoder(graph)
    lowest = 1.0
    for golden in read_golden(path):
        inputs = ReferencePlan(golden.ids, golden.mask, [True] * len(golden.ids))
        found = onnx.encode(inputs)[golden.positions]  # (positions, dimensions)
        where = f"{graph}: the {golden.kind} {golden.text[:40]!r}"
        if not np.allclose(np.linalg.norm(found, axis=1), 1, atol=1e-3):
            raise ModelError.expected(where, "vectors of unit length", "others", "Export the model again.")
        cosine = float(np.einsum("pd,pd->p", found, golden.embeddings).min())
        if not cosine >= tolerance:  # not-a-number must fail too
            raise ModelError.expected(
                where,
                f"a cosine of at least {tolerance} with {path.name} for every token",
                f"{cosine:.6f}",
                "The graph does not compute what the checkpoint does; please report it.",
            )
        lowest = min(lowest, cosine)
    return lowest
