"""How search by meaning starts: side by side, each file once, within bounds of memory, and timed."""

import functools
import http.server
import os
import re
import shutil
import threading
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from conftest import CHROMIUM_FLAGS, SUB_PATH, Watched, site_url, watch
from playwright.sync_api import Browser

from latefind_build.serve import _Handler, address, make_server

OPEN = """async (base) => {
  const { createSearch } = await import(base + "latefind.js");
  globalThis.search = await createSearch({ base, semantic: "on-demand" });
  try {
    await search.loadSemantic();
    return { semantic: search.status.semantic };
  } catch ({ code, message }) {
    return { semantic: search.status.semantic, code, message };
  }
}"""

ASK = """async (text) => {
  const { results } = await search.query(text, { mode: "semantic" });
  return results.map(({ id }) => id);
}"""

STAGES = """() => performance.getEntriesByType("measure")
  .filter(({ name }) => name.startsWith("latefind:"))
  .map(({ name, startTime: begun, duration }) => [name.slice("latefind:".length), begun, begun + duration])"""

QUESTION, ANSWER = "stop snails eating my lettuce", "garden/#slugs"

MEMORY = """async ([base, runtime, model, pages]) => {
  const made = [];
  WebAssembly.Memory = class extends WebAssembly.Memory {
    constructor(descriptor) {
      super(descriptor);
      if (descriptor.shared && descriptor.initial) made.push([descriptor.maximum, this]);
    }
  };
  const { Encoder } = await import("/modules/encoder.js");
  const bytes = fetch(base + model).then(async (response) => new Uint8Array(await response.arrayBuffer()));
  const size = () => made.map(([maximum, { buffer }]) => [maximum, buffer.byteLength]);
  try {
    const encoder = await Encoder.start(base + runtime, bytes, model, pages);
    await encoder.encode(Array(512).fill(2003), Array(512).fill(1));
    return { made: size() };
  } catch ({ code, message }) {
    return { made: size(), code, message };
  }
}"""
"""The encoder in a page: the maximum, in pages, and the bytes of each shared memory that it makes."""

PAGE = 65_536


def start(watched: Watched, site: Path) -> dict[str, Any]:
    url = site_url(site)
    watched.page.goto(url)
    opened: dict[str, Any] = watched.page.evaluate(OPEN, f"{url}latefind/")
    return opened


def paths(watched: Watched) -> list[str]:
    return [url.split("/latefind/")[1] for url in watched.requests if "/latefind/" in url]


@pytest.fixture(scope="module")
def started(built_site: Path, chromium: Browser) -> Iterator[Watched]:
    """A page in which search by meaning has started."""
    with watch(chromium) as watched:
        assert start(watched, built_site) == {"semantic": "ready"}
        yield watched


def test_boot_fetches_every_file_of_the_runtime_once(started: Watched) -> None:
    fetched = Counter(path for path in paths(started) if path.startswith(("runtime/", "model/", "index/")))
    assert {path: times for path, times in fetched.items() if times > 1} == {}
    assert sum(path.endswith(".wasm") for path in fetched) == 2


def test_boot_fetches_onnxruntime_as_one_module_and_starts_no_worker_for_it(started: Watched) -> None:
    names = [path.rsplit("/", 1)[-1] for path in paths(started) if path.startswith("runtime/onnxruntime-")]
    assert sorted(names) == ["ort-wasm-simd-threaded.wasm", "ort.wasm.bundle.min.mjs"]
    workers = [worker.url.rsplit("/", 1)[-1] for worker in started.page.workers]
    assert sorted(workers) == ["encoder-worker.js", "worker.js"]


def test_boot_shows_its_stages_in_the_page_s_timeline(started: Watched) -> None:
    stages = {name: (begun, ended) for name, begun, ended in started.page.evaluate(STAGES)}
    assert {"start", "pyodide", "packages", "import", "model", "session", "warm up"} <= stages.keys()
    ready = stages["start"][1]
    assert all(begun <= ended <= ready for begun, ended in stages.values())


def test_boot_starts_the_encoder_while_python_starts(started: Watched) -> None:
    stages = {name: (begun, ended) for name, begun, ended in started.page.evaluate(STAGES)}
    assert stages["encoder"][0] < stages["pyodide"][1]
    assert stages["session"][0] < stages["warm up"][0]
    assert [path for path in paths(started) if path.endswith("/encoder-worker.js")]


def test_boot_says_nothing_in_the_console(started: Watched) -> None:
    assert started.console == []


def test_boot_without_the_encoder_s_worker_names_it(site_copy: Path, watched: Watched) -> None:
    [worker] = (site_copy / "latefind").glob("runtime/code-*/encoder-worker.js")
    worker.unlink()
    opened = start(watched, site_copy)
    assert opened["code"] == "worker-failed"
    assert "encoder-worker.js: expected a module worker that starts" in opened["message"]


