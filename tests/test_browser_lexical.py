"""The word index in Chromium: it answers before anything else is loaded, and names files that fail."""

import functools
import http.server
import shutil
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from conftest import MODULES, Watched, site_url
from lexical_folder import write_lexical_folder
from lexical_texts import make_sections

from latefind.passages import Section

POLICY = "default-src 'none'; script-src 'self'; connect-src 'self'; style-src 'self'"

OPEN = """async ([base, modules]) => {
  const { Lexical } = await import(modules + "lexical.js");
  const url = base + "manifest.json";
  const manifest = await (await fetch(url)).json();
  globalThis.lexical = await Lexical.open(manifest, url);
}"""

SEARCH = """async ([text, options]) => {
  try {
    const hits = await lexical.search(text, options);
    const results = await lexical.describe(hits.documents.slice(0, 10), text, { snippets: false });
    const { requests, bytes } = lexical.traffic;
    return { titles: results.map(({ title }) => title), total: hits.total, requests, bytes };
  } catch (error) {
    return { code: error.code ?? error.name, message: error.message };
  }
}"""

SNIPPETS = """async (text) => {
  const { documents } = await lexical.search(text);
  const results = await lexical.describe(documents.slice(0, 10), text);
  return results.flatMap(({ snippet, highlights }) =>
    highlights.map(({ start, end }) => snippet.slice(start, end)),
  );
}"""

CAME = "(part) => performance.getEntriesByType('resource').some(({ name }) => name.includes(part))"


@dataclass
class Host:
    """A static host that sends the strictest policy that search works under."""

    folder: Path
    url: str = ""
    asked: list[str] = field(default_factory=list)
    refused: dict[str, int] = field(default_factory=dict)
    """How often files whose name begins so are answered with 503."""
    hold: threading.Event | None = None
    """Files of the index wait for it."""


class _Handler(http.server.SimpleHTTPRequestHandler):
    def __init__(self, *arguments: object, host: Host) -> None:
        self.host = host
        super().__init__(*arguments, directory=str(host.folder.parent))  # type: ignore[arg-type]

    def do_GET(self) -> None:
        name = urlsplit(self.path).path.rsplit("/", 1)[-1]
        self.host.asked.append(name)
        if self.host.hold and name.endswith(".bin"):
            self.host.hold.wait(20)
        for start, times in self.host.refused.items():
            if name.startswith(start) and times:
                self.host.refused[start] = times - 1
                self.send_error(503)
                return
        super().do_GET()

    def end_headers(self) -> None:
        self.send_header("Content-Security-Policy", POLICY)
        self.send_header("Cache-Control", "public, max-age=600")
        super().end_headers()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 (the base class's name)
        pass


@pytest.fixture(scope="module")
def sections() -> list[Section]:
    return make_sections()


@pytest.fixture
def host(sections: list[Section], tmp_path: Path) -> Iterator[Host]:
    """The index of many small files, as of a large site."""
    host = Host(write_lexical_folder(tmp_path / "latefind", sections, 30))
    (tmp_path / "index.html").write_text("<!doctype html><html lang=de><title>Page</title>")
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(_Handler, host=host)) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        host.url = f"http://127.0.0.1:{server.server_address[1]}/"
        yield host
        if host.hold:
            host.hold.set()
        server.shutdown()
        thread.join()


def open_lexical(host: Host, watched: Watched) -> None:
    watched.page.goto(host.url)
    watched.page.evaluate(OPEN, [f"{host.url}latefind/"] * 2)


def test_results_come_before_any_webassembly_or_python(built_site: Path, watched: Watched) -> None:
    url = site_url(built_site)
    watched.page.goto(url)
    watched.page.evaluate(OPEN, [f"{url}latefind/", MODULES])
    answer = watched.page.evaluate(SEARCH, ["snail", {}])
    assert answer["titles"][0] == "Slugs and snails"
    fetched = [urlsplit(request).path.rsplit("/", 1)[-1] for request in watched.requests]
    assert not [name for name in fetched if name.endswith((".wasm", ".whl", ".onnx", ".zip", ".mjs"))]
    assert answer["requests"] <= 6
    assert answer["bytes"] <= 150_000
    assert watched.console == []


def test_strict_policy_lets_the_word_index_work(host: Host, watched: Watched) -> None:
    open_lexical(host, watched)
    answer = watched.page.evaluate(SEARCH, ["Gärtnerin gießt", {}])
    assert answer["total"] > 0
    assert set(watched.page.evaluate(SNIPPETS, "Gärtnerin gießt")) >= {"Gärtnerin", "gießt"}
    assert watched.console == []


def test_language_of_the_page_chooses_the_stemmer(host: Host, watched: Watched) -> None:
    open_lexical(host, watched)
    assert watched.page.evaluate(SEARCH, ["Kennwörter", {}])["total"] > 0
    assert [name for name in host.asked if name in ("de.js", "en.js")] == ["de.js"]


