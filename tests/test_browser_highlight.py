"""Highlights in a real browser, asked of the worker itself: which words, in which order, who goes first."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
from conftest import Watched, site_url, watch
from playwright.sync_api import Browser
from small_site import PARAPHRASE, PARAPHRASE_ANSWER, QUERIES

from latefind.results import Highlighted
from latefind_build.native import NativeSearch

Report = Mapping[str, Any]

START = """async (base) => {
  const manifest = await (await fetch(base + "manifest.json")).text();
  const worker = new Worker(base + "worker.js", { type: "module" });
  const reports = [];
  const until = (done) => new Promise((resolve) => {
    const look = () => {
      if (!reports.some(done)) return;
      worker.removeEventListener("message", look);
      resolve();
    };
    worker.addEventListener("message", look);
    look();
  });
  worker.addEventListener("message", ({ data }) => reports.push(data));
  worker.postMessage({ type: "boot", manifestUrl: base + "manifest.json", manifest });
  await until(({ type }) => type === "ready" || type === "failed");
  let lastId = 0;
  // Sends requests at once, waits for the last word on one of them, and returns what was said meanwhile.
  globalThis.tell = async (requests, awaited) => {
    const first = lastId + 1;
    reports.length = 0;
    for (const request of requests) {
      if (request.type === "cancel") worker.postMessage({ type: "cancel", id: first + request.request });
      else worker.postMessage({ limit: 10, filters: {}, ...request, id: (lastId += 1) });
    }
    const last = ({ id, type }) => id === first + awaited && type !== "highlight";
    await until(last);
    return reports.map((report) => ({ ...report, request: report.id - first }));
  };
}"""


@pytest.fixture(scope="module")
def started(built_site: Path, chromium: Browser) -> Iterator[Watched]:
    """A page with a worker of its own, which takes seconds to start."""
    url = site_url(built_site)
    with watch(chromium) as watched:
        watched.page.goto(url)
        watched.page.evaluate(START, f"{url}latefind/")
        yield watched
        assert watched.console == []


def tell(started: Watched, requests: Sequence[Report], awaited: int = 0) -> Sequence[Report]:
    reports: Sequence[Report] = started.page.evaluate("(args) => tell(...args)", [requests, awaited])
    return reports


def find(started: Watched, text: str, **options: object) -> Report:
    found: Report = tell(started, [{"type": "query", "text": text, **options}])[-1]["found"]
    return found


def words(found: Mapping[str, Any]) -> list[str]:
    """Return the marked words, as JavaScript would cut them out."""
    units = found["snippet"].encode("utf-16-le")
    return [units[2 * m["start"] : 2 * m["end"]].decode("utf-16-le") for m in found["highlights"]]


def native_highlight(native: NativeSearch, text: str, number: int) -> Highlighted:
    query = native.encode(text)
    plan = native.engine.plan_passage(query, number)
    vectors = None if plan is None else native._encoder.encode(plan)
    found = native.engine.highlight(query, text, number, vectors)
    assert found
    return found


def test_paraphrase_marks_the_words_that_answer(started: Watched) -> None:
    """No word of the question is in the answer: only its meaning can mark "injury" and "cool"."""
    first = find(started, PARAPHRASE)["results"][0]
    assert first["id"] == PARAPHRASE_ANSWER
    reports = tell(started, [{"type": "highlight", "text": PARAPHRASE, "numbers": [first["number"]]}])
    [marked, last] = [report for report in reports if report["request"] == 0]
    assert (last["type"], last["absent"]) == ("highlighted", [])
    found = marked["highlight"]
    assert found["number"] == first["number"]
    assert {"injury", "cool"} <= set(words(found))
    assert not {"the", "on", "or", "it", "for", "under"} & set(words(found))
    assert [match["word"] for match in found["explanation"]] == PARAPHRASE.rstrip("?").split()


def test_browser_marks_what_the_native_engine_marks(built_site: Path, started: Watched) -> None:
    native = NativeSearch(built_site)
    for text in (QUERIES[0], *QUERIES[3:6]):
        number = find(started, text)["results"][0]["number"]
        found = tell(started, [{"type": "highlight", "text": text, "numbers": [number]}])[0]["highlight"]
        expected = native_highlight(native, text, number).to_json()
        assert found["snippet"] == expected["snippet"]
        assert words(found) == words(expected)
        weights, exact = ([mark["weight"] for mark in one["highlights"]] for one in (found, expected))
        assert weights == pytest.approx(exact, abs=0.1)


def test_sections_come_in_the_order_asked_and_the_others_at_the_end(started: Watched) -> None:
    asked = [5, 900, 2, 9]
    reports = tell(started, [{"type": "highlight", "text": "copper tape", "numbers": asked}])
    assert [report["highlight"]["number"] for report in reports[:-1]] == [5, 2, 9]
    assert reports[-1]["absent"] == [900]


def test_question_asked_meanwhile_goes_first(started: Watched) -> None:
    marking = {"type": "highlight", "text": "stamps", "numbers": list(range(15))}
    reports = tell(started, [marking, {"type": "query", "text": "letters"}])
    kinds = [report["type"] for report in reports]
    assert kinds.index("found") < kinds.index("highlighted")
    assert kinds.count("highlight") == 15


def test_highlights_that_nobody_wants_any_more_stop(started: Watched) -> None:
    marking = {"type": "highlight", "text": "clocks", "numbers": list(range(15))}
    requests = [marking, {"type": "cancel", "request": 0}, {"type": "query", "text": "watches"}]
    tell(started, requests, awaited=1)
    reports = tell(started, [{"type": "query", "text": "sundials"}])
    assert [report["type"] for report in reports] == ["found"]


@pytest.mark.parametrize("numbers", [[-1], [0.5], ["3"]])
def test_numbers_that_no_section_has_are_refused(started: Watched, numbers: Sequence[object]) -> None:
    [refused] = tell(started, [{"type": "highlight", "text": "bread", "numbers": numbers}])
    assert (refused["type"], refused["error"]["code"]) == ("refused", "usage")


def test_candidates_are_scored_and_described(started: Watched) -> None:
    plain = find(started, PARAPHRASE, limit=30)
    scores = {result["number"]: result["score"] for result in plain["results"]}
    found = find(started, PARAPHRASE, limit=2, candidates=[7, 900, 4])
    assert found["scores"] == [scores[7], None, scores[4]]
    assert {4, 7} <= {result["number"] for result in (*found["results"], *found["others"])}
    assert all(result["url"].startswith("http://") for result in found["others"])
    assert [number for number, _ in found["ranking"]] == [result["number"] for result in plain["results"]]
