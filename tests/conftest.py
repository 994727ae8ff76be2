"""Fixtures on real parts: the shipped model, a small built site, a static server, Chromium."""

import functools
import http.server
import json
import os
import shutil
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Error, Page, Request, sync_playwright
from small_site import write_small_site

from latefind_build import index
from latefind_build.bundle import DEFAULT_MODEL
from latefind_build.cli import main
from latefind_build.paths import web_dir
from latefind_build.runtime import packed_runtime

SUB_PATH = "some/path"
"""Where the test server has the site: no site is always at the root of its host."""

ABOUT = [
    "bread",
    "knives",
    "slugs",
    "passwords",
    "backup",
    "sleep",
    "taxes",
    "insurance",
    "pruning",
    "copper",
    "steam",
    "roots",
]
"""What the few texts are about that exported models are judged on."""

CHROMIUM_FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


@pytest.fixture(scope="session", autouse=True)
def own_cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Builds of tests neither fill nor read the cache of whoever runs them."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("cache")))
        yield


@pytest.fixture(scope="session")
def model_dir() -> Path:
    return DEFAULT_MODEL


@pytest.fixture(scope="session")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Path]:
    """`checkpoint("bert", REFERENCE)` is a folder made by `checkpoints.make_bert`, once; don't change it."""

    @functools.cache
    def make(family: str, *arguments: object, **settings: object) -> Path:
        import checkpoints  # PyLate takes seconds to import: only where it is needed

        factory = getattr(checkpoints, f"make_{family}")
        folder: Path = factory(tmp_path_factory.mktemp("checkpoints") / family, *arguments, **settings)
        return folder

    return make


@pytest.fixture(scope="session")
def bert_checkpoint(checkpoint: Callable[..., Path]) -> Path:
    """PyLate's layout around a tiny BERT."""
    import torch

    torch.set_num_threads(1)
    return checkpoint("bert")


@pytest.fixture
def bert_copy(bert_checkpoint: Path, tmp_path: Path) -> Path:
    """The same, for tests that change it."""
    return shutil.copytree(bert_checkpoint, tmp_path / "bert")


@pytest.fixture(scope="session")
def exported(
    checkpoint: Callable[..., Path], tmp_path_factory: pytest.TempPathFactory
) -> Callable[..., Path]:
    """`exported("int8", "bert", REFERENCE)` is the bundle of that checkpoint by `latefind export`, once.

    It is judged on a few texts only: those of the exporter's own set take longer than all the rest.
    """
    dev = tmp_path_factory.mktemp("dev") / "dev.jsonl"
    lines = [{"query": f"What is {name}?", "passage": f"Here {name} is explained."} for name in ABOUT]
    dev.write_text("\n".join(map(json.dumps, lines)), "utf-8")

    @functools.cache
    def export(scheme: str, family: str, *arguments: object, **settings: object) -> Path:
        folder = checkpoint(family, *arguments, **settings)
        bundle = tmp_path_factory.mktemp("bundles") / family
        options = ["--output", str(bundle), "--quantize", scheme, "--dev", str(dev)]
        assert main(["export", str(folder), *options]) == 0
        return bundle

    return export


@pytest.fixture(scope="session")
def built_site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small site, built by `latefind build` below a folder that plays the host's root."""
    site = tmp_path_factory.mktemp("host") / SUB_PATH
    write_small_site(site)
    assert main(["build", str(site)]) == 0
    return site


@pytest.fixture(scope="session")
def large_site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same pages as an index of the large tier, in shards of a section or two."""
    site = tmp_path_factory.mktemp("large-host") / SUB_PATH
    write_small_site(site)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(index, "SHARD_BYTES", 1_200)
        assert main(["build", str(site), "--tier", "large"]) == 0
    return site


@pytest.fixture
def site_copy(built_site: Path, tmp_path: Path) -> Path:
    """The built site, for tests that damage it."""
    copy = tmp_path / "host" / SUB_PATH
    shutil.copytree(built_site, copy)
    return copy


MODULES = "/modules/"
"""Where every host of :func:`serve` has the page's modules as they are written, one by one."""


class _QuietHandler(http.server.SimpleHTTPRequestHandler):
    def translate_path(self, path: str) -> str:
        name = urlsplit(path).path
        if not name.startswith(MODULES):
            return super().translate_path(path)
        name = name.removeprefix(MODULES)
        return str((packed_runtime() if name.startswith("stem/") else web_dir()) / name)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 (the base class's name)
        pass


@functools.cache
def serve(root: Path) -> str:
    """Serve ``root`` by Python's own http.server, which sends no special header, until the tests end."""
    handler = functools.partial(_QuietHandler, directory=str(root))
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return f"http://127.0.0.1:{server.server_address[1]}/"


def site_url(site: Path) -> str:
    """Serve the host's root above ``site`` and return the site's URL, below the sub-path."""
    return f"{serve(site.parent.parent)}{SUB_PATH}/"


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    path = shutil.which(os.environ.get("LATEFIND_CHROMIUM", "chromium"))
    assert path, "Chromium is needed: `make browser`, or name one in LATEFIND_CHROMIUM"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=CHROMIUM_FLAGS)
        yield browser
        browser.close()


@dataclass
class Watched:
    """A page, and everything that it said and asked for."""

    page: Page
    console: list[str] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)

    def hosts(self) -> set[str]:
        return {urlsplit(url).netloc for url in self.requests if not url.startswith(("data:", "blob:"))}


@contextmanager
def watch(chromium: Browser) -> Iterator[Watched]:
    """Open a fresh profile's page. Its requests never leave the origin, whatever the test is about."""
    context = chromium.new_context()
    seen = Watched(context.new_page())

    def on_console(message: ConsoleMessage) -> None:
        seen.console.append(f"{message.type}: {message.text}")

    def on_error(error: Error) -> None:
        seen.console.append(f"uncaught: {error.message}")

    def on_request(request: Request) -> None:
        seen.requests.append(request.url)

    context.on("console", on_console)
    seen.page.on("pageerror", on_error)
    context.on("request", on_request)
    yield seen
    context.close()
    assert len(seen.hosts()) <= 1, f"requests to several origins: {seen.hosts()}"


@pytest.fixture
def watched(chromium: Browser) -> Iterator[Watched]:
    """A page of one test."""
    with watch(chromium) as seen:
        yield seen


def obey_ctrl_c() -> None:
    """For Popen's preexec_fn: a shell's background jobs, and so their children, start out ignoring SIGINT."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)
