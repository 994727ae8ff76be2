"""`<latefind-offline>`: what a visitor sees and can do, by keyboard too, and in every language."""

import re
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from conftest import SUB_PATH, Watched, watch
from offline_host import Host, hosted
from playwright.sync_api import Browser, expect

from latefind_build.paths import web_dir
from latefind_build.serve import CONTENT_SECURITY_POLICY

LANGUAGES = ["de", "en", "es", "fr", "it", "nl", "pt"]


@pytest.fixture
def host(built_site: Path, tmp_path: Path) -> Iterator[Host]:
    with hosted(built_site, tmp_path, light=True) as running:
        # Below the search folder, where the host sends the policy.
        page = running.root / SUB_PATH / "latefind/keep.html"
        page.write_text(
            '<!doctype html><html lang="en"><title>Keep</title><link rel="icon" href="data:,">'
            '<script type="module" src="latefind-offline.js"></script><latefind-offline></latefind-offline>',
            "utf-8",
        )
        yield running


@pytest.fixture
def seen(host: Host, chromium: Browser) -> Iterator[Watched]:
    with watch(chromium) as page:
        response = page.page.goto(host.bundle + "keep.html")
        assert response is not None
        assert response.headers["content-security-policy"] == CONTENT_SECURITY_POLICY
        yield page


def wait_for(seen: Watched, state: str) -> None:
    seen.page.locator(f'latefind-offline[data-state="{state}"]').wait_for(timeout=60_000)


def test_element_keeps_and_removes_by_keyboard(host: Host, seen: Watched) -> None:
    button = seen.page.get_by_role("button", name="Make available offline")
    text = seen.page.locator("latefind-offline .message")
    expect(text).to_have_text(re.compile(r"to use them without a connection: [\d.]+ MB\."))
    button.focus()
    seen.page.keyboard.press("Enter")
    wait_for(seen, "ready")
    expect(text).to_contain_text("Available offline: ")
    seen.page.keyboard.press("Enter")
    wait_for(seen, "off")
    expect(button).to_be_visible()
    assert seen.console == []


def test_element_shows_progress_and_can_be_cancelled(host: Host, seen: Watched) -> None:
    host.gate["model/encoder-"] = threading.Event()
    seen.page.get_by_role("button", name="Make available offline").click()
    wait_for(seen, "loading")
    expect(seen.page.get_by_role("progressbar")).to_be_visible()
    expect(seen.page.get_by_role("button", name="Cancel")).to_be_visible()
    host.cut["model/encoder-"] = 1_000
    host.gate["model/encoder-"].set()
    wait_for(seen, "paused")
    text = seen.page.inner_text("latefind-offline .root")
    assert "not complete yet" in text
    assert "There is no connection." in text
    host.cut.clear()
    seen.page.get_by_role("button", name="Continue").click()
    wait_for(seen, "ready")


def test_element_says_why_nothing_can_be_kept(host: Host, chromium: Browser) -> None:
    with watch(chromium) as seen:
        seen.page.context.add_init_script("delete window.caches; delete Navigator.prototype.serviceWorker;")
        seen.page.goto(host.bundle + "keep.html")
        wait_for(seen, "unsupported")
        assert "This browser window keeps no files" in seen.page.inner_text("latefind-offline .root")
        assert seen.page.get_by_role("button").count() == 0
        assert seen.console == []


def test_element_is_not_there_where_nothing_is_offered(host: Host, chromium: Browser) -> None:
    (host.root / SUB_PATH / "latefind/precache.json").unlink()
    with watch(chromium) as seen:
        seen.page.goto(host.bundle + "keep.html")
        seen.page.locator('latefind-offline[data-state="unavailable"]').wait_for(state="attached")
        assert not seen.page.locator("latefind-offline").is_visible()


@pytest.mark.parametrize("language", LANGUAGES)
def test_element_speaks_the_language_of_its_page(host: Host, chromium: Browser, language: str) -> None:
    page = host.root / SUB_PATH / "latefind/keep.html"
    page.write_text(page.read_text("utf-8").replace('lang="en"', f'lang="{language}-XX"'), "utf-8")
    strings = (web_dir() / f"strings/offline-{language}.js").read_text("utf-8")
    keep = re.search(r'keep: "(.*?)"', strings)
    assert keep
    with watch(chromium) as seen:
        seen.page.goto(host.bundle + "keep.html")
        seen.page.get_by_role("button", name=keep[1]).wait_for()
        assert seen.console == []


def test_every_language_says_everything() -> None:
    said = {
        language: re.findall(
            r"^  (\w+):", (web_dir() / f"strings/offline-{language}.js").read_text("utf-8"), re.M
        )
        for language in LANGUAGES
    }
    assert all(keys == said["en"] for keys in said.values())
    assert {path.stem for path in (web_dir() / "strings").glob("offline-*.js")} == {
        f"offline-{x}" for x in said
    }
