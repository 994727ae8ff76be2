"""A host that tests stop, restart, break off and publish anew on; it counts what it sends."""

import functools
import json
import os
import re
import shutil
import socket
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

from conftest import SUB_PATH, Watched, watch
from playwright.sync_api import Browser, Page

from latefind_build.cli import main
from latefind_build.pwa import add_offline
from latefind_build.serve import _Handler, _Server

SOME = 50_000
"""Bytes that a light host has of a large file: tests of copying need no more of what a search needs whole."""

# Requests of service workers are seen too: they must not leave the origin either.
os.environ.setdefault("PW_EXPERIMENTAL_SERVICE_WORKER_NETWORK_EVENTS", "1")

OPEN = """async (base) => {
  const { createOffline } = await import(base + "offline.js");
  globalThis.offline = await createOffline({ base });
  globalThis.told = () => ({ ...offline.status, error: offline.status.error?.code ?? null });
  return told();
}"""

UNTIL = """(states) => new Promise((resolve, reject) => {
  setTimeout(() => reject(new Error(`still ${JSON.stringify(told())}`)), 45_000);
  const look = () => states.includes(offline.status.state) && resolve(told());
  offline.addEventListener("status", look);
  look();
})"""


class Host:
    """One static host on a port of its own, with the headers of ``latefind serve``."""

    def __init__(self, root: Path, path: str = f"{SUB_PATH}/") -> None:
        self.root = root
        self.path = path
        self.origin: Path | None = None
        """The site that it has a copy of."""
        self.is_light = False
        self.sent: list[tuple[str, int]] = []
        self.asked: list[str] = []
        """What was asked for, also where the answer was that nothing changed."""
        self.cut: dict[str, int] = {}
        self.gate: dict[str, threading.Event] = {}
        self.port = 0
        self._server: _Server | None = None
        self._sockets: list[socket.socket] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/{self.path}"

    @property
    def bundle(self) -> str:
        return f"{self.url}latefind/"

    def start(self) -> None:
        handler = partial(_CountingHandler, directory=str(self.root), host=self)
        self._server = _Server(("127.0.0.1", self.port), handler)
        self.port = self._server.server_address[1]
        threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True).start()

    def stop(self) -> None:
        """Stop listening, and end the connections that a browser keeps."""
        if self._server is None:
            return
        self._server.shutdown()
        self._server.server_close()
        self._server = None
        for open_socket in self._sockets:
            try:
                open_socket.shutdown(socket.SHUT_RDWR)
            except OSError:
                continue  # The browser was faster.
        self._sockets.clear()

    def bytes_of(self, part: str = "") -> int:
        return sum(size for path, size in self.sent if part in path)

    def requests_of(self, part: str = "") -> int:
        return sum(part in path for path, _ in self.sent)


class _CountingHandler(_Handler):
    def __init__(self, *arguments: Any, host: Host, **settings: Any) -> None:
        self.host = host
        super().__init__(*arguments, **settings)

    def setup(self) -> None:
        super().setup()
        self.host._sockets.append(self.connection)

    def send_head(self) -> Any:
        self.host.asked.append(self.path)
        # Before the file is opened: what is behind a gate is what is there when the gate opens.
        for part, gate in self.host.gate.items():
            if part in self.path:
                gate.wait(60)
        return super().send_head()

    def copyfile(self, source: Any, outputfile: Any) -> None:
        data = source.read()
        for part, limit in self.host.cut.items():
            if part in self.path:
                outputfile.write(data[:limit])
                self.host.sent.append((self.path, limit))
                self.connection.shutdown(socket.SHUT_RDWR)
                self.close_connection = True
                return
        self.host.sent.append((self.path, len(data)))
        outputfile.write(data)

    def log_message(self, format: str, *arguments: object) -> None:  # noqa: A002 (the base class's name)
        pass


@contextmanager
def hosted(site: Path, folder: Path, pages: str = "all", *, light: bool = False) -> Iterator[Host]:
    """A copy of a built site, completed for offline use, on a host; a light one cannot search by meaning."""
    _copy(site, folder / "host" / SUB_PATH, pages, light)
    host = Host(folder / "host")
    host.origin, host.is_light = site, light
    host.start()
    yield host
    host.stop()


def _copy(site: Path, target: Path, pages: str, light: bool) -> None:
    shutil.copytree(site, target, copy_function=_copy_some if light else shutil.copy2)
    add_offline(target / "latefind", target, "latefind", pages)  # type: ignore[arg-type]


def _copy_some(source: str, target: str) -> None:
    shutil.copy2(source, target)
    large = re.search(r"/latefind/(model|runtime/(pyodide|onnxruntime)-\w+)/", Path(source).as_posix())
    if large and Path(target).stat().st_size > SOME:
        os.truncate(target, SOME)


@contextmanager
def visitor(chromium: Browser, host: Host) -> Iterator[Watched]:
    """A fresh profile that looks at the host's first page."""
    with watch(chromium) as seen:
        seen.page.goto(host.url)
        yield seen


def open_offline(seen: Watched, host: Host) -> dict[str, Any]:
    status: dict[str, Any] = seen.page.evaluate(OPEN, host.bundle)
    return status


def until(seen: Watched, *states: str) -> dict[str, Any]:
    status: dict[str, Any] = seen.page.evaluate(UNTIL, list(states))
    return status


def wait_until(page: Page, condition: str, arg: object = None) -> None:
    """Wait until an asynchronous condition holds; ``wait_for_function`` takes its promise for a yes."""
    for _ in range(300):
        if page.evaluate(condition, arg):
            return
        page.wait_for_timeout(100)
    raise AssertionError(condition)


def keep_offline(seen: Watched, host: Host) -> dict[str, Any]:
    """Do what a visitor does who wants the site offline, and wait until it is there."""
    open_offline(seen, host)
    seen.page.evaluate("() => offline.enable()")
    return until(seen, "ready")


@functools.cache
def _newer(site: Path) -> Path:
    """Build the site anew, once: one page says something else, and so do its index and one script."""
    newer = Path(tempfile.mkdtemp(dir=site.parents[2])) / SUB_PATH
    shutil.copytree(site, newer)
    page = newer / "kitchen.html"
    page.write_text(page.read_text("utf-8").replace("Sharpening knives", "Sharpening chisels"), "utf-8")
    assert main(["build", str(newer)]) == 0
    script = newer / "latefind/worker.js"
    script.write_text(script.read_text("utf-8") + '\nself.postMessage({ type: "newer" });\n', "utf-8")
    return newer


def publish(host: Host) -> None:
    """Publish the site of :func:`_newer`, as hosts do: all of it takes the place of what was there."""
    assert host.origin
    staged = host.root / "staged"
    _copy(_newer(host.origin), staged, "all", host.is_light)
    site = host.root / SUB_PATH
    site.rename(host.root / "before")
    staged.rename(site)


def version_of(host: Host) -> str:
    return str(json.loads((host.root / SUB_PATH / "latefind/precache.json").read_bytes())["version"])


def restart_worker(seen: Watched) -> None:
    """End the service worker, as browsers do with one that has nothing to do."""
    session = seen.page.context.new_cdp_session(seen.page)
    session.send("ServiceWorker.enable")
    session.send("ServiceWorker.stopAllWorkers")
    session.detach()
