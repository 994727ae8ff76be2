"""The element on real sites: the documented lines, no JavaScript, and pages that results lead to."""

import re
from pathlib import Path

import pytest
from conftest import Watched, serve, site_url
from playwright.sync_api import Browser, Page, expect
from small_site import PAGES
from test_ui_accessible import faults
from ui_pages import publish, settings

from latefind.passages import Section
from latefind_build.pages import MOST_LISTED, list_pages

DOCS = Path(__file__).parent.parent / "docs"


def documented_lines() -> str:
    """Return the HTML that docs/add-to-your-site.md asks readers to paste."""
    text = (DOCS / "add-to-your-site.md").read_text("utf-8")
    [block] = re.findall(r"Ten lines.*?```html\n(.*?)```", text, re.DOTALL)
    return str(block)


@pytest.fixture
def pasted(site_copy: Path) -> str:
    """The small site at the root of its host, with the documented lines on its first page."""
    page = site_copy / "index.html"
    html = page.read_text("utf-8").replace("<main>", f"<header>{documented_lines()}</header><main>")
    page.write_text(html, "utf-8")
    return serve(site_copy)


def test_documented_lines_are_ten() -> None:
    assert len(documented_lines().strip().splitlines()) == 10


def test_documented_lines_add_search_to_a_site(pasted: str, watched: Watched) -> None:
    page = watched.page
    page.goto(pasted)
    page.get_by_role("button", name="Search").wait_for()
    page.keyboard.press("Control+k")
    page.keyboard.type("sharpening knives")
    option = page.get_by_role("option", name=re.compile("Sharpening knives")).first
    option.wait_for(timeout=120_000)
    option.click()
    page.wait_for_url("**/kitchen.html#knives")
    assert watched.console == []


BOOTS = """const { postMessage } = Worker.prototype;
Worker.prototype.postMessage = function (message, ...more) {
  if (message.type === "boot") globalThis.booted = message;
  return postMessage.call(this, message, ...more);
};"""
"""Remember what the search worker is started with."""


def test_page_that_wants_no_kept_start_asks_for_none(site_copy: Path, watched: Watched) -> None:
    lines = documented_lines().replace("<latefind-search ", '<latefind-search keep-start="off" ')
    (site_copy / "index.html").write_text(f"<!doctype html><title>Page</title>{lines}", "utf-8")
    watched.page.add_init_script(BOOTS)
    watched.page.goto(serve(site_copy))
    watched.page.get_by_role("button", name="Search").click()
    watched.page.keyboard.type("how do I sharpen knives")
    watched.page.wait_for_function("() => globalThis.booted")
    assert watched.page.evaluate("() => booted.keepStart") is False


def test_documented_lines_are_a_form_without_javascript(pasted: str, chromium: Browser) -> None:
    with settings(chromium, java_script_enabled=False) as page:
        page.goto(pasted)
        page.get_by_label("Search").fill("knives")
        page.get_by_role("button", name="Search").click()
        page.wait_for_url("**/latefind/?q=knives")
        # Playwright finds no texts or roles inside <noscript>; what is visible there it knows.
        expect(page.locator("noscript p").first).to_be_visible()
        page.locator("noscript a[href='pages.html']").click()
        page.get_by_role("link", name="Sharpening knives").click()
        page.wait_for_url("**/kitchen.html#knives")


def test_search_page_lists_the_pages_without_javascript(built_site: Path, chromium: Browser) -> None:
    with settings(chromium, java_script_enabled=False) as page:
        page.goto(site_url(built_site) + "latefind/")
        titles = {re.findall("<title>(.*?)</title>", html)[0] for html in PAGES.values()}
        assert set(page.locator(".all li").all_inner_texts()) == titles


@pytest.mark.parametrize("name", ["", "pages.html"])
def test_axe_finds_nothing_on_the_plain_pages(built_site: Path, chromium: Browser, name: str) -> None:
    with settings(chromium, bypass_csp=True) as page:
        page.goto(f"{site_url(built_site)}latefind/{name}")
        assert faults(page) == []


