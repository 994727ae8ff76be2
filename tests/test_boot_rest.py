"""A worker that nobody asks gives its memory back, and comes back unseen. Time is the page's own clock."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from conftest import Watched, site_url, watch
from playwright.sync_api import Browser, Page
from small_site import QUERIES

OPEN = """async ([base, options]) => {
  const { createSearch } = await import(base + "latefind.js");
  globalThis.search = await createSearch({ base, semantic: "on-demand", ...options });
  globalThis.told = [];
  await search.loadSemantic();
  search.addEventListener("status", () => told.push(search.status.semantic));
}"""

ASK = """async (text) => {
  const { mode, results, warnings } = await search.query(text);
  return { mode, first: results[0].id, warnings };
}"""

HIDE = """(state) => {
  Object.defineProperty(document, "visibilityState", { value: state, configurable: true });
  document.dispatchEvent(new Event("visibilitychange"));
}"""

QUESTION, ANSWER = QUERIES[3], "garden/#slugs"
MINUTE = 60_000


def start(watched: Watched, site: Path, **options: object) -> Page:
    page = watched.page
    page.clock.install()
    page.goto(site_url(site))
    page.evaluate(OPEN, [f"{site_url(site)}latefind/", options])
    return page


def has_worker(page: Page) -> bool:
    page.wait_for_timeout(200)  # A worker that was ended is gone a moment later.
    return bool(page.workers)


def rests(page: Page) -> bool:
    """Return whether the worker ends; a busy browser takes its time for that."""
    for _ in range(100):
        if not page.workers:
            return True
        page.wait_for_timeout(50)
    return False


@pytest.fixture(scope="module")
def started(built_site: Path, chromium: Browser) -> Iterator[Watched]:
    """A page in which search by meaning has started, which takes seconds."""
    with watch(chromium) as watched:
        start(watched, built_site)
        yield watched


@pytest.fixture
def opened(started: Watched) -> Watched:
    """The same with its worker awake, and just asked."""
    started.page.evaluate(HIDE, "visible")
    started.page.evaluate(ASK, QUESTION)
    started.page.evaluate("told.length = 0")
    return started


def test_worker_without_questions_ends_after_ten_minutes(opened: Watched) -> None:
    opened.page.clock.fast_forward(9 * MINUTE)
    assert has_worker(opened.page)
    opened.page.clock.fast_forward(2 * MINUTE)
    assert rests(opened.page)


def test_worker_that_rests_is_no_change_of_status(opened: Watched) -> None:
    before = opened.page.evaluate("search.status")
    opened.page.clock.fast_forward(11 * MINUTE)
    assert rests(opened.page)
    assert opened.page.evaluate("search.status") == before


def test_next_question_starts_the_worker_again_unseen(opened: Watched) -> None:
    opened.page.clock.fast_forward(11 * MINUTE)
    assert rests(opened.page)
    answer = opened.page.evaluate(ASK, QUESTION)
    assert answer == {"mode": "hybrid", "first": ANSWER, "warnings": []}
    assert opened.page.evaluate("told") == []
    assert has_worker(opened.page)
    assert opened.console == []


def test_question_begins_the_time_anew(opened: Watched) -> None:
    opened.page.clock.fast_forward(9 * MINUTE)
    opened.page.evaluate(ASK, QUESTION)
    opened.page.clock.fast_forward(9 * MINUTE)
    assert has_worker(opened.page)
    opened.page.clock.fast_forward(2 * MINUTE)
    assert rests(opened.page)


def test_worker_of_a_hidden_page_ends_sooner(opened: Watched) -> None:
    opened.page.evaluate(HIDE, "hidden")
    opened.page.clock.fast_forward(MINUTE)
    assert has_worker(opened.page)
    opened.page.clock.fast_forward(2 * MINUTE)
    assert rests(opened.page)


def test_worker_that_rests_and_cannot_start_again_is_said(site_copy: Path, watched: Watched) -> None:
    page = start(watched, site_copy)
    page.clock.fast_forward(11 * MINUTE)
    assert rests(page)
    page.route("**/code-*/worker.js", lambda route: route.abort())
    answer = page.evaluate(ASK, "sharpening knives")
    assert answer["mode"] == "lexical"
    assert answer["warnings"][0]["code"] == "worker-failed"
    assert page.evaluate("search.status.semantic") == "failed"


def test_search_that_is_closed_while_its_worker_rests_stays_closed(
    built_site: Path, watched: Watched
) -> None:
    page = start(watched, built_site)
    page.clock.fast_forward(11 * MINUTE)
    page.evaluate("search.close()")
    assert page.evaluate("search.status.semantic") == "idle"
    assert rests(page)


def test_worker_may_be_kept_for_ever(built_site: Path, watched: Watched) -> None:
    watched.page.clock.install()
    watched.page.goto(site_url(built_site))
    script = f"([base]) => ({OPEN})([base, {{ idle: Infinity }}])"
    watched.page.evaluate(script, [f"{site_url(built_site)}latefind/"])
    watched.page.clock.fast_forward(600 * MINUTE)
    assert has_worker(watched.page)


def test_time_that_is_none_is_refused(built_site: Path, watched: Watched) -> None:
    watched.page.goto(site_url(built_site))
    script = f"(sent) => ({OPEN})(sent).catch(({{ code, message }}) => [code, message])"
    code, message = watched.page.evaluate(script, [f"{site_url(built_site)}latefind/", {"idle": 0}])
    assert code == "usage"
    assert message.startswith("idle: expected a number of ms above 0, got 0.")