def test_boot_with_a_missing_webassembly_file_names_it(site_copy: Path, watched: Watched) -> None:
    [wasm] = (site_copy / "latefind/runtime").glob("onnxruntime-*/*.wasm")
    wasm.unlink()
    opened = start(watched, site_copy)
    assert opened["code"] == "network"
    assert f"{wasm.name}: expected HTTP status 200, got 404" in opened["message"]


def test_boot_with_damaged_files_of_python_names_them(site_copy: Path, watched: Watched) -> None:
    [library] = (site_copy / "latefind/runtime").glob("pyodide-*/python.bin")
    data = bytearray(library.read_bytes())
    data[1000] ^= 1
    library.write_bytes(bytes(data))
    opened = start(watched, site_copy)
    assert opened["code"] == "integrity"
    assert library.name in opened["message"]


@pytest.fixture
def plain_host(built_site: Path) -> Iterator[str]:
    """The site on a host that knows no type of what the runtime consists of."""

    class Handler(http.server.SimpleHTTPRequestHandler):
        def guess_type(self, path: str | os.PathLike[str]) -> str:
            unknown = str(path).endswith((".mjs", ".wasm"))
            return "application/octet-stream" if unknown else super().guess_type(path)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 (the base class's name)
            pass

    root = built_site.parent.parent
    server = http.server.ThreadingHTTPServer(
        ("127.0.0.1", 0), functools.partial(Handler, directory=str(root))
    )
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_address[1]}/{SUB_PATH}/"
    server.shutdown()
    server.server_close()


def test_boot_from_a_host_that_knows_no_types(plain_host: str, watched: Watched) -> None:
    watched.page.goto(plain_host)
    assert watched.page.evaluate(OPEN, f"{plain_host}latefind/") == {"semantic": "ready"}
    assert watched.page.evaluate(ASK, QUESTION)[0] == ANSWER


def test_second_page_downloads_nothing(built_site: Path, chromium: Browser, tmp_path: Path) -> None:
    """With the headers of `latefind serve`: what has a hash is not asked for, the rest has not changed."""
    answers: list[tuple[int, str]] = []

    class Counting(_Handler):
        def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
            answers.append((int(code), self.path))

    server = make_server(built_site, 0)
    server.RequestHandlerClass = functools.partial(Counting, directory=str(built_site))  # type: ignore[assignment]
    threading.Thread(target=server.serve_forever, daemon=True).start()
    url = address(server)
    # A profile on disk: the cache of a passing one has no room for large files.
    launch = chromium.browser_type.launch_persistent_context
    path = shutil.which(os.environ.get("LATEFIND_CHROMIUM", "chromium"))
    with launch(tmp_path, executable_path=path, args=CHROMIUM_FLAGS) as context:
        page = context.new_page()
        for name in ("kitchen.html", "money.html", "money.html"):
            answers.clear()
            page.goto(url + name)
            assert page.evaluate(OPEN, f"{url}latefind/") == {"semantic": "ready"}
    server.shutdown()
    server.server_close()
    assert {answer for answer in answers if answer[0] != 304} == set()
    assert not [path for _, path in answers if re.search("/(runtime|model|index)/", path)]


def load_encoder(watched: Watched, site: Path, pages: int | None) -> dict[str, Any]:
    bundle = site / "latefind"
    [runtime] = bundle.glob("runtime/onnxruntime-*")
    [model] = bundle.glob("model/*.bin")
    names = [f"{runtime.relative_to(bundle).as_posix()}/", model.relative_to(bundle).as_posix()]
    watched.page.goto(site_url(site))
    loaded: dict[str, Any] = watched.page.evaluate(MEMORY, [f"{site_url(site)}latefind/", *names, pages])
    return loaded


def test_encoder_reserves_no_more_memory_than_it_may_take(built_site: Path, watched: Watched) -> None:
    loaded = load_encoder(watched, built_site, None)
    [[maximum, taken]] = loaded["made"]
    assert "code" not in loaded
    assert maximum * PAGE == 256 * 2**20
    assert taken < maximum * PAGE / 2


@pytest.mark.parametrize("megabytes", [20, 40])
def test_encoder_that_needs_more_memory_says_so(built_site: Path, watched: Watched, megabytes: int) -> None:
    """Too little to hold the model, and to make a session of it."""
    loaded = load_encoder(watched, built_site, megabytes * 2**20 // PAGE)
    assert loaded["code"] == "memory"
    assert f"expected an encoder within {megabytes} MB" in loaded["message"]
