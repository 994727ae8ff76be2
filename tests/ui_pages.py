"""Pages for tests of `<latefind-search>`: its own files, a strict policy, and a search that obeys."""

import functools
import http.server
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Browser, Locator, Page

from latefind_build.paths import web_dir
from latefind_build.serve import CONTENT_SECURITY_POLICY

TESTS = Path(__file__).parent
VARIANTS = ("modal", "inline", "page")

PAGE = """<!doctype html>
<html lang="{lang}" dir="{dir}"><head><meta charset="utf-8"><title>A page</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<link rel="icon" href="data:,">
<link rel="stylesheet" href="/page.css">
<script type="module" src="/latefind/latefind-ui.js"></script></head>
<body><header><a href="/elsewhere.html">A link</a></header>
<main><h1>A page</h1><latefind-search variant="{variant}" {attributes}></latefind-search>
<p class="tall">Text of the page.</p></main></body></html>"""

STYLE = """:root { color-scheme: light dark } a { color: light-dark(#0d5a68, #74c9d8) }
body { background: light-dark(#ffffff, #14171c); color: light-dark(#1d2126, #e4e7ec) }
body { margin: 0; font-family: system-ui, sans-serif }
header, main { padding: 1rem; max-width: 46rem; margin: auto } .tall { min-height: 150vh }"""


class _Handler(http.server.SimpleHTTPRequestHandler):
    """Files of `web/` below /latefind/, those of `tests/ui/`, and pages made from their address."""

    def end_headers(self) -> None:
        self.send_header("Content-Security-Policy", CONTENT_SECURITY_POLICY)
        super().end_headers()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 (the base class's name)
        pass

    def translate_path(self, path: str) -> str:
        name = path.split("?")[0].lstrip("/")
        folder = web_dir() if name.startswith("latefind/") else TESTS / "ui"
        return str(folder / name.removeprefix("latefind/"))

    def do_GET(self) -> None:
        name = self.path.split("?")[0]
        made = _pages.get(name)
        if made is None and name != "/page.css":
            return super().do_GET()
        body = (STYLE if made is None else made).encode()
        self.send_response(200)
        self.send_header("Content-Type", "text/css" if made is None else "text/html; charset=utf-8")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
        return None


_pages: dict[str, str] = {"/elsewhere.html": "<!doctype html><title>Elsewhere</title><h1>Elsewhere</h1>"}


@functools.cache
def _server() -> str:
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return f"http://127.0.0.1:{server.server_address[1]}"


def address(variant: str, attributes: str = "", lang: str = "en", dir: str = "ltr") -> str:  # noqa: A002
    """Return the address of a page with the element."""
    html = PAGE.format(variant=variant, attributes=attributes, lang=lang, dir=dir)
    name = f"/{variant}-{len(_pages)}.html"
    _pages[name] = html
    return _server() + name


def publish(name: str, html: str) -> str:
    """Serve a page of a test's own."""
    _pages[name] = html
    return _server() + name


def give_fake(page: Page, before: str = "") -> None:
    """Put a search into the page's element that answers as the test says; `before` may change it first."""
    page.evaluate(
        """async (before) => {
          const { FakeSearch, result } = await import("/fake.js");
          Object.assign(globalThis, { fake: new FakeSearch(), result });
          await import("/latefind/latefind-ui.js");
        }""",
        before,
    )
    if before:
        page.evaluate(before)
    page.evaluate("() => { document.querySelector('latefind-search').search = fake; }")
    page.wait_for_function(
        "() => !document.querySelector('latefind-search').shadowRoot.querySelector('.root').hidden"
    )


ANSWERED = """(text) => {
  const last = fake.asked.at(-1);
  const { state } = document.querySelector("latefind-search").dataset;
  return last?.text === text && last.mode !== "lexical" && state === "ready";
}"""
"""Whether the last answer is the whole one to this question: in haste, words alone answer a part of it."""


class Element:
    """The element as somebody in front of the page meets it."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.host = page.locator("latefind-search")
        self.field: Locator = self.host.locator("input[type=search]")
        self.options: Locator = self.host.locator(".results .title")

    @property
    def variant(self) -> str:
        return self.host.get_attribute("variant") or "page"

    def open(self) -> None:
        if self.variant == "modal" and not self.field.is_visible():
            self.host.get_by_role("button", name="Search").first.click()
        self.field.focus()

    def ask(self, text: str) -> None:
        self.open()
        self.field.fill(text)
        self.page.wait_for_function("(text) => fake.asked.some((asked) => asked.text === text)", arg=text)

    def type(self, text: str) -> None:
        """Type into what has the focus, until all of it is answered: nothing replaces the list after that."""
        self.page.keyboard.type(text)
        self.page.wait_for_function(ANSWERED, arg=text)

    def active(self) -> str:
        """Return the title of the option that is active."""
        return str(
            self.page.evaluate(
                """() => {
                  const root = document.querySelector("latefind-search").shadowRoot;
                  const stop = root.querySelector("[aria-selected=true]") ?? root.activeElement;
                  return stop?.querySelector(".title")?.textContent ?? "";
                }"""
            )
        )


@contextmanager
def settings(chromium: Browser, **options: object) -> Iterator[Page]:
    """A page of a fresh profile with these settings of the browser."""
    context = chromium.new_context(**options)  # type: ignore[arg-type]
    context.set_default_timeout(8_000)
    yield context.new_page()
    context.close()
