"""``make bench-visit``: what a visitor waits for, from opening a page to the last highlight, in Chromium.

Two sites, this documentation and one of about 2,500 sections; first and second visit; from this machine and
over a slow line; then without a host, after the visitor wanted a copy. Somebody presses the key as soon as
there is a button, and types. Takes about five minutes, most of it the model's way over the slow line.
``--help`` has the options.
"""

import argparse
import json
import random
import shutil
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from html import escape
from pathlib import Path
from typing import Any

from link import LOCAL, SLOW_4G, Host, Line, open_line
from playwright.sync_api import BrowserContext, sync_playwright
from run import hardware, versions
from sections import VISIT, put_section
from texts import REPOSITORY, SEED, _read_docs, _read_sets, default_folder
from visit_report import write_section

from latefind_build.browser_eval import EXECUTABLES
from latefind_build.cli import main as latefind
from latefind_build.progress import say

SECTIONS = 2_270
PER_PAGE = 10
"""A page is a section too, its title."""

SETS = ("emanual-s10", "gnome-help-en", "faq-en", "xquad-en", "vaswani-npl")
KEY_DELAY = 80
"""Milliseconds between two keys: a fast typist's."""

PATIENCE = 600_000
"""Milliseconds for the slowest stage."""

QUESTIONS = {
    "documentation": "how do visitors keep the site without a connection",
    "2,500 sections": "how do I see the battery level",
}

WATCH = (Path(__file__).parent / "web/watch-visit.js").read_text("utf-8")
KEEP = """async (base) => {
  const { createOffline } = await import(base + "offline.js");
  const offline = await createOffline({ base });
  await offline.enable();
  while (offline.status.state !== "ready") {
    if (offline.status.error) throw new Error(offline.status.error.message);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  return offline.status.bytesTotal;
}"""


@dataclass
class Stage:
    """When something was there, in ms since the navigation, and what had been sent by then."""

    ms: float
    requests: int
    bytes: int


def main() -> None:
    options = _parse()
    options.work.mkdir(parents=True, exist_ok=True)
    sites = {
        "documentation": make_documentation(options.work / "documentation"),
        "2,500 sections": make_sections(options.work / "sections", options.texts),
    }
    rows = [row for name, site in sites.items() for row in measure(name, site, LOCAL)]
    if not options.fast:
        with ThreadPoolExecutor(len(sites)) as pool:
            # Together: they wait for their lines, not for the processor.
            for part in pool.map(lambda item: measure(*item, SLOW_4G), sites.items()):
                rows += part
    about = {
        "command": "make bench-visit",
        "date": time.strftime("%Y-%m-%d"),
        "hardware": hardware(),
        "versions": versions(),
        "note": options.note,
    }
    (options.work / "visit.json").write_text(
        json.dumps({"about": about, "rows": rows}, indent=1) + "\n", "utf-8"
    )
    put_section(options.docs / "benchmarks.md", VISIT, write_section(rows, about))


def _parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--texts", type=Path, default=default_folder(), help="folder of sets in BEIR's format"
    )
    parser.add_argument("--work", type=Path, default=Path.home() / ".cache" / "latefind-bench" / "visit")
    parser.add_argument("--docs", type=Path, default=REPOSITORY / "docs", help="where the report goes")
    parser.add_argument("--fast", action="store_true", help="leave out the slow line")
    parser.add_argument(
        "--note", default="", help="a sentence for the report, of the machine's load for instance"
    )
    return parser.parse_args()


def make_documentation(folder: Path) -> Path:
    """Build this documentation as `make demo` does."""
    command = ["site", str(REPOSITORY / "docs"), "--output", str(folder)]
    assert latefind([*command, "--config", str(REPOSITORY / "site/latefind.toml")]) == 0
    return folder


