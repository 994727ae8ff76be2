"""``make bench``: what search costs in a real browser, for indexes of several sizes.

Results are kept in the work folder, one file a size, so that sizes can be measured in several runs; the
report is written from all that are there. ``python tests/bench/run.py --help`` has the options.
"""

import argparse
import json
import os
import platform
import random
import shutil
import subprocess
import time
from collections.abc import Sequence
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path
from statistics import fmean, median
from typing import Any

import browser
from curve import draw_curve
from indexes import build, describe
from report import write_report
from sections import kept_sections, with_sections
from texts import REPOSITORY, SEED, Texts, default_folder, load_texts

from latefind_build.bundle import ModelBundle, open_bundle
from latefind_build.metrics import overlap
from latefind_build.native import NativeSearch
from latefind_build.progress import say

SIZES = "1000,5000,20000,100000"
SCAN_QUERIES = 12
"""Questions that the slow exact scans are timed with."""

MAXSIM_WEB = "maxsim-web@0.6.0"
WEB = Path(__file__).parent / "web"


def main() -> None:
    options = _parse()
    work: Path = options.work.resolve()
    work.mkdir(parents=True, exist_ok=True)
    model = open_bundle(options.model)
    texts = load_texts(options.texts, model, options.questions)
    for name in ("baseline.html", "baseline.js", "baseline.py", "maxsim.wasm"):
        shutil.copyfile(WEB / name, work / name)
    maxsim_web = fetch_maxsim_web(work)
    for size in options.sizes:
        result = measure(size, texts, model, work, options, maxsim_web)
        (work / f"result-{size}.json").write_text(json.dumps(result, indent=1) + "\n", "utf-8")
        say(summary(result))
    publish(work, options, texts, maxsim_web)


def _parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sizes", type=lambda text: [int(n) for n in text.split(",")], default=SIZES)
    parser.add_argument(
        "--texts", type=Path, default=default_folder(), help="folder of sets in BEIR's format"
    )
    parser.add_argument("--questions", type=int, default=61, help="the first one warms up")
    parser.add_argument("--encode-limit", type=int, default=20_000, help="passages really encoded")
    parser.add_argument("--scan-limit", type=int, default=5_000, help="largest size for the exact scans")
    parser.add_argument("--model", type=Path, help="model bundle; without it, the one we ship")
    parser.add_argument("--work", type=Path, default=Path.home() / ".cache" / "latefind-bench")
    parser.add_argument("--docs", type=Path, default=REPOSITORY / "docs", help="where the report goes")
    parser.add_argument("--build-options", default="", help="passed on to `latefind build`, as in --pool=2")
    options = parser.parse_args()
    options.sizes = (
        [int(n) for n in options.sizes.split(",")] if isinstance(options.sizes, str) else options.sizes
    )
    return options


def measure(
    size: int,
    texts: Texts,
    model: ModelBundle,
    work: Path,
    options: argparse.Namespace,
    maxsim_web: str | None,
) -> dict[str, Any]:
    """Build the index of one size, visit it, and hold it against exact scans where it is small enough."""
    real = min(size, options.encode_limit, len(texts.passages))
    say(f"{size:,} passages, {real:,} of them real")
    built = build(texts.take(size, real), real, work / f"index-{size}", model, options.build_options.split())
    with browser.open_host(work) as host:
        visited = browser.visit(host, f"index-{size}/", texts.questions)
        result = (
            {"asked": size, "real": real, "build_seconds": built.seconds}
            | describe(built.folder)
            | {"visit": asdict(visited)}
        )
        if size <= options.scan_limit:
            native = NativeSearch(built.folder)
            chosen = texts.questions[1 : SCAN_QUERIES + 1]
            queries = [native.encode(text).tolist() for text in chosen]
            found = browser.compare(host, f"index-{size}/", queries, maxsim_web)
            result |= summarize_scans(found["measured"], visited.tops[1 : SCAN_QUERIES + 1])
    return result


