"""Titles, snippets, breadcrumbs, addresses and facets of hostile pages stay text, under a strict policy."""

import json

import pytest
from conftest import Watched
from playwright.sync_api import expect
from ui_pages import VARIANTS, Element, address, give_fake

INJECTIONS = [
    "<script>globalThis.hit = 1</script>",
    "<img src=x onerror=globalThis.hit=1>",
    "<svg onload=globalThis.hit=1>",
    "<svg><script>globalThis.hit=1</script></svg>",
    "<iframe srcdoc='<script>parent.hit=1</script>'></iframe>",
    "<a href=javascript:globalThis.hit=1>x</a>",
    "</span><script>globalThis.hit=1</script>",
    '"><script>globalThis.hit=1</script>',
    "' onmouseover='globalThis.hit=1",
    '" autofocus onfocus="globalThis.hit=1',
    "<style>*{display:none}</style>",
    "<math><mtext></table></math><img src onerror=globalThis.hit=1>",
    "<template><script>globalThis.hit=1</script></template>",
    "<details open ontoggle=globalThis.hit=1>",
    "<video><source onerror=globalThis.hit=1></video>",
    "<body onload=globalThis.hit=1>",
    "<link rel=stylesheet href=https://evil.example/x.css>",
    "<meta http-equiv=refresh content='0;url=https://evil.example/'>",
    "<base href=https://evil.example/>",
    "<object data=https://evil.example/></object>",
    "<noscript><p title='</noscript><img src=x onerror=globalThis.hit=1>'>",
    "&lt;script&gt;globalThis.hit=1&lt;/script&gt;",
    "<!--><script>globalThis.hit=1</script>-->",
    "<latefind-search base=https://evil.example/></latefind-search>",
    "\u202e<b>bidi</b>\u0000\ud800",
    "{{constructor.constructor('globalThis.hit=1')()}}",
]

ADDRESSES = [
    "javascript:globalThis.hit=1",
    "JaVaScRiPt:globalThis.hit=1",
    "java\nscript:globalThis.hit=1",
    " javascript:globalThis.hit=1",
    "data:text/html,<script>globalThis.hit=1</script>",
    "vbscript:x",
    "blob:https://evil.example/1",
    "filesystem:https://evil.example/x",
    "not an address",
    "",
]

TREE = """() => {
  const root = document.querySelector("latefind-search").shadowRoot;
  return [...root.querySelectorAll("*")].map((node) => node.localName);
}"""

ALLOWED = {
    "link", "div", "form", "label", "input", "button", "svg", "path", "p", "span", "ol", "li", "h2", "h3",
    "a", "mark", "select", "option", "details", "summary", "pre", "dialog", "kbd", "fieldset", "legend",
}  # fmt: skip


@pytest.mark.parametrize("variant", VARIANTS)
def test_no_text_becomes_markup(watched: Watched, variant: str) -> None:
    page = watched.page
    page.goto(address(variant, "recent mark-pages"))
    texts = json.dumps(INJECTIONS)
    give_fake(
        page,
        f"""() => {{
          const texts = {texts};
          fake.answer = () => texts.map((text, at) => result(at, {{
            id: text, title: text, breadcrumb: [text, `2 ${{text}}`], snippet: text, lang: text,
            highlights: [{{ start: 1, end: 9, weight: 0.7 }}],
            explanation: [{{ word: text, match: text, similarity: 0.5 }}],
          }}));
          fake.total = texts.length;
          const values = texts.map((value) => ({{ value, count: 1 }}));
          fake.facets = [{{ key: texts[0], values }}, {{ key: texts[1], values }}];
          fake.warnings = [{{ code: "network", message: texts[1], detail: texts[0] }}];
        }}""",
    )
    element = Element(page)
    element.ask("<img src=x onerror=globalThis.hit=1>")
    expect(element.options).to_have_count(len(INJECTIONS))
    element.host.get_by_role("button", name="Why it matched").click()
    element.host.get_by_role("button", name="Filters").click()
    element.host.locator(".pair").first.wait_for()
    assert set(page.evaluate(TREE)) <= ALLOWED
    shown = page.evaluate(
        "() => [...document.querySelector('latefind-search').shadowRoot"
        ".querySelectorAll('.results .title')].map((node) => node.textContent)"
    )
    assert set(shown) == set(INJECTIONS)
    assert page.evaluate("() => globalThis.hit") is None
    assert watched.console == []


@pytest.mark.parametrize("variant", VARIANTS)
def test_only_web_and_mail_addresses_become_links(watched: Watched, variant: str) -> None:
    page = watched.page
    page.goto(address(variant))
    urls = json.dumps(ADDRESSES)
    give_fake(
        page,
        f"""() => {{
          const urls = {urls};
          fake.answer = () => urls.map((url, at) => result(at, {{ id: `${{at}}`, url }}));
          fake.total = urls.length;
        }}""",
    )
    element = Element(page)
    element.ask("flowers")
    expect(element.options).to_have_count(len(ADDRESSES))
    assert element.host.locator(".results a").count() == 0


@pytest.mark.parametrize(
    "ranges",
    [
        [[-5, 3]], [[3, 1]], [[0, 999]], [[0, 4], [2, 6]], [["x", None]], [[0.5, 2]],
        [{"start": 0, "end": 4, "weight": 1e9}], [{"start": 0, "end": 4, "weight": "x"}], [{}],
    ],
)  # fmt: skip
def test_strange_ranges_lose_no_text(watched: Watched, ranges: object) -> None:
    page = watched.page
    page.goto(address("page"))
    give_fake(
        page,
        f"() => {{ fake.answer = () => [result(1, {{ snippet: 'A pot with a tank', "
        f"highlights: {json.dumps(ranges)} }})]; }}",
    )
    element = Element(page)
    element.ask("flowers")
    expect(element.host.locator(".snippet")).to_have_text("A pot with a tank")
    assert watched.console == []


def test_mark_never_halves_a_character(watched: Watched) -> None:
    page = watched.page
    page.goto(address("page"))
    give_fake(
        page,
        "() => { fake.answer = () => [result(1, { snippet: 'a\U0001f331b', highlights: [[2, 4]] })]; }",
    )
    element = Element(page)
    element.ask("flowers")
    expect(element.host.locator("mark")).to_have_text("\U0001f331b")


def test_nothing_is_stored_unless_the_site_asks_for_it(watched: Watched) -> None:
    page = watched.page
    page.goto(address("modal"))
    give_fake(page)
    element = Element(page)
    element.ask("a secret question")
    page.keyboard.press("Enter")
    element.options.first.wait_for()
    assert page.evaluate("() => [localStorage.length, sessionStorage.length, document.cookie]") == [0, 0, ""]
    assert not [url for url in watched.requests if "secret" in url]


def test_recent_searches_can_be_forgotten(watched: Watched) -> None:
    page = watched.page
    page.goto(address("modal", 'recent="2"'))
    give_fake(page)
    element = Element(page)
    element.open()
    for text in ("one", "two", "three"):
        element.field.fill(text)
        page.keyboard.press("Enter")
        expect(element.options.first).to_be_visible()  # What answers has come by then.
    element.field.fill("")
    expect(element.options).to_have_text(["three", "two"])
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    expect(element.field).to_have_value("three")
    element.field.fill("")
    element.host.get_by_role("button", name="Forget recent searches").click()
    expect(element.options).to_have_count(0)
    assert page.evaluate("() => localStorage.length") == 0
