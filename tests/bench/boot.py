"""``make bench-boot``: from click to meaning, beside the least that any Python in a browser costs.

One run measures, in rounds that take turns: the floor (the unmodified Pyodide of npm loads and imports NumPy,
in a worker), ours until semantic search is ready, both in a browser that has never seen them and again with
its caches; whole visits of the demo site, fast and slow; and Pagefind on the same pages. Both sites and the
floor have brotli siblings of their files, which are made before anything is timed.
``--help`` has the options.
"""

import argparse
import json
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path
from statistics import median
from typing import Any

from boot_report import write_section
from boot_timeline import draw_timeline
from boot_visits import QUESTIONS, SETTLE, measure_visits
from link import LOCAL, Host, open_line
from playwright.sync_api import Page
from run import hardware, versions
from runtime import NODE_MODULES
from sections import START, put_section
from texts import REPOSITORY
from visit import PATIENCE, open_profile

from latefind_build.cli import main as latefind
from latefind_build.precompress import precompress
from latefind_build.progress import say
from latefind_build.runtime import LOCK
from latefind_build.runtime_pack import _place_pyodide

WEB = Path(__file__).parent / "web"
PAGEFIND = "pagefind@1"
BLANK = '<!doctype html><html lang="en"><title>start</title><link rel="icon" href="data:,"></html>'
LOADS = ("first", "second", "third")
"""Loads with one profile: a browser keeps compiled code of what it meets again."""

FLOOR = """async () => {
  const begun = performance.timeOrigin + performance.now();
  const worker = (globalThis.worker = new Worker("/floor-worker.js", { type: "module" }));
  const done = new Promise((resolve, reject) => {
    worker.onerror = ({ message }) => reject(new Error(message));
    worker.onmessage = ({ data }) => (typeof data === "string" ? reject(new Error(data)) : resolve(data));
  });
  worker.postMessage("/");
  return (await done).map((time) => time - begun);
}"""

OURS = """async (question) => {
  const begun = performance.now();
  const times = {};
  const { createSearch } = await import("/latefind/latefind.js");
  const search = (globalThis.search = await createSearch({ base: "/latefind/", semantic: "on-demand" }));
  times.lexical = performance.now() - begun;
  await search.loadSemantic();
  times.semantic = performance.now() - begun;
  const { warnings } = await search.query(question, { mode: "semantic", highlight: false });
  if (warnings.length) throw new Error(warnings[0].message);
  times.result = performance.now() - begun;
  const measures = performance.getEntriesByType("measure").filter(({ name }) => name.startsWith("latefind:"));
  const stages = measures.map(({ name, startTime, duration }) => {
    return { name: name.slice(9), start: startTime - begun, end: startTime - begun + duration };
  });
  return { times, stages };
}"""

SPIN = """async () => {
  const work = () => {
    const begun = performance.now();
    let sum = 0;
    for (let at = 0; at < 1e8; at += 1) sum += at % 7;
    return sum && performance.now() - begun;
  };
  const worker = new Worker("/spin-worker.js");
  const there = new Promise((resolve) => (worker.onmessage = ({ data }) => resolve(data)));
  worker.postMessage(String(work));
  const worker_ms = await there;
  worker.terminate();
  return { page: work(), worker: worker_ms };
}"""


def main() -> None:
    options = _parse()
    options.work.mkdir(parents=True, exist_ok=True)
    results = options.work / "boot.json"
    if not options.report_only:
        found = measure(options)
        results.write_text(json.dumps(found, indent=1) + "\n", "utf-8")
    publish(json.loads(results.read_text("utf-8")), options.docs)


def _parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=5, help="of starts in a blank page")
    parser.add_argument("--visits", type=int, default=3, help="rounds of visits but the slow line and gzip")
    parser.add_argument("--work", type=Path, default=Path.home() / ".cache" / "latefind-bench" / "boot")
    parser.add_argument("--docs", type=Path, default=REPOSITORY / "docs", help="where the report goes")
    parser.add_argument(
        "--fast", action="store_true", help="at most three rounds, and one of visits; no slow line"
    )
    parser.add_argument("--report-only", action="store_true", help="write the report of the last run again")
    parser.add_argument(
        "--note", default="", help="a sentence for the report, of the machine's load for instance"
    )
    options = parser.parse_args()
    if options.fast:
        options.rounds, options.visits = min(options.rounds, 3), 1
    return options


def measure(options: argparse.Namespace) -> dict[str, Any]:
    """Build the sites, and measure everything once."""
    begun = time.monotonic()
    site, floor = make_site(options.work / "site"), make_floor(options.work / "floor")
    pagefind = make_pagefind(options.work, site)
    say(f"sites are there after {time.monotonic() - begun:.0f} s")
    begun = time.monotonic()
    starts = measure_starts(site, floor, options.rounds)
    visits = measure_visits(site, pagefind, options.visits, slow=not options.fast)
    return {
        "about": {
            "command": "make bench-boot",
            "date": time.strftime("%Y-%m-%d"),
            "hardware": hardware(),
            "versions": versions(),
            "note": options.note,
            "minutes": (time.monotonic() - begun) / 60,
        },
        "rounds": options.rounds,
        "visit_rounds": options.visits,
        "starts": starts,
        "throttle": measure_throttle(floor),
        "visits": visits,
        "pagefind": pagefind is not None,
    }


def make_site(folder: Path) -> Path:
    """Build this documentation as `make demo` does, with siblings for hosts that hand those out."""
    command = ["site", str(REPOSITORY / "docs"), "--output", str(folder), "--precompress"]
    assert latefind([*command, "--config", str(REPOSITORY / "site/latefind.toml")]) == 0
    (folder / "blank.html").write_text(BLANK, "utf-8")
    return folder


