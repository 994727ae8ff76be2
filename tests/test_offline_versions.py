"""Offline copies and new deployments, several tabs, little room, and other service workers."""

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from conftest import SUB_PATH, Watched, watch
from offline_host import (
    OPEN,
    UNTIL,
    Host,
    hosted,
    keep_offline,
    open_offline,
    publish,
    restart_worker,
    until,
    version_of,
    visitor,
    wait_until,
)
from playwright.sync_api import Browser, Page

READ = "async (url) => (await fetch(url)).text()"

HEADING = "() => document.getElementById('knives').textContent"

LISTS = """async () => {
  const name = (await caches.keys()).find((name) => name.startsWith("latefind-offline"));
  const urls = (await (await caches.open(name)).keys()).map(({ url }) => url);
  const lists = urls.filter((url) => url.includes("precache.json"));
  return lists.map((url) => new URL(url).searchParams.get("latefind"));
}"""

WORKER = """(base) => new Promise((resolve) => {
  const worker = new Worker(base + "worker.js", { type: "module" });
  worker.onmessage = ({ data }) => resolve(data.type);
  worker.postMessage({ type: "rank", id: 1, text: "bread" });
})"""
"""What a worker says first: the newer one that it is newer, any that it cannot rank before it is booted."""

GONE = """async () => {
  const name = (await caches.keys()).find((name) => name.startsWith("latefind-offline"));
  const cache = await caches.open(name);
  const [state] = (await cache.keys()).filter(({ url }) => url.includes("state.json"));
  return (await (await cache.match(state)).json()).gone !== null;
}"""
"""Whether it is noted that the host has no list any more."""

IMPATIENT = "const later = setTimeout; globalThis.setTimeout = (work, time) => later(work, time / 50)"
"""In a page whose clock is that much faster, what never comes is given up that much sooner."""

CACHES = "() => caches.keys()"

UNTIL_VERSION = """(version) => new Promise((resolve, reject) => {
  setTimeout(() => reject(new Error(`still ${JSON.stringify(told())}`)), 45_000);
  const isThere = () => offline.status.version === version && offline.status.state === "ready";
  const look = () => isThere() && resolve(told());
  offline.addEventListener("status", look);
  look();
})"""


WHOLE = pytest.mark.parametrize("host", ["whole"], indirect=True)
"""For tests that search by meaning, or that are about room."""


@pytest.fixture
def host(built_site: Path, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Host]:
    with hosted(built_site, tmp_path, light=not hasattr(request, "param")) as running:
        yield running


@pytest.fixture
def seen(chromium: Browser, host: Host) -> Iterator[Watched]:
    with visitor(chromium, host) as page:
        yield page


def open_tab(seen: Watched, host: Host, path: str = "kitchen.html") -> Page:
    page = seen.page.context.new_page()
    page.goto(host.url + path)
    page.evaluate(OPEN, host.bundle)
    return page


def test_open_tab_keeps_its_version_and_later_ones_get_the_new(host: Host, seen: Watched) -> None:
    keep_offline(seen, host)
    old = open_tab(seen, host)
    before = old.evaluate(READ, host.bundle + "manifest.json")
    publish(host)
    restart_worker(seen)  # So that it looks for news at once.
    new = open_tab(seen, host, "money.html")
    status = new.evaluate(UNTIL_VERSION, version_of(host))
    assert status["outdated"] is True
    new.goto(host.url + "kitchen.html")
    assert new.evaluate(HEADING) == "Sharpening chisels"
    assert new.evaluate(READ, host.bundle + "manifest.json") != before
    assert old.evaluate(READ, host.bundle + "manifest.json") == before
    assert new.evaluate(WORKER, host.bundle) == "newer"
    assert old.evaluate(WORKER, host.bundle) == "refused"
    host.stop()
    assert old.evaluate(HEADING) == "Sharpening knives"
    assert old.evaluate(READ, host.bundle + "manifest.json") == before


@WHOLE
def test_search_that_starts_in_an_old_tab_is_the_old_one(host: Host, seen: Watched) -> None:
    keep_offline(seen, host)
    seen.page.goto(host.url + "kitchen.html")
    seen.page.evaluate(OPEN, host.bundle)
    seen.page.evaluate(
        "async (base) => { const { createSearch } = await import(base + 'latefind.js');"
        " globalThis.search = await createSearch({ base, semantic: 'on-demand' }); }",
        host.bundle,
    )
    publish(host)
    restart_worker(seen)  # So that it looks for news at once.
    new = open_tab(seen, host)
    new.evaluate(UNTIL_VERSION, version_of(host))
    host.stop()
    seen.page.evaluate("() => search.loadSemantic()")
    answer = seen.page.evaluate("() => search.query('a sharp blade', { mode: 'semantic' })")
    assert answer["results"][0]["title"] == "Sharpening knives"


