"""An offline copy in a real browser, with a server that stops: what is kept, and that it answers."""

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from conftest import SUB_PATH, Watched, watch
from offline_host import (
    Host,
    hosted,
    keep_offline,
    open_offline,
    restart_worker,
    until,
    visitor,
    wait_until,
)
from playwright.sync_api import Browser
from small_site import PARAPHRASE, PARAPHRASE_ANSWER, PARAPHRASE_HEADING

CACHED = """async () => {
  const name = (await caches.keys()).find((name) => name.startsWith("latefind-offline"));
  return name ? (await (await caches.open(name)).keys()).map(({ url }) => url) : [];
}"""

DAMAGE = """async (part) => {
  const name = (await caches.keys()).find((name) => name.startsWith("latefind-offline"));
  const cache = await caches.open(name);
  const [request] = (await cache.keys()).filter(({ url }) => url.includes(part));
  const { headers } = await cache.match(request);
  await cache.put(request, new Response("damaged", { headers }));
}"""

LOSE = """async (part) => {
  const name = (await caches.keys()).find((name) => name.startsWith("latefind-offline"));
  const cache = await caches.open(name);
  for (const request of await cache.keys()) if (request.url.includes(part)) await cache.delete(request);
}"""

ASK = """async ([base, text]) => {
  const { createSearch } = await import(base + "latefind.js");
  const search = await createSearch({ base });
  await search.loadSemantic();
  const answer = await search.query(text, { mode: "semantic" });
  search.close();
  return answer.results[0].url;
}"""

FETCH = "async (url) => (await (await fetch(url)).arrayBuffer()).byteLength"

USAGE = "async () => (await navigator.storage.estimate()).usage"

REGISTRATIONS = "async () => (await navigator.serviceWorker.getRegistrations()).length"


WHOLE = pytest.mark.parametrize("host", ["whole"], indirect=True)
"""For tests that search by meaning, or that are about sizes."""


@pytest.fixture
def host(built_site: Path, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Host]:
    with hosted(built_site, tmp_path, light=not hasattr(request, "param")) as running:
        yield running


@pytest.fixture
def seen(chromium: Browser, host: Host) -> Iterator[Watched]:
    with visitor(chromium, host) as page:
        yield page


def ask(seen: Watched, host: Host) -> Any:
    return seen.page.evaluate(ASK, [host.bundle, PARAPHRASE])


@WHOLE
def test_nothing_is_stored_before_the_visitor_wants_it(host: Host, seen: Watched) -> None:
    status = open_offline(seen, host)
    assert status["state"] == "off"
    assert status["bytesTotal"] > 1e6
    assert seen.page.evaluate("() => caches.keys()") == []
    assert seen.page.evaluate(REGISTRATIONS) == 0
    assert host.requests_of("latefind-sw.js") == 0


@WHOLE
def test_copy_answers_with_the_server_stopped(host: Host, seen: Watched) -> None:
    status = keep_offline(seen, host)
    host.stop()
    seen.page.goto(host.url + "kitchen.html")
    assert "Sharpening knives" in seen.page.inner_text("main")
    seen.page.goto(host.bundle)
    seen.page.get_by_role("searchbox").or_(seen.page.get_by_role("combobox")).fill(PARAPHRASE)
    answer = seen.page.locator("latefind-search a", has_text=PARAPHRASE_HEADING).first
    answer.wait_for(timeout=120_000)
    answer.click()
    seen.page.wait_for_url(f"**/some/path/{PARAPHRASE_ANSWER}")
    assert "cool running water" in seen.page.inner_text("main")
    assert status["bytesLoaded"] == status["bytesTotal"]
    assert seen.console == []


@WHOLE
def test_copy_costs_its_bytes_once(host: Host, seen: Watched) -> None:
    """Every file once, whoever asks first; a later visit asks for nothing but the list."""
    status = keep_offline(seen, host)
    assert host.bytes_of("latefind/") + host.bytes_of(".html") < 1.05 * status["bytesTotal"]
    host.sent.clear()
    seen.page.goto(host.url + "money.html")
    assert ask(seen, host).endswith(PARAPHRASE_ANSWER)
    assert {path for path, _ in host.sent} <= {
        "/some/path/latefind/precache.json",
        "/some/path/latefind-sw.js",
    }


def test_page_that_is_not_kept_says_so_and_offers_the_search(host: Host, seen: Watched) -> None:
    keep_offline(seen, host)
    host.stop()
    seen.page.goto(host.url + "unknown/page.html")
    assert seen.page.inner_text("h1") == "This page is not on your device"
    assert seen.page.url == host.url + "unknown/page.html"
    seen.page.get_by_role("link", name="Search what is on this device").click()
    seen.page.wait_for_url(host.bundle)
    assert seen.console == []


def test_folder_without_its_slash_is_found_offline(host: Host, seen: Watched) -> None:
    keep_offline(seen, host)
    host.stop()
    seen.page.goto(host.url + "garden?q=tank")
    assert seen.page.url == host.url + "garden/?q=tank"
    assert "hidden tank" in seen.page.inner_text("main")


def test_question_in_an_address_is_not_stored(host: Host, seen: Watched) -> None:
    keep_offline(seen, host)
    seen.page.goto(host.bundle + "?q=a+private+question")
    seen.page.goto(host.url + "kitchen.html?q=a+private+question")
    assert not [url for url in seen.page.evaluate(CACHED) if "private" in url]


