"""The next start begins where the first one ended: what the browser keeps of it, and when it does without."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from conftest import Watched, site_url, watch
from playwright.sync_api import Browser, Page

from latefind_build.cli import main

OPEN = """async ([base, options]) => {
  const { createSearch } = await import(base + "latefind.js");
  globalThis.search = await createSearch({ base, semantic: "on-demand", ...options });
  await search.loadSemantic();
  const measures = performance.getEntriesByType("measure").map(({ name }) => name);
  return { semantic: search.status.semantic, restored: measures.includes("latefind:restore") };
}"""

ASK = """async (text) => {
  const { results, warnings } = await search.query(text, { mode: "semantic" });
  if (warnings.length) throw new Error(warnings[0].message);
  return results.map(({ id, score, snippet, highlights }) => ({ id, score, snippet, highlights }));
}"""

KEPT = """async () => {
  const entries = await (await caches.open("latefind-start")).keys();
  return entries.map(({ url }) => url);
}"""

UNTIL_KEPT = """async (unlike) => {
  const cache = await caches.open("latefind-start");
  for (;;) {
    const [entry] = await cache.keys();
    if (entry && entry.url !== unlike) return entry.url;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}"""

BYTES = """async (text) => {
  const cache = await caches.open("latefind-start");
  const [entry] = await cache.keys();
  const bytes = new Uint8Array(await (await cache.match(entry)).arrayBuffer());
  const has = (wanted) => {
    for (let at = bytes.indexOf(wanted[0]); at >= 0; at = bytes.indexOf(wanted[0], at + 1)) {
      if (wanted.every((byte, index) => bytes[at + index] === byte)) return true;
    }
    return false;
  };
  const one = [...new TextEncoder().encode(text)];
  return [one, one.flatMap((byte) => [byte, 0]), one.flatMap((byte) => [byte, 0, 0, 0])].map(has);
}"""
"""Whether a text is anywhere in what is kept, in one, two or four bytes a character."""

COPY = """async () => {
  const [entry] = await (await caches.open("latefind-start")).keys();
  await (await caches.open("copy")).put(entry, await caches.match(entry));
}"""

CHANGE = """async ([from, to]) => {
  const cache = await caches.open("latefind-start");
  const [entry] = await (await caches.open("copy")).keys();
  const bytes = new Uint8Array(await (await caches.match(entry, { cacheName: "copy" })).arrayBuffer());
  if (to === null) return cache.put(entry, new Response(bytes.subarray(0, from)));
  const [, length] = new Uint32Array(bytes.slice(0, 8).buffer);
  const text = new TextDecoder().decode(bytes.subarray(8, 8 + length));
  const changed = new TextEncoder().encode(text.replace(new RegExp(from), to));
  const head = new Uint32Array([new Uint32Array(bytes.slice(0, 4).buffer)[0], changed.length]);
  return cache.put(entry, new Response(new Blob([head, changed, bytes.subarray(8 + length)])));
}"""
"""Keep the copy, cut off or with another description at its beginning."""

QUESTION = "stop snails eating my lettuce"


def start(page: Page, site: Path, **options: object) -> dict[str, Any]:
    url = site_url(site)
    page.goto(url)
    opened: dict[str, Any] = page.evaluate(OPEN, [f"{url}latefind/", options])
    return opened


def open_again(watched: Watched) -> None:
    """Open a new page of the same profile; the one before keeps nothing any more."""
    watched.page.close()
    watched.page = watched.page.context.new_page()


def change(watched: Watched, site: Path, *how: object) -> None:
    open_again(watched)
    watched.page.goto(site_url(site))
    watched.page.evaluate(CHANGE, how)


def start_again(watched: Watched, site: Path, **options: object) -> dict[str, Any]:
    """Start on a new page of the same profile."""
    open_again(watched)
    watched.requests.clear()
    watched.page.on("request", lambda request: watched.requests.append(request.url))
    watched.page.on("console", lambda message: watched.console.append(message.text))
    return start(watched.page, site, **options)


@pytest.fixture(scope="module")
def kept(built_site: Path, chromium: Browser) -> Iterator[Watched]:
    """A profile in which a first start was kept, and a copy of what was, for CHANGE."""
    with watch(chromium) as watched:
        assert start(watched.page, built_site) == {"semantic": "ready", "restored": False}
        watched.page.evaluate(UNTIL_KEPT)
        watched.page.evaluate(COPY)
        yield watched


@pytest.fixture(scope="module")
def twice(built_site: Path, chromium: Browser) -> Iterator[tuple[list[Any], Watched]]:
    """What the first start answers, and a page with the second."""
    with watch(chromium) as watched:
        start(watched.page, built_site)
        first = watched.page.evaluate(ASK, QUESTION)
        watched.page.evaluate(UNTIL_KEPT)
        assert start_again(watched, built_site) == {"semantic": "ready", "restored": True}
        yield first, watched


def test_kept_start_gives_the_very_same_answers(twice: tuple[list[Any], Watched]) -> None:
    first, watched = twice
    assert watched.page.evaluate(ASK, QUESTION) == first
    assert first


def test_kept_start_needs_neither_the_index_nor_what_python_reads(twice: tuple[list[Any], Watched]) -> None:
    _, watched = twice
    asked = {url.rsplit("/latefind/")[-1] for url in watched.requests}
    assert not [path for path in asked if "tokenizer" in path or "shard-" in path or "/python." in path]
    assert any(path.endswith("pyodide.asm.wasm") for path in asked)


def test_kept_start_ranks_and_marks_what_it_never_did_before(twice: tuple[list[Any], Watched]) -> None:
    first, watched = twice
    ranked = watched.page.evaluate(
        "async (text) => (await search.rank(text, ['garden/#slugs'])).map(({ id }) => id)", QUESTION
    )
    assert ranked == ["garden/#slugs"]
    assert any(result["highlights"] for result in first)


def test_kept_start_says_nothing_in_the_console(twice: tuple[list[Any], Watched]) -> None:
    assert twice[1].console == []


def test_kept_start_holds_nothing_of_a_question(built_site: Path, watched: Watched) -> None:
    start(watched.page, built_site)
    watched.page.evaluate(ASK, "zyqwanter")
    watched.page.evaluate(UNTIL_KEPT)
    assert watched.page.evaluate(BYTES, "zyqwanter") == [False, False, False]
    assert watched.page.evaluate(BYTES, "snails")[0]  # Of a section: what is looked for can be found.


def test_start_of_an_index_that_has_changed_is_made_anew_and_replaces_the_other(
    site_copy: Path, watched: Watched
) -> None:
    start(watched.page, site_copy)
    before = watched.page.evaluate(UNTIL_KEPT)
    page = next(page for page in site_copy.rglob("*.html") if "</h1>" in page.read_text("utf-8"))
    text = page.read_text("utf-8").replace("</h1>", "</h1><p>Bees winter in hollow reeds.</p>", 1)
    page.write_text(text, "utf-8")
    assert main(["build", str(site_copy)]) == 0
    assert not start_again(watched, site_copy)["restored"]
    watched.page.evaluate(UNTIL_KEPT, before)
    assert len(watched.page.evaluate(KEPT)) == 1


@pytest.mark.parametrize(
    ("changed", "to"),
    [
        (1_000_000, None),
        (4, None),
        ('"tableBase":', '"tableBase":1'),
        ('"addresses":', '"addresses":1'),
        ("{", "["),
    ],
    ids=["cut", "empty", "other places", "other addresses", "not JSON"],
)
def test_start_that_cannot_be_restored_is_made_anew(
    kept: Watched, built_site: Path, changed: object, to: str | None
) -> None:
    change(kept, built_site, changed, to)
    assert start_again(kept, built_site) == {"semantic": "ready", "restored": False}
    assert kept.page.evaluate(ASK, QUESTION)[0]["id"] == "garden/#slugs"
    assert kept.console == []


def test_start_is_kept_only_where_the_site_wants_it(built_site: Path, watched: Watched) -> None:
    start(watched.page, built_site, keepStart=False)
    watched.page.wait_for_timeout(3_000)
    assert watched.page.evaluate(KEPT) == []


def test_kept_start_of_a_site_that_wants_none_is_not_used(kept: Watched, built_site: Path) -> None:
    change(kept, built_site, "", "")
    assert not start_again(kept, built_site, keepStart=False)["restored"]


def test_worker_that_came_back_from_rest_was_restored(kept: Watched, built_site: Path) -> None:
    change(kept, built_site, "", "")
    start_again(kept, built_site, idle=1)
    kept.page.wait_for_function("() => performance.getEntriesByName('latefind:restore').length === 1")
    assert kept.page.evaluate(ASK, QUESTION)[0]["id"] == "garden/#slugs"