def test_update_fetches_what_changed(host: Host, seen: Watched) -> None:
    keep_offline(seen, host)
    publish(host)
    restart_worker(seen)  # So that it looks for news at once.
    host.sent.clear()
    page = open_tab(seen, host)
    page.evaluate(UNTIL_VERSION, version_of(host))
    fetched = {path.removeprefix(f"/{SUB_PATH}/") for path, size in host.sent if size}
    assert {"kitchen.html", "latefind/manifest.json", "latefind/worker.js"} <= fetched
    assert not [path for path in fetched if path.startswith(("latefind/runtime/", "latefind/model/encoder-"))]
    assert host.bytes_of() < 1e6


def test_old_version_is_deleted_when_its_last_tab_is_closed(host: Host, seen: Watched) -> None:
    keep_offline(seen, host)
    old = version_of(host)
    seen.page.goto(host.url + "kitchen.html")
    publish(host)
    restart_worker(seen)  # So that it looks for news at once.
    page = open_tab(seen, host)
    page.evaluate(UNTIL_VERSION, version_of(host))
    assert set(page.evaluate(LISTS)) == {old, version_of(host)}
    seen.page.goto(host.url)
    page.goto(host.url)
    restart_worker(seen)  # Which counts pages of the last minute as open, and forgets them so.
    page.evaluate(OPEN, host.bundle)
    page.evaluate("() => offline.enable()")
    page.evaluate(UNTIL_VERSION, version_of(host))
    wait_until(page, f"async () => (await ({LISTS})()).length === 1")


def test_deployment_in_the_middle_of_a_download_gives_the_new_version(host: Host, seen: Watched) -> None:
    open_offline(seen, host)
    published = threading.Event()
    # Nothing of either version comes before the new one is there as a whole.
    for part in ("index/", "model/", "runtime/", "kitchen.html", "manifest.json", "worker.js"):
        host.gate[part] = published
    seen.page.evaluate("() => offline.enable()")
    until(seen, "loading")
    publish(host)
    published.set()
    seen.page.evaluate(UNTIL_VERSION, version_of(host))
    host.stop()
    seen.page.goto(host.url + "kitchen.html")
    assert seen.page.evaluate(HEADING) == "Sharpening chisels"


def test_two_tabs_see_one_download(host: Host, seen: Watched) -> None:
    open_offline(seen, host)
    other = open_tab(seen, host)
    seen.page.evaluate("() => offline.enable()")
    other.evaluate("() => offline.enable()")
    until(seen, "ready")
    assert other.evaluate(UNTIL, ["ready"])["state"] == "ready"
    assert host.requests_of("model/encoder-") == 1
    other.evaluate("() => offline.disable()")
    assert until(seen, "off")["state"] == "off"


def test_site_that_stops_offering_it_is_shown_from_the_network(host: Host, seen: Watched) -> None:
    keep_offline(seen, host)
    (host.root / SUB_PATH / "latefind/precache.json").unlink()
    page = host.root / SUB_PATH / "kitchen.html"
    page.write_text(page.read_text("utf-8").replace("Sharpening knives", "Sharpening axes"), "utf-8")
    restart_worker(seen)
    seen.page.goto(host.url)
    wait_until(seen.page, GONE)
    seen.page.goto(host.url + "kitchen.html")
    assert seen.page.evaluate(HEADING) == "Sharpening axes"
    host.stop()
    seen.page.goto(host.url + "kitchen.html")
    assert seen.page.evaluate(HEADING) == "Sharpening knives"


NO_ROOM = "(state) => offline.status.error?.code === 'quota' && offline.status.state === state"


def set_quota(seen: Watched, host: Host, size: int) -> None:
    session = seen.page.context.new_cdp_session(seen.page)
    session.send("Storage.overrideQuotaForOrigin", {"origin": host.url.split("/some")[0], "quotaSize": size})


@WHOLE
@pytest.mark.parametrize("room", [10_000_000, 1])
def test_quota_is_told_and_nothing_is_left(host: Host, seen: Watched, room: int) -> None:
    total = open_offline(seen, host)["bytesTotal"]
    set_quota(seen, host, room)
    seen.page.evaluate("() => offline.enable()")
    seen.page.wait_for_function(NO_ROOM, arg="off")
    status = seen.page.evaluate("() => told()")
    assert status["needed"] == total
    assert 0 <= status["available"] <= 1.1 * room
    assert seen.page.evaluate(CACHES) == []


@WHOLE
def test_quota_exceeded_on_the_way_leaves_nothing(host: Host, seen: Watched) -> None:
    host.gate["model/encoder-"] = threading.Event()
    open_offline(seen, host)
    seen.page.evaluate("() => offline.enable()")
    until(seen, "loading")
    set_quota(seen, host, 20_000_000)
    host.gate["model/encoder-"].set()
    seen.page.wait_for_function(NO_ROOM, arg="off")
    assert seen.page.evaluate("() => told()")["needed"] > 0
    assert seen.page.evaluate(CACHES) == []


