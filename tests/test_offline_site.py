"""A site of ``latefind site``, under the strict policy: every header, installing it, and keeping it."""

import re
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from conftest import Watched, watch
from offline_host import Host
from playwright.sync_api import Browser, Response
from test_ui_accessible import faults

from latefind_build.cli import main
from latefind_build.serve import CONTENT_SECURITY_POLICY, FOREVER, REVALIDATE

STEPS = (("off", "Make available offline"), ("loading", ""), ("paused", "Continue"), ("ready", ""))

GUIDE = """---
title: Guide
---
<latefind-offline></latefind-offline>

## Steam {#steam}

A lidded casserole keeps the steam that makes a crust.

| what | how long |
|---|--:|
| bread | 45 |
"""


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    content = tmp_path_factory.mktemp("content")
    (content / "index.md").write_text("# Home\n\nNotes on bread and gardens.\n", "utf-8")
    (content / "guide.md").write_text(GUIDE, "utf-8")
    output = tmp_path_factory.mktemp("made") / "site"
    assert main(["site", str(content), "--output", str(output)]) == 0
    return output


@pytest.fixture
def host(site: Path) -> Iterator[Host]:
    running = Host(site, "")
    running.start()
    yield running
    running.stop()


@pytest.fixture
def seen(host: Host, chromium: Browser) -> Iterator[Watched]:
    with watch(chromium) as page:
        page.page.goto(host.url + "guide/")
        yield page


def test_site_is_kept_and_searched_offline_under_the_strict_policy(host: Host, seen: Watched) -> None:
    seen.page.get_by_role("button", name="Make available offline").click()
    seen.page.locator('latefind-offline[data-state="ready"]').wait_for(timeout=90_000)
    host.stop()
    seen.page.goto(host.url)
    assert "Notes on bread" in seen.page.inner_text("main")
    seen.page.goto(host.url + "search/?q=crust+of+a+loaf")
    seen.page.locator("latefind-search a", has_text="Steam").first.wait_for(timeout=120_000)
    seen.page.goto(host.url + "not/there/")
    assert seen.page.inner_text("h1") == "This page is not on your device"
    assert seen.console == []


def test_every_script_of_a_worker_comes_with_the_policy(host: Host, chromium: Browser) -> None:
    """A worker obeys the policy of its own response, not that of the page."""
    with watch(chromium) as seen:
        responses: dict[str, Response] = {}
        seen.page.context.on("response", lambda response: responses.setdefault(response.url, response))
        seen.page.goto(host.url + "guide/")
        seen.page.get_by_role("button", name="Make available offline").click()
        seen.page.locator('latefind-offline[data-state="ready"]').wait_for(timeout=90_000)
        seen.page.evaluate(
            "async (base) => { const { createSearch } = await import(base + 'latefind.js');"
            " const search = await createSearch({ base }); await search.loadSemantic(); search.close(); }",
            host.bundle,
        )
        [worker] = [url for url in responses if "/code-" in url and url.endswith("/worker.js")]
        kept = {host.url + "guide/": REVALIDATE, host.url + "latefind-sw.js": REVALIDATE, worker: FOREVER}
        for url, cached in kept.items():
            headers = responses[url].headers
            assert headers["content-security-policy"] == CONTENT_SECURITY_POLICY
            assert headers["x-content-type-options"] == "nosniff"
            assert headers["cache-control"] == cached
        assert seen.console == []


def test_files_with_a_hash_are_kept_for_ever_and_no_others(host: Host, seen: Watched) -> None:
    folder = host.root / "latefind"
    for path in folder.rglob("*"):
        if path.is_file():
            name = path.relative_to(host.root).as_posix()
            response = seen.page.request.head(host.url + name)
            hashed = re.search(r"/(runtime|model|index)/.*-[0-9a-f]{8,}", name)
            assert response.headers["cache-control"] == (FOREVER if hashed else REVALIDATE), name


def test_site_can_be_installed(host: Host, seen: Watched) -> None:
    session = seen.page.context.new_cdp_session(seen.page)
    manifest = session.send("Page.getAppManifest")
    assert manifest["url"] == host.url + "manifest.webmanifest"
    assert manifest["errors"] == []
    errors = session.send("Page.getInstallabilityErrors")["installabilityErrors"]
    # The profile of a test is one that cannot install anything.
    assert [error["errorId"] for error in errors if error["errorId"] != "in-incognito"] == []


def test_site_without_offline_use_has_none_of_it(tmp_path: Path) -> None:
    (tmp_path / "content").mkdir()
    (tmp_path / "content/index.md").write_text(GUIDE, "utf-8")
    assert main(["site", str(tmp_path / "content"), "--output", str(tmp_path / "site"), "--no-pwa"]) == 0
    assert not (tmp_path / "site/latefind-sw.js").exists()
    assert not (tmp_path / "site/latefind/precache.json").exists()
    assert "latefind-offline.js" not in (tmp_path / "site/index.html").read_text("utf-8")


def test_offline_control_and_page_are_accessible(host: Host, seen: Watched) -> None:
    host.cut["model/encoder-"] = 1_000_000
    host.gate["model/encoder-"] = threading.Event()
    for state, button in STEPS:
        seen.page.locator(f'latefind-offline[data-state="{state}"]').wait_for(timeout=90_000)
        assert faults(seen.page) == [], state
        if state == "loading":
            host.gate["model/encoder-"].set()
        if state == "paused":
            host.cut.clear()
        if button:
            seen.page.get_by_role("button", name=button).click()
    host.stop()
    seen.page.goto(host.url + "not/there/")
    seen.page.get_by_role("button", name="Try again").wait_for()
    assert faults(seen.page) == []
