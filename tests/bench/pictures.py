"""``python tests/bench/pictures.py SITE_DIR``: pictures of the search, from a built site in real Chromium.

``--readme FILE`` takes the one of the README alone: the dialog with refined results of a real question, and
their marks. ``--states DIR`` takes one of each state that a visitor may meet. Look at them before you commit.
"""

import argparse
from collections.abc import Callable
from pathlib import Path

from link import LOCAL, SLOW_4G, Host, open_line
from playwright.sync_api import Browser, BrowserContext, Page

from latefind_build.browser_eval import open_chromium

QUESTION = "does anybody see what my visitors type"
PATIENCE = 180_000
DESKTOP = {"width": 1100, "height": 760}
PHONE = {"width": 390, "height": 800}

REFINED = """() => {
  const element = document.querySelector("latefind-search");
  const root = element.shadowRoot;
  const text = root.querySelector(".count")?.textContent ?? "";
  const done = element.search?.status.semantic === "ready" && /^\\d+ results?$/.test(text);
  return done && root.querySelectorAll(".snippet mark:not(.strength-3)").length > 4;
}"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("site", type=Path, help="folder that `latefind site` wrote")
    parser.add_argument("--readme", type=Path, help="where the README's picture goes")
    parser.add_argument("--states", type=Path, help="folder for one picture of each state")
    parser.add_argument("--question", default=QUESTION)
    options = parser.parse_args()
    with open_chromium() as browser, open_line(options.site, LOCAL) as host:
        if options.readme:
            with_page(browser, lambda page: refined(page, host, options.question, options.readme), scale=1.5)
        if options.states:
            options.states.mkdir(parents=True, exist_ok=True)
            take_states(browser, host, options)


def with_page(browser: Browser, work: Callable[[Page], None], scale: float = 1, **settings: object) -> None:
    """Do something with a page of a fresh profile."""
    context: BrowserContext = browser.new_context(
        **{"viewport": DESKTOP, "device_scale_factor": scale, "reduced_motion": "reduce"} | settings  # type: ignore[arg-type]
    )
    page = context.new_page()
    page.set_default_timeout(PATIENCE)
    work(page)
    context.close()


def ask(page: Page, host: Host, question: str) -> None:
    page.goto(host.url)
    page.locator("latefind-search .opener").click()
    page.locator("latefind-search #query").fill(question)


def refined(page: Page, host: Host, question: str, picture: Path) -> None:
    ask(page, host, question)
    page.wait_for_function(REFINED)
    page.wait_for_timeout(4000)  # The last marks.
    page.keyboard.press("ArrowDown")
    page.wait_for_timeout(300)
    page.screenshot(path=picture)


def take_states(browser: Browser, host: Host, options: argparse.Namespace) -> None:
    folder: Path = options.states
    question: str = options.question

    def shoot(page: Page, name: str) -> None:
        page.wait_for_timeout(400)
        page.screenshot(path=folder / f"{name}.png")

    def offline(page: Page) -> None:
        refined(page, host, question, folder / "modal.png")
        page.context.set_offline(True)
        page.get_by_text("You are offline.").first.wait_for()
        shoot(page, "offline")

    def loading(page: Page) -> None:
        with open_line(options.site, SLOW_4G) as slow:
            ask(page, slow, question)
            page.get_by_text("Loading search by meaning").first.wait_for()
            page.wait_for_timeout(2000)
            shoot(page, "loading")

    def error(page: Page) -> None:
        page.route("**/manifest*.json", lambda route: route.abort())
        ask(page, host, question)
        page.get_by_role("alert").get_by_role("button").wait_for()
        shoot(page, "error")

    def plain(page: Page) -> None:
        page.goto(f"{host.url}search/")
        shoot(page, "no-javascript")

    with_page(browser, offline)
    with_page(browser, lambda page: refined(page, host, question, folder / "phone.png"), viewport=PHONE)
    with_page(browser, lambda page: refined(page, host, question, folder / "dark.png"), color_scheme="dark")
    with_page(browser, loading)
    with_page(browser, error)
    with_page(browser, plain, java_script_enabled=False)


if __name__ == "__main__":
    main()