def test_list_of_pages_leaves_out_what_is_no_web_address() -> None:
    urls = [
        "javascript:alert(1)",
        " JavaScript:alert(1)",
        "data:text/html,x",
        "",
        "a/#b",
        "https://example.org/c",
    ]
    sections = [Section(str(at), url, f"T{at}", "text") for at, url in enumerate(urls)]
    assert [page.href for page in list_pages(sections, "../")] == ["../a/", "https://example.org/c"]


def test_list_of_pages_is_bounded() -> None:
    sections = [Section(f"{at}", f"{at // 2}/#s{at}", "T", "text", ("Page",)) for at in range(MOST_LISTED)]
    pages = list_pages(sections, "../")
    assert len(pages) == MOST_LISTED // 2
    assert not any(page.sections for page in pages)


LANDING = """<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Landing</title>
<link rel="icon" href="data:,"><script type="module" src="/latefind/latefind-highlight.js"></script></head>
<body><nav>roots</nav><main><h1>Landing</h1><p>Let <b>ro</b>ots and Roots drink; rootstock does not.</p>
<p>C++ &lt;b&gt;</p><textarea>roots</textarea></main></body></html>"""

HIGHLIGHTED = """() => [...(CSS.highlights.get("latefind") ?? [])].map((range) => range.toString())"""


def land(page: Page, query: str) -> None:
    page.goto(publish("/landing.html", LANDING) + query)


def test_landing_page_highlights_whole_words_of_its_text(watched: Watched) -> None:
    land(watched.page, "?latefind=roots+drink+c%2B%2B")
    watched.page.get_by_role("button", name="Remove the highlighting").wait_for()
    assert watched.page.evaluate(HIGHLIGHTED) == ["Roots", "drink", "C++"]
    assert watched.page.url.endswith("/landing.html")
    assert watched.page.locator("mark").count() == 0
    assert watched.console == []


def test_highlighting_is_removed(watched: Watched) -> None:
    land(watched.page, "?latefind=drink")
    button = watched.page.get_by_role("button", name="Remove the highlighting")
    button.click()
    assert watched.page.evaluate(HIGHLIGHTED) == []
    expect(button).to_be_hidden()


def test_landing_page_without_words_loads_nothing_more(watched: Watched) -> None:
    land(watched.page, "")
    watched.page.wait_for_load_state("networkidle")
    assert not [url for url in watched.requests if "/ui/" in url]
    assert watched.page.get_by_role("button").count() == 0


def test_older_browser_gets_marks_that_go_away(watched: Watched) -> None:
    watched.page.add_init_script(
        "delete CSS.highlights; delete CSS.__proto__.highlights; delete globalThis.Highlight"
    )
    land(watched.page, "?latefind=drink")
    expect(watched.page.locator("mark")).to_have_text("drink")
    before = watched.page.locator("p").first.inner_text()
    watched.page.get_by_role("button", name="Remove the highlighting").click()
    expect(watched.page.locator("mark")).to_have_count(0)
    assert watched.page.locator("p").first.inner_text() == before
    assert watched.console == []


@pytest.mark.parametrize(
    "words",
    ["<img src=x onerror=hit=1>", "(((", "a" * 5000, "%", " ".join("w" * 300), "</p>", "\\", "[a-z]+", ".*"],
)
def test_address_of_anybody_does_no_harm(watched: Watched, words: str) -> None:
    from urllib.parse import quote

    land(watched.page, f"?latefind={quote(words)}")
    watched.page.wait_for_function("() => location.search === ''")
    assert watched.page.locator("main img").count() == 0
    assert watched.console == []


def test_site_that_wants_it_gets_words_in_its_links(watched: Watched) -> None:
    from ui_pages import Element, address, give_fake

    page = watched.page
    page.goto(address("modal", "mark-pages"))
    give_fake(page, "() => { fake.answer = () => [result(1, { highlights: [[2, 5], [13, 19]] })]; }")
    element = Element(page)
    element.ask("flowers")
    link = element.host.locator("[role=option]")
    expect(link).to_have_attribute("href", re.compile(r"/garden/\?latefind=pot\+hidden#reservoirs$"))
