"""Questions through the real page: the bundle served by ``latefind serve``, asked in Chromium.

Playwright drives the browser. It is not a dependency of latefind; whoever wants this installs it.
"""

import os
import shutil
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

from latefind.errors import LatefindError, UsageError
from latefind_build.native import find_bundle
from latefind_build.progress import progress
from latefind_build.serve import address, make_server

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

EXECUTABLES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
"""Looked for in the path, unless LATEFIND_CHROMIUM names another one; then Playwright's own is taken."""

START_SECONDS = 300
"""Patience with loading, and with one answer: slow machines take their time to compile."""

_OPEN = """async ([base, modes]) => {
  const { createSearch } = await import(base + "latefind.js");
  globalThis.search = await createSearch({ base, semantic: "on-demand" });
  if (modes.some((mode) => mode !== "lexical")) await globalThis.search.loadSemantic();
}"""

_ASK = """async ([texts, limit, mode]) => {
  const rankings = [];
  for (const text of texts) {
    const answer = await globalThis.search.query(text, { limit, mode, highlight: false });
    const [warning] = answer.warnings;
    if (warning) throw new Error(warning.message);
    if (answer.mode !== mode) throw new Error(`an answer in the mode ${answer.mode}, not ${mode}`);
    rankings.push(answer.results.map(({ id }) => id));
  }
  return rankings;
}"""

_BATCH = 20
"""Questions handed to the page at a time: rarely enough to cost nothing, often enough to show progress."""


def rank_in_browser(
    directory: Path, texts: Sequence[str], depth: int, modes: Sequence[str] = ("semantic",)
) -> dict[str, list[list[str]]]:
    """Return for each mode the ids of the ``depth`` best results of each query, as the page gives them.

    Raises
    ------
    UsageError
        Playwright or Chromium is missing; the message says what to install.
    LatefindError
        The page fails; the message is its own.
    """
    folder = find_bundle(directory).resolve()
    with _served(folder) as base, open_chromium() as browser:
        page = browser.new_page()
        page.set_default_timeout(START_SECONDS * 1000)
        return _ask_page(page, base, texts, depth, modes)


def _ask_page(
    page: "Page", base: str, texts: Sequence[str], depth: int, modes: Sequence[str]
) -> dict[str, list[list[str]]]:
    from playwright.sync_api import Error

    rankings: dict[str, list[list[str]]] = {mode: [] for mode in modes}
    batches = [texts[start : start + _BATCH] for start in range(0, len(texts), _BATCH)]
    try:
        page.goto(base)
        page.evaluate(_OPEN, [base, list(modes)])
        for mode in modes:
            for batch in progress(
                batches, len(batches), f"Asking Chromium, {mode}", f"times {_BATCH} queries"
            ):
                rankings[mode] += page.evaluate(_ASK, [list(batch), depth, mode])
    except Error as error:
        got = error.message.splitlines()[0]
        raise LatefindError.expected(base, "a page that answers", got, "Open it in a browser.") from error
    return rankings


@contextmanager
def _served(folder: Path) -> Iterator[str]:
    """Serve the folder above the bundle on a free port; give the bundle's URL."""
    with make_server(folder.parent, 0) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield f"{address(server)}{quote(folder.name)}/"
        finally:
            server.shutdown()
            thread.join()


@contextmanager
def open_chromium() -> Iterator["Browser"]:
    """Start a headless Chromium.

    Raises
    ------
    UsageError
        Playwright or Chromium is missing.
    """
    try:
        from playwright.sync_api import Error, sync_playwright
    except ImportError as error:
        raise UsageError.expected(
            "--browser", "the package playwright", "none", "pip install playwright"
        ) from error
    path = os.environ.get("LATEFIND_CHROMIUM") or next(filter(None, map(shutil.which, EXECUTABLES)), None)
    # Chromium refuses its sandbox to root, as which containers usually run.
    is_root = hasattr(os, "geteuid") and os.geteuid() == 0
    arguments = ["--disable-gpu", "--no-first-run", *(["--no-sandbox"] if is_root else [])]
    with sync_playwright() as playwright:
        try:
            browser = playwright.chromium.launch(executable_path=path, args=arguments)
        except Error as error:
            raise UsageError.expected(
                "--browser",
                "a Chromium that starts",
                error.message.splitlines()[0],
                "playwright install --with-deps chromium, or name one in LATEFIND_CHROMIUM",
            ) from error
        try:
            yield browser
        finally:
            browser.close()
