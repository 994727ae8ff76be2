"""``golden.json``: texts with ids, masks and fp32 embeddings, against which every engine is checked.

The ids come from the ``tokenizers`` library and the embeddings from torch, so the file depends on none of
the code that it checks. Embeddings are float32, little-endian, row by row, in base64.
"""

import base64
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from latefind_export.plans import Kind, ReferencePlan

GOLDEN_VERSION = 1

TEXTS: tuple[tuple[Kind, str], ...] = (
    ("query", "run a function in another thread"),
    ("query", "how do I read a csv file?"),
    ("query", "naïve Bayes über résumé: Straße, Çatalhöyük"),
    ("query", "日本語の検索 🔎 works"),
    ("query", "x"),
    ("query", ""),
    ("document", "Mars is the Red Planet."),
    ("document", "csv.reader(csvfile, dialect='excel', **fmtparams) returns a reader object."),
    (
        "document",
        "Threads. The Thread class represents an activity that runs in a separate thread of control.",
    ),
    ("document", "if __name__ == '__main__':\n    main(sys.argv[1:])"),
    ("document", "Öffnen Sie die Einstellungen, wählen Sie „Netzwerk“ und geben Sie das Passwort ein."),
    (
        "document",
        "Search. Everything that is needed to answer a question is downloaded once, kept by the browser and "
        "used offline afterwards: the encoder, the index and the runtime. Nothing that is typed leaves the "
        "page. A static host is enough, no header has to be set, and the files can be moved to any path.",
    ),
)
"""Questions and passages: short, long, empty, with accents, code, CJK and punctuation."""


@dataclass(frozen=True, slots=True)
class GoldenText:
    """One text with its plan and its embeddings, float32 (length, dimensions)."""

    kind: Kind
    text: str
    ids: list[int]
    mask: list[int]
    embeddings: npt.NDArray[np.float32]


def write_golden(
    path: Path,
    make_plan: Callable[[Kind, str], ReferencePlan],
    encode_plan: Callable[[ReferencePlan], npt.NDArray[np.float32]],
) -> None:
    """Compute and write the golden texts."""
    rows = []
    for kind, text in TEXTS:
        plan = make_plan(kind, text)
        embeddings = encode_plan(plan).astype("<f4")
        rows.append(
            {
                "kind": kind,
                "text": text,
                "ids": plan.ids,
                "mask": plan.mask,
                "dimensions": embeddings.shape[1],
                "embeddings": base64.b64encode(embeddings.tobytes()).decode(),
            }
        )
    data = {"version": GOLDEN_VERSION, "texts": rows}
    path.write_text(json.dumps(data, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def read_golden(path: Path) -> Sequence[GoldenText]:
    """Read the golden texts of a bundle."""
    return [
        GoldenText(
            row["kind"],
            row["text"],
            row["ids"],
            row["mask"],
            np.frombuffer(base64.b64decode(row["embeddings"]), "<f4").reshape(-1, row["dimensions"]),
        )
        for row in json.loads(path.read_text(encoding="utf-8"))["texts"]
    ]
