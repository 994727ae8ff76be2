"""What a site of `latefind site` asks its host for: on the first page, on the next, after a new build."""

import os
import re
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from conftest import CHROMIUM_FLAGS
from offline_host import Host
from playwright.sync_api import Browser, Page

from latefind_build.cli import main

PAGES = {
    "index.md": "# Home\n\nNotes on bread and gardens.\n",
    "guide.md": "# Guide\n\n## Steam\n\nA lidded casserole keeps the steam that makes a crust.\n",
}
READY = "() => document.querySelector('latefind-search').search?.status.semantic === 'ready'"


def build(content: Path, output: Path, **changed: str) -> Path:
    content.mkdir(exist_ok=True)
    for name, text in PAGES.items():
        (content / name).write_text(changed.get(name.removesuffix(".md"), text), "utf-8")
    assert main(["site", str(content), "--output", str(output)]) == 0
    return output


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("cached")
    return build(folder / "content", folder / "site")


@pytest.fixture
def host(site: Path, tmp_path: Path) -> Iterator[Host]:
    running = Host(shutil.copytree(site, tmp_path / "host"), "")
    running.start()
    yield running
    running.stop()


@contextmanager
def profile(chromium: Browser, folder: Path) -> Iterator[Page]:
    """A page of a profile on disk: one in memory does not keep large files."""
    path = shutil.which(os.environ.get("LATEFIND_CHROMIUM", "chromium"))
    context = chromium.browser_type.launch_persistent_context(
        folder, executable_path=path, args=CHROMIUM_FLAGS
    )
    yield context.pages[0]
    context.close()


@pytest.fixture
def page(chromium: Browser, tmp_path: Path) -> Iterator[Page]:
    with profile(chromium, tmp_path / "profile") as opened:
        yield opened


def ask(page: Page, url: str, text: str, heading: str) -> None:
    page.goto(url)
    page.get_by_role("button", name="Search").wait_for()
    page.keyboard.press("Control+k")
    page.keyboard.type(text)
    page.get_by_role("option", name=heading).first.wait_for()


def ours(host: Host) -> list[str]:
    """Return what was asked for of the search and the theme, and ask no more about it."""
    asked = [path for path in host.asked if path.startswith(("/latefind/", "/latefind-theme/"))]
    host.asked.clear()
    return asked


@dataclass(frozen=True)
class Visit:
    """What each page asked for until search by meaning had started, and what was said meanwhile."""

    first: Sequence[str]
    second: Sequence[str]
    console: Sequence[str]


@pytest.fixture(scope="module")
def visit(site: Path, chromium: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Visit]:
    host = Host(site, "")
    host.start()
    console: list[str] = []
    asked: list[list[str]] = []
    with profile(chromium, tmp_path_factory.mktemp("visit")) as page:
        page.on("console", lambda message: console.append(message.text))
        for path in ("", "guide/"):
            ask(page, host.url + path, "crust", "Steam")
            page.wait_for_function(READY, timeout=120_000)
            asked.append(ours(host))
    [first, second] = asked
    yield Visit(first, second, console)
    host.stop()


def test_second_page_asks_for_itself_alone(visit: Visit) -> None:
    assert visit.first
    assert visit.second == []
    assert visit.console == []


def test_first_page_asks_for_each_file_once_and_by_its_hash(visit: Visit) -> None:
    asked = visit.first
    assert len(asked) == len(set(asked))
    assert not [path for path in asked if not re.search(r"-[0-9a-f]{8,}(/|\.)", path)]
    code = [path.rpartition("/")[2] for path in asked if "/code-" in path]
    assert sorted(code) == sorted(
        ["latefind-ui.css", "latefind-ui.js", "inside.js", "en.js", "worker.js", "encoder-worker.js"]
    )
    theme = [path.rpartition(".")[2] for path in asked if path.startswith("/latefind-theme/")]
    assert sorted(theme) == ["css", "js", "svg"]


@pytest.fixture(scope="module")
def fresh(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The search folder of a new build, in which the guide says something else."""
    folder = tmp_path_factory.mktemp("fresh")
    guide = "# Guide\n\n## Zanzibar\n\nCloves.\n"
    return build(folder / "content", folder / "site", guide=guide) / "latefind"


def test_page_that_is_older_than_the_site_finds_what_is_new(host: Host, page: Page, fresh: Path) -> None:
    old = (host.root / "guide/index.html").read_bytes()
    shutil.rmtree(host.root / "latefind")
    shutil.copytree(fresh, host.root / "latefind")
    (host.root / "guide/index.html").write_bytes(old)
    ask(page, host.url + "guide/", "zanzibar", "Zanzibar")


def test_page_that_is_open_while_the_site_changes_finds_what_is_new(
    host: Host, page: Page, fresh: Path
) -> None:
    ask(page, host.url + "guide/", "crust", "Steam")
    shutil.rmtree(host.root / "latefind/index")
    shutil.copytree(fresh, host.root / "latefind", dirs_exist_ok=True)
    found = page.evaluate(
        """async () => {
          const { search } = document.querySelector("latefind-search");
          return (await search.query("zanzibar", { mode: "lexical" })).results.map(({ title }) => title);
        }"""
    )
    assert found == ["Zanzibar"]


def test_every_page_names_the_manifest_of_its_own_build(site: Path) -> None:
    [manifest] = (site / "latefind/index").glob("manifest-*.json")
    assert manifest.read_bytes() == (site / "latefind/manifest.json").read_bytes()
    for name in ("index.html", "guide/index.html", "search/index.html", "404.html", "latefind/index.html"):
        html = (site / name).read_text("utf-8")
        assert re.findall(r'<latefind-search[^>]* edition="([^"]+)"', html) == [f"index/{manifest.name}"], (
            name
        )


def test_same_site_built_twice_has_the_same_bytes(site: Path, tmp_path: Path) -> None:
    again = build(tmp_path / "content", tmp_path / "again")
    files = {path.relative_to(site) for path in site.rglob("*") if path.is_file()}
    assert files == {path.relative_to(again) for path in again.rglob("*") if path.is_file()}
    assert not [path for path in files if (site / path).read_bytes() != (again / path).read_bytes()]