@WHOLE
def test_update_that_does_not_fit_leaves_the_old_version(host: Host, seen: Watched) -> None:
    keep_offline(seen, host)
    old = version_of(host)
    publish(host)
    restart_worker(seen)  # So that it looks for news at once.
    set_quota(seen, host, 1_000_000)
    page = open_tab(seen, host)
    page.wait_for_function(NO_ROOM, arg="ready")
    assert page.evaluate("() => told()")["version"] == old
    host.stop()
    page.goto(host.url + "kitchen.html")
    assert page.evaluate(HEADING) == "Sharpening knives"


def write_own_worker(host: Host, line: str) -> None:
    (host.root / SUB_PATH / "own-sw.js").write_text(
        line + "\nself.addEventListener('fetch', (event) => {\n"
        "  if (!event.request.url.endsWith('/own.txt')) return;\n"
        "  event.respondWith(new Response('by the own worker'));\n"
        "});\n",
        "utf-8",
    )


REGISTER = """async () => {
  const registration = await navigator.serviceWorker.register("own-sw.js");
  const worker = registration.installing ?? registration.active;
  await new Promise((resolve) => {
    const look = () => worker.state === "activated" && resolve();
    worker.addEventListener("statechange", look);
    look();
  });
}"""


def test_existing_service_worker_needs_one_line(host: Host, seen: Watched) -> None:
    write_own_worker(host, f'importScripts("/{SUB_PATH}/latefind/sw-core.js");')
    seen.page.evaluate(REGISTER)
    seen.page.reload()
    assert seen.page.evaluate(READ, host.url + "own.txt") == "by the own worker"
    keep_offline(seen, host)
    assert host.requests_of("latefind-sw.js") == 0
    host.stop()
    seen.page.goto(host.url + "health.html")
    assert "Falling asleep" in seen.page.inner_text("main")
    host.start()
    open_offline(seen, host)
    seen.page.evaluate("() => offline.disable()")
    assert seen.page.evaluate(READ, host.url + "own.txt") == "by the own worker"


def test_existing_service_worker_without_the_line_is_told_which(host: Host, seen: Watched) -> None:
    write_own_worker(host, "")
    seen.page.evaluate(REGISTER)
    seen.page.add_init_script(IMPATIENT)
    seen.page.reload()
    open_offline(seen, host)
    error = seen.page.evaluate(
        "() => offline.enable().then(() => null, ({ code, message }) => [code, message])"
    )
    assert error[0] == "service-worker"
    assert f'importScripts("/{SUB_PATH}/latefind/sw-core.js")' in error[1]


def test_visited_pages_alone_are_kept_where_the_site_says_so(
    built_site: Path, tmp_path: Path, chromium: Browser
) -> None:
    with hosted(built_site, tmp_path, "visited", light=True) as host, visitor(chromium, host) as seen:
        keep_offline(seen, host)
        seen.page.goto(host.url + "kitchen.html")
        host.stop()
        for path, text in (
            ("", "Practical notes"),
            ("kitchen.html", "Sharpening"),
            ("money.html", "not on your"),
        ):
            seen.page.goto(host.url + path)
            assert text in seen.page.inner_text("body")


def test_pages_are_left_alone_where_the_site_says_so(
    built_site: Path, tmp_path: Path, chromium: Browser
) -> None:
    with hosted(built_site, tmp_path, "none") as host, visitor(chromium, host) as seen:
        keep_offline(seen, host)
        host.sent.clear()
        seen.page.goto(host.url + "kitchen.html")
        assert host.requests_of("kitchen.html") == 1
        host.stop()
        seen.page.goto(host.bundle)
        assert seen.page.locator("latefind-search").count() == 1


FORBID = {
    "missing": "delete window.caches; delete Navigator.prototype.serviceWorker;",
    "refused": """
      const refuse = () => { throw new DOMException("The operation is insecure.", "SecurityError"); };
      for (const name of ["caches", "localStorage", "sessionStorage", "indexedDB"]) {
        Object.defineProperty(window, name, { get: refuse });
      }""",
}


@WHOLE
@pytest.mark.parametrize("how", FORBID)
def test_storage_forbidden_is_explained_and_search_works(host: Host, chromium: Browser, how: str) -> None:
    with watch(chromium) as seen:
        seen.page.context.add_init_script(FORBID[how])
        seen.page.goto(host.url)
        assert open_offline(seen, host)["state"] == "unsupported"
        error = seen.page.evaluate("() => offline.enable().catch(({ code, message }) => [code, message])")
        assert error[0] == "unsupported"
        assert "private window" in error[1]
        seen.page.goto(host.bundle + "?q=wireless")
        seen.page.locator("latefind-search a", has_text="Weak wireless signal").first.wait_for(
            timeout=120_000
        )
        assert seen.console == []


def test_site_without_an_offline_copy_says_so(host: Host, seen: Watched) -> None:
    (host.root / SUB_PATH / "latefind/precache.json").unlink()
    assert open_offline(seen, host)["state"] == "unavailable"
