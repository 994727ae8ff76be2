"""What a visitor's browser does with an index: requests, bytes, milliseconds, memory. Real Chromium.

Requests are counted where they arrive, at the server, so that workers' requests count and what the browser
takes from its caches does not.
"""

import os
import re
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from functools import partial
from pathlib import Path
from statistics import median, quantiles

from playwright.sync_api import Browser, Page

from latefind_build.browser_eval import open_chromium
from latefind_build.serve import _Handler, address, make_server

STAGES = ("tokenize", "encode", "candidates", "rerank", "fetch", "total")

OPEN = """async (base) => {
  const start = performance.now();
  const { createSearch } = await import(base + "latefind.js");
  globalThis.search = await createSearch({ base });
  await globalThis.search.loadSemantic();
  return performance.now() - start;
}"""

ASK = """async (text) => {
  const start = performance.now();
  const answer = await globalThis.search.query(text, { limit: 10, mode: "semantic" });
  const wall = performance.now() - start;
  return { timings: answer.timings, wall, top: answer.results.map(({ id }) => id) };
}"""

COMPARE = """([base, queries, maxsimWeb]) => new Promise((resolve, reject) => {
  const worker = new Worker("baseline.js", { type: "module" });
  worker.onerror = (event) => reject(new Error(event.message));
  worker.onmessage = ({ data }) => (data.failed ? reject(new Error(data.failed)) : resolve(data.done));
  worker.postMessage({ base, queries, maxsimWeb });
})"""


@dataclass
class Traffic:
    """Requests that reached the server, and the bytes of their bodies; of the index, and of everything."""

    requests: int = 0
    bytes: int = 0
    index_requests: int = 0
    index_bytes: int = 0

    def minus(self, before: "Traffic") -> "Traffic":
        mine, theirs = asdict(self), asdict(before)
        return Traffic(**{key: mine[key] - theirs[key] for key in mine})


@dataclass
class Pass:
    """One pass over the questions: medians and 95th percentiles of each stage in ms, and requests."""

    median: dict[str, float]
    p95: dict[str, float]
    requests_mean: float
    requests_max: int
    bytes_mean: float
    bytes_max: int


@dataclass
class Visit:
    """A visit of someone who has never been there, with as many questions as were given."""

    load_ms: float
    first_ms: float
    first: Traffic
    new: Pass
    warm: Pass
    blank_memory: int | None
    peak_memory: int | None
    tops: list[list[str]] = field(repr=False)


class Host:
    """Serves a folder and counts."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.seen = Traffic()
        self._server = make_server(root, 0)
        self._server.RequestHandlerClass = partial(_Counting, directory=str(root.resolve()), host=self)
        self.url = address(self._server)
        self._lock = threading.Lock()
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def count(self, path: str, status: int, size: int) -> None:
        with self._lock:
            body = size if status == 200 else 0
            self.seen.requests += 1
            self.seen.bytes += body
            if re.search(r"/index/", path):
                self.seen.index_requests += 1
                self.seen.index_bytes += body

    def snapshot(self) -> Traffic:
        with self._lock:
            return Traffic(**asdict(self.seen))

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


class _Counting(_Handler):
    def __init__(self, *args: object, host: Host, **kwargs: object) -> None:
        self._host = host
        super().__init__(*args, **kwargs)

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        file = self._host.root / self.path.split("?")[0].lstrip("/")
        self._host.count(self.path, int(code), file.stat().st_size if file.is_file() else 0)


@contextmanager
def open_host(root: Path) -> Iterator[Host]:
    host = Host(root)
    try:
        yield host
    finally:
        host.close()


def visit(host: Host, bundle: str, questions: Sequence[str]) -> Visit:
    """Open the index at ``bundle``, relative to the host, in a fresh browser; ask every question twice."""
    with open_chromium() as browser:
        page = _open_page(browser, host)
        blank = _peak_memory()
        before = host.snapshot()
        load_ms = page.evaluate(OPEN, host.url + bundle)
        first = page.evaluate(ASK, questions[0])
        traffic = host.snapshot().minus(before)
        new = [_ask(page, host, text) for text in questions[1:]]
        warm = [_ask(page, host, text) for text in questions[1:]]
        return Visit(
            load_ms=load_ms,
            first_ms=load_ms + first["wall"],
            first=traffic,
            new=_summarize(new),
            warm=_summarize(warm),
            blank_memory=blank,
            peak_memory=_peak_memory(),
            tops=[first["top"], *(answer["top"] for answer, _ in warm)],
        )


def compare(host: Host, bundle: str, queries: Sequence[list[list[float]]], maxsim_web: str | None) -> dict:
    """Time exact scans over the same vectors, in a worker of a fresh browser."""
    with open_chromium() as browser:
        page = _open_page(browser, host)
        url = host.url + maxsim_web if maxsim_web else None
        return page.evaluate(COMPARE, [host.url + bundle, queries, url])


def _open_page(browser: Browser, host: Host) -> Page:
    page = browser.new_page()
    page.set_default_timeout(600_000)
    page.goto(f"{host.url}baseline.html")
    return page


def _ask(page: Page, host: Host, text: str) -> tuple[dict, Traffic]:
    before = host.snapshot()
    return page.evaluate(ASK, text), host.snapshot().minus(before)


def _summarize(answers: Sequence[tuple[dict, Traffic]]) -> Pass:
    stages = {stage: [answer["timings"][stage] for answer, _ in answers] for stage in STAGES}
    stages["scoring"] = [a["timings"]["candidates"] + a["timings"]["rerank"] for a, _ in answers]
    requests = [traffic.index_requests for _, traffic in answers]
    sizes = [traffic.index_bytes for _, traffic in answers]
    return Pass(
        median={stage: median(values) for stage, values in stages.items()},
        p95={stage: quantiles(values, n=20)[-1] for stage, values in stages.items()},
        requests_mean=sum(requests) / len(requests),
        requests_max=max(requests),
        bytes_mean=sum(sizes) / len(sizes),
        bytes_max=max(sizes),
    )


def _peak_memory() -> int | None:
    """Return the largest resident set, in bytes, that any of our browser's page processes has ever had.

    Page and worker share a process. None where there is no /proc.
    """
    parents: dict[int, int] = {}
    peaks: dict[int, int] = {}
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            status = (folder / "status").read_text()
            command = (folder / "cmdline").read_bytes()
        except OSError:
            continue
        fields = dict(line.split(":\t", 1) for line in status.splitlines() if ":\t" in line)
        parents[int(folder.name)] = int(fields["PPid"])
        if b"--type=renderer" in command and "VmHWM" in fields:
            peaks[int(folder.name)] = int(fields["VmHWM"].split()[0]) * 1024
    ours = [peak for process, peak in peaks.items() if _descends(process, parents)]
    return max(ours, default=None)


def _descends(process: int, parents: dict[int, int]) -> bool:
    while process > 1:
        if process == os.getpid():
            return True
        process = parents.get(process, 0)
    return False