@WHOLE
def test_interrupted_download_goes_on_where_it_stopped(host: Host, seen: Watched) -> None:
    host.cut["model/encoder-"] = 3_000_000
    total = open_offline(seen, host)["bytesTotal"]
    seen.page.evaluate("() => offline.enable()")
    status = until(seen, "paused")
    assert status["error"] == "network"
    host.stop()
    arrived = {path for path, _ in host.sent if "model-" not in path}
    host.cut.clear()
    host.sent.clear()
    host.start()
    seen.page.reload()
    open_offline(seen, host)
    until(seen, "ready")
    again = {path for path, _ in host.sent} & arrived
    assert {path for path in again if "/runtime/" in path or "/index/" in path} == set()
    assert host.bytes_of() < total
    host.stop()
    assert ask(seen, host).endswith(PARAPHRASE_ANSWER)


def test_closed_page_interrupts_nothing_for_good(host: Host, chromium: Browser) -> None:
    with watch(chromium) as seen:
        seen.page.goto(host.url)
        open_offline(seen, host)
        seen.page.evaluate("() => offline.enable()")
        context = seen.page.context
        seen.page.close()
        seen.page = context.new_page()
        seen.page.goto(host.url)
        open_offline(seen, host)
        until(seen, "ready")
        host.stop()
        seen.page.goto(host.url + "health.html")
        assert "Falling asleep" in seen.page.inner_text("main")


def test_damaged_code_is_healed_from_the_network(host: Host, seen: Watched) -> None:
    keep_offline(seen, host)
    parts = ["encoder-worker.js", "pyodide.asm.wasm", "ort-wasm-simd-threaded.wasm"]
    for part in parts:
        seen.page.evaluate(DAMAGE, part)
    restart_worker(seen)
    for stop in (False, True):
        if stop:
            host.stop()
        for part in parts:
            [file] = (host.root / SUB_PATH).rglob(part)
            url = host.url + file.relative_to(host.root / SUB_PATH).as_posix()
            assert seen.page.evaluate(FETCH, url) == file.stat().st_size


@WHOLE
def test_damaged_index_is_healed_when_the_search_finds_it(host: Host, seen: Watched) -> None:
    keep_offline(seen, host)
    seen.page.evaluate(DAMAGE, "index/index")
    host.sent.clear()
    assert ask(seen, host).endswith(PARAPHRASE_ANSWER)
    assert host.requests_of("index/index") == 1
    host.stop()
    seen.page.goto(host.url)
    assert ask(seen, host).endswith(PARAPHRASE_ANSWER)


def forget_cache(seen: Watched) -> None:
    """Empty the browser's own cache, which keeps what carries a hash."""
    seen.page.context.new_cdp_session(seen.page).send("Network.clearBrowserCache")


@WHOLE
def test_damaged_file_is_explained_offline(host: Host, seen: Watched) -> None:
    keep_offline(seen, host)
    seen.page.evaluate(DAMAGE, "encoder-worker.js")
    forget_cache(seen)
    restart_worker(seen)
    host.stop()
    seen.page.goto(host.url)
    error = seen.page.evaluate(
        """async (base) => {
          const { createSearch } = await import(base + "latefind.js");
          return (await createSearch({ base })).loadSemantic().then(() => "none", ({ code }) => code);
        }""",
        host.bundle,
    )
    assert error == "worker-failed"
    assert open_offline(seen, host)["state"] == "damaged"


@WHOLE
def test_lost_files_are_told_and_fetched_again(host: Host, seen: Watched) -> None:
    keep_offline(seen, host)
    host.stop()
    seen.page.evaluate(LOSE, "index/")
    seen.page.reload()
    open_offline(seen, host)
    status = until(seen, "damaged")
    assert 0 < status["bytesLoaded"] < status["bytesTotal"]
    host.start()
    host.sent.clear()
    seen.page.evaluate("() => offline.enable()")
    until(seen, "ready")
    assert host.requests_of("model/") == 0
    host.stop()
    assert ask(seen, host).endswith(PARAPHRASE_ANSWER)


@WHOLE
def test_removing_frees_the_storage_and_the_service_worker(host: Host, seen: Watched) -> None:
    before = seen.page.evaluate(USAGE)
    total = keep_offline(seen, host)["bytesTotal"]
    wait_until(seen.page, f"async (least) => (await ({USAGE})()) > least", before + 0.9 * total)
    seen.page.evaluate("() => offline.disable()")
    assert until(seen, "off")["bytesLoaded"] == 0
    assert seen.page.evaluate("() => caches.keys()") == []
    assert seen.page.evaluate(REGISTRATIONS) == 0
    # Browsers count later.
    wait_until(seen.page, f"async (most) => (await ({USAGE})()) < most", before + 0.1 * total)
    seen.page.reload()
    assert ask(seen, host).endswith(PARAPHRASE_ANSWER)


def test_removing_deletes_what_was_kept_of_a_start_too(host: Host, seen: Watched) -> None:
    keep_offline(seen, host)
    seen.page.evaluate(
        "async (url) => (await caches.open('latefind-start')).put(url, new Response('memory'))",
        f"{host.bundle}kept-start?of-this-site",
    )
    seen.page.evaluate("() => offline.disable()")
    until(seen, "off")
    assert seen.page.evaluate("() => caches.keys()") == []


def test_cancelling_keeps_nothing(host: Host, seen: Watched) -> None:
    host.gate["model/encoder-"] = threading.Event()
    open_offline(seen, host)
    seen.page.evaluate("() => offline.enable()")
    until(seen, "loading")
    seen.page.evaluate("() => offline.disable()")
    host.gate["model/encoder-"].set()
    assert until(seen, "off")["error"] is None
    assert seen.page.evaluate("() => caches.keys()") == []
