"""How long a query's encoding takes in a real browser, all models in turn in one run.

A small site is built with each model; the page is asked the same questions, round after round, each round
with every model, so that what else the machine does falls on all alike.
"""

import json
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import median

from browser import open_host, visit
from indexes import run_build

from latefind_build.bundle import ModelBundle

PAGE = Path(__file__).parent / "web" / "baseline.html"
ROUNDS = 3


def measure_times(
    bundles: Mapping[str, ModelBundle], questions: Sequence[str], work: Path
) -> dict[str, float]:
    """Return the median milliseconds of the stage ``encode`` for each model."""
    site = work / "times"
    site.mkdir(parents=True, exist_ok=True)
    shutil.copy(PAGE, site)
    records = site / "records.jsonl"
    texts = ({"id": str(n), "text": f"{question} An answer."} for n, question in enumerate(questions))
    records.write_text("".join(json.dumps(record) + "\n" for record in texts), "utf-8")
    for number, bundle in enumerate(bundles.values()):
        run_build(records, site / str(number) / "latefind", work / "cache", ["--model", str(bundle.folder)])
    found: dict[str, list[float]] = {name: [] for name in bundles}
    with open_host(site) as host:
        for _ in range(ROUNDS):
            for number, name in enumerate(bundles):
                found[name].append(visit(host, f"{number}/latefind/", questions).warm.median["encode"])
    return {name: median(values) for name, values in found.items()}