def summarize_scans(measured: dict[str, list[dict[str, Any]]], tops: Sequence[list[str]]) -> dict[str, Any]:
    """Return the scans' medians, and how much of the exact first ten the engine has."""
    exact = [answer["top"] for answer in measured["simd"]]
    return {
        "scans": {kind: {"median": median(a["ms"] for a in answers)} for kind, answers in measured.items()},
        "same_ten": fmean(overlap(one, other, 10) for one, other in zip(exact, tops, strict=True)),
        "scans_agree": {
            kind: fmean(overlap(one, a["top"], 10) for one, a in zip(exact, answers, strict=True))
            for kind, answers in measured.items()
        },
    }


def summary(result: dict[str, Any]) -> str:
    visit = result["visit"]
    line = f"{result['passages']:,} passages: built in {result['build_seconds']:.0f} s, "
    line += f"candidates + rerank {visit['warm']['median']['scoring']:.1f} ms, "
    line += f"total {visit['warm']['median']['total']:.1f} ms, first answer {visit['first_ms'] / 1000:.1f} s"
    for kind, scan in result.get("scans", {}).items():
        line += f", {kind} {scan['median']:.0f} ms"
    return line


def fetch_maxsim_web(work: Path) -> str | None:
    """Return where the work folder has npm's maxsim-web, installing it where the registry has it."""
    module = "node_modules/maxsim-web/dist/maxsim-wasm.js"
    if not (work / module).is_file():
        command = [
            "npm",
            "install",
            "--no-save",
            "--no-audit",
            "--no-fund",
            "--prefix",
            str(work),
            MAXSIM_WEB,
        ]
        try:
            subprocess.run(command, check=True, capture_output=True, timeout=120)
        except (OSError, subprocess.SubprocessError):
            say(f"{MAXSIM_WEB}: not to be had from the npm registry; measured without it")
            return None
    return module if (work / module).is_file() else None


def publish(work: Path, options: argparse.Namespace, texts: Texts, maxsim_web: str | None) -> None:
    """Write the report and the curve from every result in the work folder."""
    rows = [json.loads(path.read_text("utf-8")) for path in sorted(work.glob("result-*.json"))]
    rows.sort(key=lambda row: row["asked"])
    about = {
        "command": "make bench",
        "date": time.strftime("%Y-%m-%d"),
        "hardware": hardware(),
        "versions": versions(),
        "source": texts.source,
        "questions": str(len(texts.questions)),
        "maxsim_web": maxsim_web_note(maxsim_web),
    }
    page = options.docs / "benchmarks.md"
    page.write_text(with_sections(write_report(rows, about), kept_sections(page)), "utf-8")
    warm = [row["visit"]["warm"]["median"] for row in rows]
    series = {
        "total": [row["total"] for row in warm],
        "candidates + rerank": [row["scoring"] for row in warm],
        "encode": [row["encode"] for row in warm],
    }
    svg = draw_curve(
        [row["passages"] for row in rows], series, "Time of a warm question by size of the index"
    )
    images = options.docs / "images"
    images.mkdir(exist_ok=True)
    (images / "benchmark-growth.svg").write_text(svg, "utf-8")


def maxsim_web_note(maxsim_web: str | None) -> str:
    if maxsim_web:
        return f"*maxsim-web* is `{MAXSIM_WEB}` of npm, with the documents loaded beforehand."
    return (
        f"`{MAXSIM_WEB}` is measured beside it where npm's registry has it; at this run it had not. Its "
        "authors' figures (version 0.6.0: 1,000 documents of 300 vectors of 256 dimensions, 32 query tokens, "
        "in 265 ms) are 9 billion multiplications a second."
    )


def hardware() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        model = next(line.split(":", 1)[1].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        model = platform.processor() or platform.machine()
    return f"{model}, {os.cpu_count()} cores, {platform.system()}"


def versions() -> str:
    from latefind_build.runtime import packed_runtime

    packed = json.loads((packed_runtime() / "runtime.json").read_text("utf-8"))
    with browser.open_chromium() as chromium:
        names = {"latefind": version("latefind"), "Chromium": chromium.version} | packed
    return ", ".join(f"{name} {number}" for name, number in names.items())


if __name__ == "__main__":
    random.seed(SEED)
    main()