def make_floor(folder: Path) -> Path:
    """Lay out Pyodide's files of npm and NumPy's wheel, as they are, with the same siblings as ours have."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    _place_pyodide(NODE_MODULES, folder, None)
    shutil.copyfile(NODE_MODULES / LOCK, folder / LOCK)  # The whole one, which bare Pyodide reads.
    for name in ("floor-worker.js", "spin-worker.js"):
        shutil.copyfile(WEB / name, folder / name)
    (folder / "blank.html").write_text(BLANK, "utf-8")
    precompress(folder)
    return folder


def make_pagefind(work: Path, site: Path) -> Path | None:
    """Index the site's pages with Pagefind, its own search on a page; nothing where it is not to be had."""
    folder, tool = work / "pagefind", work / "node_modules/.bin/pagefind"
    install = ["npm", "install", "--no-save", "--no-audit", "--no-fund", "--prefix", str(work), PAGEFIND]
    shutil.rmtree(folder, ignore_errors=True)
    index = [str(tool), "--site", str(site), "--output-path", str(folder / "pagefind")]
    try:
        if not tool.exists():
            subprocess.run(install, check=True, capture_output=True, timeout=120)
        subprocess.run(index, check=True, capture_output=True, timeout=120)
    except (OSError, subprocess.SubprocessError) as error:
        say(f"{PAGEFIND}: not to be had from the npm registry, measured without it ({type(error).__name__})")
        return None
    (folder / "index.html").write_text((WEB / "pagefind.html").read_text("utf-8"), "utf-8")
    shutil.copyfile(WEB / "pagefind-start.js", folder / "pagefind-start.js")
    precompress(folder)
    return folder


def measure_starts(site: Path, floor: Path, rounds: int) -> dict[str, dict[str, list[dict[str, Any]]]]:
    """Start the floor and ours in turns, each with a profile of its own in every round."""
    found: dict[str, dict[str, list[dict[str, Any]]]] = {
        side: {load: [] for load in LOADS} for side in ("floor", "ours")
    }
    sides = {"floor": (floor, FLOOR, None), "ours": (site, OURS, QUESTIONS[0])}
    for number in range(rounds):
        # In turns, so that neither is always the one that comes first.
        for side in list(sides)[:: 1 if number % 2 else -1]:
            folder, script, question = sides[side]
            with open_profile() as profile, open_line(folder, LOCAL) as host:
                for load in LOADS:
                    with _blank(profile.new_page(), host) as page:
                        requests, sent = host.requests, host.bytes
                        result = page.evaluate(script, question)
                        page.wait_for_timeout(SETTLE)
                        row = _floor_row(result) if side == "floor" else result
                        row |= {"requests": host.requests - requests, "bytes": host.bytes - sent}
                        found[side][load].append(row)
        told = [
            f"{side}, {load} {found[side][load][-1]['times']['semantic']:.0f} ms"
            for side in sides
            for load in LOADS
        ]
        say(f"round {number + 1} of {rounds}: {'; '.join(told)}")
    return found


def _floor_row(laps: list[float]) -> dict[str, Any]:
    names = ("loadPyodide", "NumPy's wheel", "import numpy")
    stages = [
        {"name": name, "start": start, "end": end}
        for name, (start, end) in zip(names, pairwise([0, *laps]), strict=True)
    ]
    return {"times": {"semantic": laps[-1]}, "stages": stages}


@contextmanager
def _blank(page: Page, host: Host) -> Iterator[Page]:
    said: list[str] = []
    page.on("console", lambda message: said.append(message.text))
    page.set_default_timeout(PATIENCE)
    page.goto(f"{host.url}blank.html")
    yield page
    page.close()
    assert not said, f"the console says: {said}"


def measure_throttle(floor: Path) -> dict[str, float]:
    """Return how much longer the same work takes in a page and in its worker when the page is slowed down."""
    with open_profile() as profile, open_line(floor, LOCAL) as host, _blank(profile.new_page(), host) as page:
        before = _least(page)
        session = page.context.new_cdp_session(page)
        session.send("Emulation.setCPUThrottlingRate", {"rate": 4})
        slowed = _least(page)
        return {place: slowed[place] / before[place] for place in before}


def _least(page: Page) -> dict[str, float]:
    """Return the least of three, as anything else on the machine only adds to it."""
    times = [page.evaluate(SPIN) for _ in range(3)]
    return {place: min(time[place] for time in times) for place in times[0]}


def publish(found: dict[str, Any], docs: Path) -> None:
    """Write the section and its picture."""
    put_section(docs / "benchmarks.md", START, write_section(found))
    panels = {
        "unmodified Pyodide and NumPy, first load": ("floor", "first"),
        "latefind, first load": ("ours", "first"),
        "unmodified Pyodide and NumPy, second load": ("floor", "second"),
        "latefind, second load": ("ours", "second"),
    }
    rows = {name: _typical(found["starts"][side][load]) for name, (side, load) in panels.items()}
    title = "What the start spends its time on, of the loads with the median time"
    (docs / "images").mkdir(exist_ok=True)
    (docs / "images/boot-timeline.svg").write_text(draw_timeline(rows, title), "utf-8")


def _typical(rows: list[dict[str, Any]]) -> dict[str, Any]:
    middle = median(row["times"]["semantic"] for row in rows)
    return min(rows, key=lambda row: abs(row["times"]["semantic"] - middle))


if __name__ == "__main__":
    main()
