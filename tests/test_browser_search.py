"""The whole path in a real browser: a static host below a sub-path, a question, the right section."""

import re
from collections.abc import Iterator
from itertools import product
from pathlib import Path

import pytest
from conftest import Watched, site_url, watch
from playwright.sync_api import Browser, expect
from small_site import PAGES, PARAPHRASE, PARAPHRASE_ANSWER, PARAPHRASE_HEADING, QUERIES

from latefind_build.native import NativeSearch

STOPWORDS = {"which", "when", "a", "the", "for", "it", "on", "or", "under"}

OPEN = """async (base) => {
  const { createSearch } = await import(base + "latefind.js");
  globalThis.search = await createSearch({ base });
  await search.loadSemantic();
}"""


@pytest.fixture(scope="module")
def opened(built_site: Path, chromium: Browser) -> Iterator[Watched]:
    """A page of the site in which `search` is open: starting it takes seconds."""
    url = site_url(built_site)
    with watch(chromium) as watched:
        watched.page.goto(url)
        watched.page.evaluate(OPEN, f"{url}latefind/")
        yield watched


def test_paraphrase_shares_no_content_word_with_its_answer() -> None:
    """What makes the next test mean something: no lexical search could pass it."""
    answer = re.search(r'id="burns">(.*?)<h2', PAGES["health.html"], re.DOTALL)
    assert answer
    words = [set(re.findall(r"[a-z]+", text.lower())) for text in (PARAPHRASE, answer[1])]
    assert words[0] & words[1] <= STOPWORDS


def test_page_answers_a_question_with_the_right_section(built_site: Path, watched: Watched) -> None:
    watched.page.goto(site_url(built_site) + "latefind/")
    box = watched.page.get_by_role("searchbox")
    box.fill(PARAPHRASE)
    # Words answer first, and cannot find it; meaning does.
    first = watched.page.locator("latefind-search .item").first
    expect(first).to_contain_text(PARAPHRASE_HEADING, timeout=120_000)
    first.get_by_role("link").first.click()
    watched.page.wait_for_url(f"**/some/path/{PARAPHRASE_ANSWER}")
    assert watched.console == []


def test_browser_gives_the_native_ids_in_the_native_order(built_site: Path, opened: Watched) -> None:
    """The two encoders round differently, so sections whose scores are that close may change places."""
    native = NativeSearch(built_site)
    script = "([text, mode]) => search.query(text, { mode })"
    for text, mode in product(QUERIES, native.modes):
        answer = opened.page.evaluate(script, [text, mode])
        expected = native.answer(text, mode=mode)
        scores = {result.section.id: result.score for result in native.answer(text, 100, mode=mode)}
        assert answer["mode"] == mode
        ids = [result["id"] for result in answer["results"]]
        assert ids[:3] == [result.section.id for result in expected[:3]]
        assert [scores[name] for name in ids] == pytest.approx([r.score for r in expected], abs=0.02)
    assert opened.console == []


def test_result_has_what_the_api_promises(built_site: Path, opened: Watched) -> None:
    answer = opened.page.evaluate("(text) => search.query(text, { limit: 2 })", PARAPHRASE)
    assert answer["query"] == PARAPHRASE
    assert answer["mode"] == "hybrid"
    steps = {"lexical", "tokenize", "encode", "candidates", "rerank", "fetch", "total"}
    assert set(answer["timings"]) == steps
    assert answer["warnings"] == []
    assert len(answer["results"]) == 2
    first = answer["results"][0]
    assert first["url"] == site_url(built_site) + PARAPHRASE_ANSWER
    assert first["breadcrumb"] == ["Health"]
    assert "cool running water" in first["snippet"]


def test_rank_orders_given_sections_and_reports_unknown_ones(built_site: Path, opened: Watched) -> None:
    ids = ["kitchen.html#bread", "nowhere", "garden/#slugs"]
    ranked = opened.page.evaluate("(ids) => search.rank('keep snails away', ids)", ids)
    native, unknown = NativeSearch(built_site).rank("keep snails away", ids)
    known = ranked[:2]
    assert [row["id"] for row in known] == ["garden/#slugs", "kitchen.html#bread"]
    assert [row["score"] for row in known] == pytest.approx([score for _, score in native], abs=0.05)
    assert ranked[2:] == [{"id": "nowhere", "score": None, "unknown": True}]
    assert unknown == ["nowhere"]