def test_second_search_fetches_only_what_is_new(host: Host, watched: Watched) -> None:
    open_lexical(host, watched)
    first = watched.page.evaluate(SEARCH, ["Hefe", {}])
    assert watched.page.evaluate(SEARCH, ["Hefe", {}])["requests"] == first["requests"]
    second = watched.page.evaluate(SEARCH, ["Kennwort", {}])
    assert second["requests"] > first["requests"]
    names = [name for name in host.asked if name.endswith(".bin")]
    assert len(names) == len(set(names)) == second["requests"]


def test_refused_file_is_asked_for_again_past_the_cache(host: Host, watched: Watched) -> None:
    open_lexical(host, watched)
    host.refused["lexical-terms-"] = 1
    assert watched.page.evaluate(SEARCH, ["Hefe", {}])["total"] > 0


def test_file_that_fails_is_named_and_comes_with_the_next_search(host: Host, watched: Watched) -> None:
    open_lexical(host, watched)
    host.refused["lexical-terms-"] = 2
    refused = watched.page.evaluate(SEARCH, ["Hefe", {}])
    assert refused["code"] == "network"
    assert "503" in refused["message"]
    assert "lexical-terms-" in refused["message"]
    assert watched.page.evaluate(SEARCH, ["Hefe", {}])["total"] > 0


def test_stemmer_that_fails_comes_with_the_next_search(host: Host, watched: Watched) -> None:
    # Refused as often as opening and the first search ask.
    host.refused["de.js"] = 4
    open_lexical(host, watched)
    refused = watched.page.evaluate(SEARCH, ["Hefe", {}])
    assert refused["code"] == "network"
    assert "de.js" in refused["message"]
    host.refused.clear()
    assert watched.page.evaluate(SEARCH, ["Hefe", {}])["total"] > 0


@pytest.mark.parametrize("damage", ["truncated", "changed", "another", "missing"])
def test_damaged_file_is_named(damage: str, host: Host, watched: Watched) -> None:
    open_lexical(host, watched)
    for path in (host.folder / "index").glob("lexical-terms-*"):
        data = path.read_bytes()
        match damage:
            case "truncated":
                path.write_bytes(data[: len(data) // 2])
            case "changed":
                path.write_bytes(data[:-9] + bytes([data[-9] ^ 1]) + data[-8:])
            case "another":
                path.write_bytes(b"<!doctype html><title>Not found</title>")
            case "missing":
                path.unlink()
    refused = watched.page.evaluate(SEARCH, ["Hefe", {}])
    assert refused["code"] == ("network" if damage == "missing" else "integrity")
    assert "lexical-terms-" in refused["message"]


def test_words_of_a_small_site_come_before_anything_is_typed(
    sections: list[Section], host: Host, watched: Watched
) -> None:
    shutil.rmtree(host.folder)
    write_lexical_folder(host.folder, sections[:200])
    open_lexical(host, watched)
    watched.page.wait_for_function(CAME, arg="/lexical-terms-")
    before = list(host.asked)
    assert len([name for name in before if name.startswith("lexical-terms-")]) == 1
    assert watched.page.evaluate(SEARCH, ["Hefe", {}])["total"] > 0
    assert not [name for name in host.asked[len(before) :] if name.startswith("lexical-")]


def test_damaged_copy_in_the_cache_is_replaced(host: Host, watched: Watched) -> None:
    whole = {path: path.read_bytes() for path in (host.folder / "index").glob("lexical-terms-*")}
    for path, data in whole.items():
        path.write_bytes(data[:-3])
    open_lexical(host, watched)
    assert watched.page.evaluate(SEARCH, ["Hefe", {}])["code"] == "integrity"
    for path, data in whole.items():
        path.write_bytes(data)
    watched.page.reload()
    watched.page.evaluate(OPEN, [f"{host.url}latefind/"] * 2)
    assert watched.page.evaluate(SEARCH, ["Hefe", {}])["total"] > 0


def test_aborted_search_rejects_at_once_and_leaves_the_next_alone(host: Host, watched: Watched) -> None:
    open_lexical(host, watched)
    host.hold = threading.Event()
    name = watched.page.evaluate(
        """async () => {
          const controller = new AbortController();
          const search = lexical.search("Hefe", { signal: controller.signal });
          setTimeout(() => controller.abort(), 50);
          return await search.then(() => "answered", (error) => error.name);
        }"""
    )
    assert name == "AbortError"
    host.hold.set()
    assert watched.page.evaluate(SEARCH, ["Hefe", {}])["total"] > 0


def test_facets_count_and_filter(host: Host, watched: Watched) -> None:
    open_lexical(host, watched)
    facets = watched.page.evaluate("() => lexical.facets")
    [kind] = [facet for facet in facets if facet["key"] == "kind"]
    counts = {value["value"]: value["count"] for value in kind["values"]}
    assert counts == {"even": 160, "all": 160, "odd": 160}
    every, odd, none = (
        watched.page.evaluate(SEARCH, ["Hefe", {"filters": filters}])["total"]
        for filters in ({}, {"kind": "odd"}, {"kind": ["odd"], "lang": ["xx"]})
    )
    assert every > odd > none == 0
