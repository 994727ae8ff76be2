"""Whole visits for ``make bench-boot``: two pages of the demo site, letter by letter, and Pagefind's page."""

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from link import LOCAL, SLOW_4G, Host, Line, open_line
from playwright.sync_api import BrowserContext, Page
from visit import KEY_DELAY, PATIENCE, WATCH, open_profile

from latefind_build.progress import say

QUESTIONS = (
    "how do visitors keep the site without a connection",
    "does anybody see what my visitors type",
    "which files does a host have to compress",
)
"""The first is asked while everything loads, all of them once it is there."""

SETTLE = 2_500
"""Milliseconds that a page stays open afterwards: the browser keeps compiled code only after some rest."""

SECOND_PAGE = "getting-started/"
LONG = 50
"""Milliseconds from which on a task of the main thread counts as long."""

WEB = Path(__file__).parent / "web"
WATCH_TASKS = (WEB / "watch-tasks.js").read_text("utf-8")
WATCH_PAGEFIND = (WEB / "watch-pagefind.js").read_text("utf-8")
SEARCH = "/latefind/"
"""Where the site has what belongs to its search."""


@dataclass(frozen=True)
class Scene:
    """How somebody visits."""

    line: Line = LOCAL
    slowdown: int = 1
    encoding: str = "brotli"
    rounds: int | None = None
    """So many, and not as many as asked for."""

    @property
    def encodings(self) -> frozenset[str] | None:
        return frozenset({"gzip"}) if self.encoding == "gzip" else None


SCENES = (Scene(), Scene(encoding="gzip", rounds=1), Scene(slowdown=4))
SLOW_SCENES = (Scene(SLOW_4G, 4, rounds=1),)


def measure_visits(site: Path, pagefind: Path | None, rounds: int, *, slow: bool) -> list[dict[str, Any]]:
    """Visit the site in every scene, and after each of them Pagefind's page in the same."""
    rows = []
    scenes = SCENES + (SLOW_SCENES if slow else ())
    for number in range(rounds):
        for scene in scenes:
            if number >= (scene.rounds or rounds):
                continue
            told = len(rows)
            about = {"line": scene.line.name, "slowdown": scene.slowdown, "encoding": scene.encoding}
            with open_profile() as profile, open_line(site, scene.line, scene.encodings) as host:
                rows += [{"search": "latefind", **about, **row} for row in _visit_ours(profile, host, scene)]
            if pagefind and scene.encoding == "brotli":
                with open_profile() as profile, open_line(pagefind, scene.line) as host:
                    rows.append({"search": "Pagefind", **about, **_visit_pagefind(profile, host, scene)})
            say(_told(rows[told:]))
    return rows


def _visit_ours(profile: BrowserContext, host: Host, scene: Scene) -> list[dict[str, Any]]:
    """Ask on the first page, ask three questions more when everything is there, then ask on another page."""
    page = _open(profile, scene, WATCH)
    stages: dict[str, dict[str, float]] = {}
    mark = _Mark(host)
    page.expose_function(
        "reached", lambda stage, ms: stages.setdefault(stage, {"ms": ms} | asdict(mark.since()))
    )
    said: list[str] = []
    page.on("console", lambda message: said.append(message.text))
    _ask(page, host.url, QUESTIONS[0])
    if scene.encoding == "gzip":  # Only what is sent is of interest.
        page.close()
        return [{"page": "first", "stages": dict(stages)}]
    page.wait_for_function("() => globalThis.noted.highlights")  # Then nothing of ours looks any more.
    page.wait_for_timeout(SETTLE)
    first = {"page": "first", "stages": dict(stages)} | _type_on(page)
    stages.clear()
    mark.set()
    _ask(page, f"{host.url}{SECOND_PAGE}", QUESTIONS[1])
    second = {"page": "second", "stages": dict(stages)}
    page.close()
    assert not said, f"the console says: {said}"
    return [first, second]


def _visit_pagefind(profile: BrowserContext, host: Host, scene: Scene) -> dict[str, Any]:
    page = _open(profile, scene, WATCH_PAGEFIND)
    stages: dict[str, dict[str, float]] = {}
    mark = _Mark(host)
    page.expose_function(
        "reached", lambda stage, ms: stages.setdefault(stage, {"ms": ms} | asdict(mark.since()))
    )
    page.goto(host.url, wait_until="commit")
    page.wait_for_function("() => globalThis.noted?.usable")
    page.locator(".pagefind-ui__search-input").focus()
    # At once: it answers only when somebody has stopped typing, which would be all that is measured.
    page.keyboard.insert_text(QUESTIONS[0])
    page.wait_for_function("() => globalThis.noted.lexical")
    page.close()
    return {"page": "first", "stages": stages}


def _open(profile: BrowserContext, scene: Scene, watch: str) -> Page:
    page = profile.new_page()
    page.set_default_timeout(PATIENCE)
    page.add_init_script(watch)
    page.add_init_script(WATCH_TASKS)
    if scene.slowdown > 1:
        session = profile.new_cdp_session(page)
        session.send("Emulation.setCPUThrottlingRate", {"rate": scene.slowdown})
    return page


def _ask(page: Page, url: str, question: str) -> None:
    """Open a page, press the key of the search, type, and wait for the answer by words and meaning."""
    page.goto(url, wait_until="commit")
    page.wait_for_function("() => globalThis.noted?.usable")
    page.keyboard.press("Control+k")
    page.keyboard.type(question, delay=KEY_DELAY)
    page.evaluate("(question) => { globalThis.noted.question = question; }", question)
    page.wait_for_function("() => globalThis.noted.refined")
    page.wait_for_timeout(100)


def _type_on(page: Page) -> dict[str, Any]:
    """Type every question; return the main thread's long tasks while loading, and while typing."""
    begun = page.evaluate("() => performance.now()")
    for question in QUESTIONS:
        page.keyboard.press("Control+a")
        page.keyboard.press("Delete")
        page.keyboard.type(question, delay=KEY_DELAY)
        page.wait_for_timeout(1_000)
    tasks = page.evaluate("() => globalThis.longTasks")
    keyed = page.evaluate("() => globalThis.noted.key")
    ready = page.evaluate("() => globalThis.noted.semantic")
    long = [task for task in tasks if task["ms"] > LONG]
    return {
        "key_ms": keyed,
        "typing": [task for task in long if task["start"] >= begun],
        "loading": [task for task in long if task["start"] < ready],
    }


class _Mark:
    """What a host had sent at some moment."""

    def __init__(self, host: Host) -> None:
        self.host = host
        self.set()

    def set(self) -> None:
        self.answers, self.bytes = len(self.host.answers), self.host.bytes

    def since(self) -> "Sent":
        answers = self.host.answers[self.answers :]
        return Sent(
            len(answers),
            sum(status == 304 for _, status in answers),
            sum(path.startswith(SEARCH) for path, _ in answers),
            self.host.bytes - self.bytes,
        )


@dataclass
class Sent:
    """Requests of all kinds, those answered with 304, those of the search's files, and bytes of bodies."""

    requests: int
    unchanged: int
    of_search: int
    bytes: int


def _told(rows: list[dict[str, Any]]) -> str:
    stages = [
        f"{row['search']} {row['page']}: "
        + ", ".join(f"{name} {stage['ms'] / 1000:.2f} s" for name, stage in row["stages"].items())
        for row in rows
    ]
    row = rows[-1]
    return f"{row['line']}, {row['slowdown']}x, {row['encoding']}: {'; '.join(stages)}"
