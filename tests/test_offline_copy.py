"""An offline copy in a real browser, with a server that stops: what is kept, and that it answers."""

from pathlib import Path

import pytest
from conftest import Watched
from offline_host import Host, hosted, keep_offline, visitor
from playwright.sync_api import Browser
from small_site import PARAPHRASE


@pytest.fixture
def host(built_site: Path, tmp_path: Path):
    with hosted(built_site, tmp_path) as running:
        yield running


@pytest.fixture
def seen(chromium: Browser, host: Host):
    with visitor(chromium, host) as page:
        yield page


def test_offline_copy_answers_with_the_server_stopped(host: Host, seen: Watched) -> None:
    status = keep_offline(seen, host)
    host.stop()
    seen.page.goto(host.url + "kitchen.html")
    assert "Sharpening knives" in seen.page.inner_text("main")
    seen.page.goto(host.bundle)
    seen.page.get_by_role("searchbox").fill(PARAPHRASE)
    first = seen.page.locator("latefind-search li a").first
    first.wait_for(timeout=120_000)
    assert "Reservoirs under the soil" in first.inner_text()
    first.click()
    seen.page.wait_for_url("**/some/path/garden/#reservoirs")
    assert "hidden tank" in seen.page.inner_text("main")
    assert status["bytesLoaded"] == status["bytesTotal"] > 0
    assert seen.console == []
