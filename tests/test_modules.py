"""The modules of the page: which are loaded before the first answer, and how they are published."""

import re
from pathlib import Path

from conftest import Watched, serve
from playwright.sync_api import Page, Route, expect

from latefind_build.modules import STYLES, answer_modules, publish_module, shell_modules
from latefind_build.paths import web_dir

WEB = web_dir()

MODAL = """<!doctype html><html lang="en"><title>Page</title><link rel="icon" href="data:,">
<script type="module" src="latefind/latefind-ui.js"></script>
<main><latefind-search variant="modal" semantic="off"></latefind-search></main></html>"""


def publish(site: Path) -> str:
    """Put a modal on a page of the site; return its address."""
    (site / "modal.html").write_text(MODAL, "utf-8")
    return serve(site) + "modal.html"


def loaded(seen: Watched) -> list[str]:
    """Return the modules and styles of the search folder that were asked for, without the stemmer's."""
    paths = [url.partition("/latefind/")[2] for url in seen.requests]
    return [path for path in paths if path.endswith((".js", ".css"))]


def hold(page: Page) -> list[Route]:
    """Let the panel's module come when the test says so."""
    held: list[Route] = []
    page.route("**/ui/panel.js", lambda route: held.append(route))
    return held


def release(page: Page, held: list[Route]) -> None:
    for route in held:
        route.continue_()
    page.unroute("**/ui/panel.js")


def answered(page: Page) -> None:
    page.get_by_role("option", name="Sharpening knives").first.wait_for()


def test_button_needs_the_shell_alone(site_copy: Path, watched: Watched) -> None:
    watched.page.add_init_script("globalThis.requestIdleCallback = () => 0")
    watched.page.goto(publish(site_copy))
    watched.page.get_by_role("button", name="Search").wait_for()
    assert sorted(loaded(watched)) == sorted([*shell_modules(WEB), *STYLES])


def test_lists_name_all_that_is_loaded_before_the_first_answer(site_copy: Path, watched: Watched) -> None:
    page = watched.page
    page.goto(publish(site_copy))
    page.get_by_role("button", name="Search").wait_for()
    page.keyboard.press("Control+k")
    page.keyboard.type("sharpening knives")
    answered(page)
    listed = [*shell_modules(WEB), *STYLES, *answer_modules(WEB, "en")]
    assert sorted(loaded(watched)) == sorted(listed)
    assert watched.console == []


def test_page_for_search_names_them_and_each_exists(built_site: Path) -> None:
    html = (built_site / "latefind/index.html").read_text("utf-8")
    named = re.findall(r'<link rel="modulepreload" href="([^"]+)">', html)
    assert named == [*shell_modules(WEB), *answer_modules(WEB, "en")]
    assert not [name for name in named if not (built_site / "latefind" / name).is_file()]


def test_modules_are_fetched_while_the_browser_is_idle(site_copy: Path, watched: Watched) -> None:
    page = watched.page
    with page.expect_response(lambda response: response.url.endswith("/lexical.js")):
        page.goto(publish(site_copy))
    page.wait_for_load_state("networkidle")
    assert set(answer_modules(WEB)) <= set(loaded(watched))
    assert not [url for url in watched.requests if "manifest.json" in url or "/lexical/" in url]


def test_visitor_who_saves_data_fetches_nothing_ahead(site_copy: Path, watched: Watched) -> None:
    page = watched.page
    page.add_init_script("Object.defineProperty(navigator, 'connection', { value: { saveData: true } })")
    page.goto(publish(site_copy))
    page.wait_for_load_state("networkidle")
    page.wait_for_timeout(300)
    assert not set(answer_modules(WEB)) & set(loaded(watched))
    page.keyboard.press("Control+k")
    page.keyboard.type("sharpening knives")
    answered(page)


def test_what_is_typed_before_the_rest_is_there_is_answered(site_copy: Path, watched: Watched) -> None:
    page = watched.page
    held = hold(page)
    page.goto(publish(site_copy))
    page.get_by_role("button", name="Search").wait_for()
    page.keyboard.press("/")
    page.keyboard.type("sharpening kni")
    page.keyboard.press("Backspace")
    assert page.locator("latefind-search input").input_value() == "sharpening kn"
    release(page, held)
    answered(page)
    expect(page.locator("latefind-search input")).to_be_focused()
    page.keyboard.type("ives")
    answered(page)
    assert watched.console == []


def test_enter_before_the_rest_is_there_stays_on_the_page(site_copy: Path, watched: Watched) -> None:
    page = watched.page
    held = hold(page)
    page.goto(publish(site_copy))
    page.get_by_role("button", name="Search").wait_for()
    page.keyboard.press("/")
    page.keyboard.type("sharpening knives")
    page.keyboard.press("Enter")
    release(page, held)
    answered(page)
    assert page.url.endswith("/modal.html")


def test_rest_that_cannot_be_had_is_told_and_tried_again(site_copy: Path, watched: Watched) -> None:
    page = watched.page
    page.route("**/ui/panel.js", lambda route: route.abort())
    page.goto(publish(site_copy))
    page.get_by_role("button", name="Search").wait_for()
    page.keyboard.press("/")
    page.get_by_role("alert").get_by_text("The search could not be loaded.").wait_for()
    page.unroute("**/ui/panel.js")
    page.keyboard.type("sharpening knives")
    answered(page)
    assert page.get_by_role("alert").count() == 0


def test_published_modules_differ_by_their_comments_alone() -> None:
    for path in [*shell_modules(WEB), *answer_modules(WEB)]:
        source = (WEB / path).read_text("utf-8").splitlines()
        published = publish_module(WEB, path).splitlines()
        assert len(source) == len(published)
        changed = [line for line, other in zip(source, published, strict=True) if line != other]
        assert not [line for line in changed if not re.match(r"\s*(?:/\*\*|\*|const MODULES)", line)], path