def make_sections(folder: Path, texts: Path | None) -> Path:
    """Build a site of plain pages, with the lines of docs/add-to-your-site.md in each."""
    found = _read_sets(texts) if texts else _read_docs()
    sections = [section for section in found if texts is None or section.id.split("/")[0] in SETS]
    random.Random(SEED).shuffle(sections)
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    chosen = sections[:SECTIONS]
    for number in range(0, len(chosen), PER_PAGE):
        parts = "".join(
            f'<h2 id="s{at}">{escape(section.title or section.text[:60])}</h2><p>{escape(section.text)}</p>'
            for at, section in enumerate(chosen[number : number + PER_PAGE])
        )
        title = f"Page {number // PER_PAGE + 1}"
        name = "index.html" if number == 0 else f"page-{number // PER_PAGE + 1}.html"
        (folder / name).write_text(
            f'<!doctype html><html lang="en"><meta charset="utf-8"><title>{title}</title>'
            '<link rel="icon" href="data:,"><script type="module" src="/latefind/latefind-ui.js"></script>'
            '<latefind-search variant="modal" base="/latefind/"></latefind-search>'
            f"<main><h1>{title}</h1>{parts}</main></html>",
            "utf-8",
        )
    assert latefind(["build", str(folder), "--pwa"]) == 0
    return folder


def measure(name: str, site: Path, line: Line) -> list[dict[str, Any]]:
    """Visit a site twice with one profile; where the line is fast, a third time without the host."""
    rows = []
    with open_profile() as profile, open_line(site, line) as host:
        for visit in ("first", "second"):
            rows.append(
                {"site": name, "line": line.name, "visit": visit} | _visit(profile, host, QUESTIONS[name])
            )
            say(_told(rows[-1]))
        if line is LOCAL:
            page = profile.new_page()
            page.goto(host.url)
            kept = page.evaluate(KEEP, f"{host.url}latefind/")
            page.close()
            host.stop()
            found = _visit(profile, host, QUESTIONS[name])
            rows.append({"site": name, "line": line.name, "visit": "offline", "kept": kept} | found)
            say(_told(rows[-1]))
    return rows


def _visit(profile: BrowserContext, host: Host, question: str) -> dict[str, Any]:
    """Open the site's first page, press the key, type the question, and wait for the last highlight."""
    requests, sent = host.requests, host.bytes
    page = profile.new_page()
    page.set_default_timeout(PATIENCE)
    said: list[str] = []
    page.on("console", lambda message: said.append(message.text))
    stages: dict[str, dict[str, float]] = {}

    def reached(stage: str, ms: float) -> None:
        stages[stage] = asdict(Stage(ms, host.requests - requests, host.bytes - sent))

    page.expose_function("reached", reached)
    page.add_init_script(WATCH)
    page.goto(host.url, wait_until="commit")
    page.wait_for_function("() => globalThis.noted?.usable")
    page.keyboard.press("Control+k")
    page.keyboard.type(question, delay=KEY_DELAY)
    page.evaluate("(question) => { globalThis.noted.question = question; }", question)
    page.wait_for_function("() => globalThis.noted.highlights")
    page.wait_for_timeout(100)
    keyed = page.evaluate("() => globalThis.noted.key")
    page.close()
    assert not said, f"the console says: {said}"
    return {"stages": stages, "key_ms": keyed}


@contextmanager
def open_profile() -> Iterator[BrowserContext]:
    """Start a Chromium with a profile of its own on disk, as a visitor has one."""
    path = next(filter(None, map(shutil.which, EXECUTABLES)), None)
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder, sync_playwright() as playwright:
        arguments = ["--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking"]
        context = playwright.chromium.launch_persistent_context(folder, executable_path=path, args=arguments)
        yield context
        context.close()


def _told(row: dict[str, Any]) -> str:
    stages = ", ".join(f"{name} {stage['ms'] / 1000:.2f} s" for name, stage in row["stages"].items())
    return f"{row['site']}, {row['line']}, {row['visit']}: {stages}"


if __name__ == "__main__":
    main()
