"""What a visitor is told when something is wrong: each state has a code and a message, and none hangs."""

import functools
import http.server
import json
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from conftest import SUB_PATH, Watched, site_url

from latefind.format import FORMAT_VERSION

ASK = """async (base) => {
  try {
    const { createSearch } = await import(base + "latefind.js");
    const search = await createSearch({ base });
    await search.query("wireless", { mode: "semantic" });
    return { code: "none", message: "it worked", state: search.status.semantic };
  } catch (error) {
    return { code: error.code, message: error.message };
  }
}"""


def test_truncated_index_is_named(site_copy: Path, watched: Watched) -> None:
    [index] = (site_copy / "latefind/index").glob("index-*")
    index.write_bytes(index.read_bytes()[:-8])
    url = site_url(site_copy)
    watched.page.goto(url)
    error = watched.page.evaluate(ASK, f"{url}latefind/")
    assert error["code"] == "integrity"
    assert index.name in error["message"]


def test_changed_model_is_named(site_copy: Path, watched: Watched) -> None:
    [model] = (site_copy / "latefind/model").glob("*.bin")
    data = bytearray(model.read_bytes())
    data[-1] ^= 1
    model.write_bytes(bytes(data))
    url = site_url(site_copy)
    watched.page.goto(url)
    error = watched.page.evaluate(ASK, f"{url}latefind/")
    assert error["code"] == "integrity"
    assert model.name in error["message"]


def test_missing_index_is_named(site_copy: Path, watched: Watched) -> None:
    [index] = (site_copy / "latefind/index").glob("index-*")
    index.unlink()
    url = site_url(site_copy)
    watched.page.goto(url)
    error = watched.page.evaluate(ASK, f"{url}latefind/")
    assert "404" in error["message"]
    assert index.name in error["message"]


def test_unknown_format_version_names_both(site_copy: Path, watched: Watched) -> None:
    manifest = site_copy / "latefind/manifest.json"
    manifest.write_text(json.dumps(json.loads(manifest.read_text("utf-8")) | {"format": 999}), "utf-8")
    url = site_url(site_copy)
    watched.page.goto(url)
    error = watched.page.evaluate(ASK, f"{url}latefind/")
    assert error["code"] == "version"
    assert "999" in error["message"]
    assert f"format version {FORMAT_VERSION}," in error["message"]


def test_missing_worker_is_said(site_copy: Path, watched: Watched) -> None:
    [worker] = (site_copy / "latefind").glob("runtime/code-*/worker.js")
    worker.unlink()
    url = site_url(site_copy)
    watched.page.goto(url)
    error = watched.page.evaluate(ASK, f"{url}latefind/")
    assert error["code"] == "worker-failed"
    assert "worker.js" in error["message"]


@pytest.fixture
def csp_url(built_site: Path, request: pytest.FixtureRequest) -> Iterator[str]:
    """The site on a host that sends the Content-Security-Policy given as the fixture's parameter."""

    class Handler(http.server.SimpleHTTPRequestHandler):
        def end_headers(self) -> None:
            self.send_header("Content-Security-Policy", request.param)
            super().end_headers()

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


@pytest.mark.parametrize(
    "csp_url", ["default-src 'none'; script-src 'self'; worker-src 'self'; connect-src 'self'"], indirect=True
)
def test_webassembly_forbidden_is_said(csp_url: str, watched: Watched) -> None:
    """Without the probe, Pyodide's loader would never settle under this policy."""
    watched.page.goto(csp_url)
    error = watched.page.evaluate(ASK, f"{csp_url}latefind/")
    assert error["code"] == "wasm-blocked"
    assert "wasm-unsafe-eval" in error["message"]


@pytest.mark.parametrize(
    "csp_url",
    [
        "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; worker-src 'self'; connect-src 'self'; "
        "style-src 'self'; img-src 'self' data:"
    ],
    indirect=True,
)
def test_strict_policy_lets_the_search_page_work(csp_url: str, watched: Watched) -> None:
    watched.page.goto(f"{csp_url}latefind/?q=wireless")
    watched.page.locator("latefind-search li a").first.wait_for(timeout=120_000)
    assert watched.console == []
