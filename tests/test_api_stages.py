"""The API in a real browser: words answer at once, the meaning joins them, and each may fail alone."""

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from conftest import SUB_PATH, Watched, site_url, watch
from playwright.sync_api import Browser
from small_site import PARAPHRASE, PARAPHRASE_ANSWER, write_small_site

from latefind_build.cli import main

OPEN = """async ([base, options]) => {
  const { createSearch } = await import(base + "latefind.js");
  globalThis.search = await createSearch({ base, ...options });
  return search.status;
}"""

ASK = """async ([text, options]) => {
  const updates = [];
  const onUpdate = (update) => updates.push(structuredClone(update));
  try {
    return { updates, ...(await search.query(text, { onUpdate, ...options })) };
  } catch ({ code, name, message }) {
    return { code: code ?? name, message };
  }
}"""

LOAD = "() => search.loadSemantic().catch(({ code, message }) => ({ code, message }))"

SLOW = (
    """Object.defineProperty(navigator, "connection", { value: { saveData: false, effectiveType: "3g" } })"""
)

CRASHING_WORKER = """
self.addEventListener("message", async ({ data }) => {
  if (data.type === "boot") return self.postMessage({ type: "ready" });
  const again = await caches.has("crashed");
  await caches.open("crashed");
  const error = { code: "internal", message: "latefind: memory access out of bounds", detail: "" };
  if (ALWAYS || !again) return self.postMessage({ type: "failed", error });
  const timings = { tokenize: 0, encode: 0, candidates: 0, rerank: 0, fetch: 0, total: 0 };
  const found = { results: [], others: [], scores: [], ranking: [], total: 7, warnings: [], timings };
  self.postMessage({ type: "found", id: data.id, found });
});
"""


def visit(watched: Watched, site: Path, **options: object) -> dict[str, Any]:
    url = site_url(site)
    watched.page.goto(url)
    status: dict[str, Any] = watched.page.evaluate(OPEN, [f"{url}latefind/", options])
    return status


def ask(watched: Watched, text: str, **options: object) -> dict[str, Any]:
    answer: dict[str, Any] = watched.page.evaluate(ASK, [text, options])
    return answer


def below(requests: list[str]) -> list[str]:
    return [url.split("/latefind/")[1] for url in requests if "/latefind/" in url]


def worker_of(site: Path) -> Path:
    [worker] = (site / "latefind").glob("runtime/code-*/worker.js")
    return worker


def is_semantic(path: str) -> bool:
    return path.endswith("/worker.js") or path.startswith(
        ("runtime/pyodide", "runtime/onnxruntime", "model/", "index/index")
    )


@pytest.fixture(scope="module")
def refined(built_site: Path, chromium: Browser) -> Iterator[tuple[Watched, dict[str, Any]]]:
    """A page in which a first question was asked while semantic search was still loading."""
    with watch(chromium) as watched:
        visit(watched, built_site, semantic="on-demand")
        yield watched, ask(watched, PARAPHRASE, explain=True)


def test_words_answer_first_and_the_meaning_refines(refined: tuple[Watched, dict[str, Any]]) -> None:
    watched, answer = refined
    modes = [update["mode"] for update in answer["updates"]]
    assert modes[0] == "lexical"
    assert modes == sorted(modes, reverse=True)  # None by words alone once both have answered.
    assert answer["mode"] == "hybrid"
    assert answer["results"][0]["id"] == PARAPHRASE_ANSWER
    assert answer["warnings"] == []
    assert watched.console == []


def test_refined_results_are_marked_and_explained(refined: tuple[Watched, dict[str, Any]]) -> None:
    first = refined[1]["results"][0]
    marked = [first["snippet"][mark["start"] : mark["end"]] for mark in first["highlights"]]
    assert marked
    assert all(marked)
    assert {"word", "match", "similarity"} <= first["explanation"][0].keys()


def test_words_stay_marked_until_the_meaning_marks_its_own(refined: tuple[Watched, dict[str, Any]]) -> None:
    text = "butter on a burn"
    shown = ask(refined[0], text, mode="lexical")["results"][0]
    answer = ask(refined[0], text)
    first = next(update for update in answer["updates"] if update["mode"] == "hybrid")
    kept = next(result for result in first["results"] if result["id"] == shown["id"])
    assert shown["highlights"]
    assert (kept["snippet"], kept["highlights"]) == (shown["snippet"], shown["highlights"])
    assert "explanation" not in kept


def test_semantic_mode_makes_no_request_for_words(refined: tuple[Watched, dict[str, Any]]) -> None:
    watched, _ = refined
    before = len(watched.requests)
    answer = ask(watched, "a mesh repeater for the flat", mode="semantic")
    assert answer["mode"] == "semantic"
    assert "lexical" not in " ".join(watched.requests[before:])


def test_question_when_all_is_ready_is_answered_by_both(refined: tuple[Watched, dict[str, Any]]) -> None:
    answer = ask(refined[0], "sharpening knives", limit=3)
    assert answer["mode"] == "hybrid"
    assert answer["results"][0]["id"] == "kitchen.html#knives"
    assert len(answer["results"]) == 3
    assert 0 < answer["results"][0]["score"] <= 1


def test_aborted_query_rejects_and_says_nothing_more(refined: tuple[Watched, dict[str, Any]]) -> None:
    script = """async () => {
      const controller = new AbortController();
      const updates = [];
      const onUpdate = (update) => updates.push(update);
      const asking = search.query("burned skin", { signal: controller.signal, onUpdate });
      controller.abort();
      const name = await asking.then(() => "none", (error) => error.name);
      await new Promise((resolve) => setTimeout(resolve, 300));
      return [name, updates.length];
    }"""
    assert refined[0].page.evaluate(script) == ["AbortError", 0]


def test_words_need_neither_python_nor_webassembly(built_site: Path, watched: Watched) -> None:
    status = visit(watched, built_site, semantic="off")
    assert status["lexical"] == "ready"
    answer = ask(watched, "sharpening knives", mode="lexical")
    assert answer["mode"] == "lexical"
    assert answer["results"][0]["id"] == "kitchen.html#knives"
    assert [path for path in below(watched.requests) if is_semantic(path)] == []
    assert watched.console == []


def test_policy_off_answers_by_words_and_refuses_to_load(built_site: Path, watched: Watched) -> None:
    visit(watched, built_site, semantic="off")
    answer = ask(watched, "sharpening knives")
    assert (answer["mode"], answer["warnings"]) == ("lexical", [])
    assert watched.page.evaluate(LOAD)["code"] == "semantic-off"
    assert ask(watched, "sharpening knives", mode="semantic")["code"] == "semantic-off"


def test_policy_ask_offers_with_the_size_and_obeys(built_site: Path, watched: Watched) -> None:
    status = visit(watched, built_site, semantic="ask")
    assert watched.page.evaluate("search.offer.bytes") == status["bytesTotal"]
    assert ask(watched, PARAPHRASE)["mode"] == "lexical"
    assert watched.page.evaluate("search.status.semantic") == "idle"
    watched.page.evaluate("search.offer.decline()")
    assert watched.page.evaluate("search.offer") is None
    assert ask(watched, PARAPHRASE)["mode"] == "lexical"
    assert [path for path in below(watched.requests) if is_semantic(path)] == []


def test_offer_that_is_accepted_loads(built_site: Path, watched: Watched) -> None:
    visit(watched, built_site, semantic="ask")
    watched.page.evaluate("void search.offer.accept().catch(() => {})")
    assert watched.page.evaluate("[search.status.semantic, search.offer]") == ["loading", None]
    watched.page.evaluate("search.close()")


def test_policy_on_demand_waits_for_a_question(built_site: Path, watched: Watched) -> None:
    visit(watched, built_site, semantic="on-demand")
    assert ask(watched, "knives")["mode"] == "lexical"
    assert watched.page.evaluate("search.status.semantic") == "idle"
    watched.page.evaluate("void search.query('how do I sharpen knives').catch(() => {})")
    watched.page.wait_for_function("search.status.semantic === 'loading'")
    watched.page.evaluate("search.close()")


def test_policy_auto_loads_when_idle(built_site: Path, watched: Watched) -> None:
    visit(watched, built_site)
    watched.page.wait_for_function("search.status.semantic === 'loading'")
    assert watched.page.evaluate("search.offer") is None
    watched.page.evaluate("search.close()")


def test_policy_auto_asks_on_a_slow_connection(built_site: Path, watched: Watched) -> None:
    watched.page.add_init_script(SLOW)
    visit(watched, built_site)
    assert watched.page.evaluate("search.offer.bytes") > 0
    assert ask(watched, PARAPHRASE)["mode"] == "lexical"
    assert watched.page.evaluate("search.status.semantic") == "idle"


def test_unknown_policy_is_refused(built_site: Path, watched: Watched) -> None:
    url = site_url(built_site)
    watched.page.goto(url)
    script = f"(options) => ({OPEN})(options).catch(({{ code, message }}) => [code, message])"
    code, message = watched.page.evaluate(script, [f"{url}latefind/", {"semantic": "maybe"}])
    assert code == "usage"
    assert '"on-demand"' in message


def test_without_the_model_the_words_answer_and_it_is_said(site_copy: Path, watched: Watched) -> None:
    [model] = (site_copy / "latefind/model").glob("*.bin")
    model.unlink()
    visit(watched, site_copy, semantic="on-demand")
    answer = ask(watched, "how do I sharpen my knives")
    assert answer["mode"] == "lexical"
    assert answer["results"][0]["id"] == "kitchen.html#knives"
    assert model.name in answer["warnings"][0]["message"]
    assert watched.page.evaluate("search.status.semantic") == "failed"


def remove_words(site: Path) -> None:
    """Remove the word index's files, and the root that the manifest brings along."""
    for path in (site / "latefind/index").glob("lexical-*"):
        path.unlink()
    manifest = site / "latefind/manifest.json"
    fields = json.loads(manifest.read_text("utf-8"))
    for part in fields["parts"]:
        part.pop("data", None)
    manifest.write_text(json.dumps(fields), "utf-8")


def test_without_files_of_words_the_meaning_answers_too(site_copy: Path, watched: Watched) -> None:
    for path in (site_copy / "latefind/index").glob("lexical-*"):
        path.unlink()
    visit(watched, site_copy, semantic="on-demand")
    answer = ask(watched, PARAPHRASE)
    assert answer["mode"] == "semantic"
    assert "lexical-terms-" in answer["warnings"][0]["message"]


def test_without_the_words_the_meaning_answers_and_it_is_said(site_copy: Path, watched: Watched) -> None:
    remove_words(site_copy)
    status = visit(watched, site_copy, semantic="on-demand")
    assert status["lexical"] == "failed"
    answer = ask(watched, PARAPHRASE)
    assert answer["mode"] == "semantic"
    assert answer["results"][0]["id"] == PARAPHRASE_ANSWER
    assert "lexical-" in answer["warnings"][0]["message"]
    assert ask(watched, PARAPHRASE, mode="lexical")["code"] == "network"


@pytest.mark.parametrize(("always", "semantic"), [(False, "ready"), (True, "failed")])
def test_crashed_worker_is_started_once_more(
    site_copy: Path, watched: Watched, always: bool, semantic: str
) -> None:
    stub = CRASHING_WORKER.replace("ALWAYS", json.dumps(always))
    worker_of(site_copy).write_text(stub, "utf-8")
    visit(watched, site_copy, semantic="on-demand")
    answer = ask(watched, "how do I sharpen my knives")
    assert answer["results"][0]["id"] == "kitchen.html#knives"
    assert watched.page.evaluate("search.status.semantic") == semantic
    assert [warning["code"] for warning in answer["warnings"]] == (["crashed"] if always else [])
    assert len([path for path in below(watched.requests) if path.endswith("/worker.js")]) == 2


def test_out_of_memory_is_said(site_copy: Path, watched: Watched) -> None:
    error = {
        "code": "internal",
        "message": "latefind: expected no error here, got Out of memory",
        "detail": "",
    }
    failed = json.dumps({"type": "failed", "error": error})
    stub = f"self.addEventListener('message', () => self.postMessage({failed}));"
    worker_of(site_copy).write_text(stub, "utf-8")
    visit(watched, site_copy, semantic="on-demand")
    answer = ask(watched, "how do I sharpen my knives")
    assert answer["mode"] == "lexical"
    assert answer["warnings"][0]["code"] == "memory"
    assert "Close other tabs" in answer["warnings"][0]["message"]


def test_site_published_anew_is_taken_up(site_copy: Path, tmp_path: Path, watched: Watched) -> None:
    visit(watched, site_copy, semantic="off")
    fresh = tmp_path / "fresh" / SUB_PATH
    write_small_site(fresh)
    page = fresh / "garden/index.html"
    page.write_text(page.read_text("utf-8").replace("Copper tape", "Zanzibar copper tape"), "utf-8")
    assert main(["build", str(fresh)]) == 0
    shutil.rmtree(site_copy / "latefind")
    shutil.copytree(fresh / "latefind", site_copy / "latefind")
    answer = ask(watched, "zanzibar")
    assert [result["id"] for result in answer["results"]] == ["garden/#slugs"]
    assert answer["warnings"] == []


def test_site_of_another_version_asks_for_a_reload(site_copy: Path, watched: Watched) -> None:
    visit(watched, site_copy, semantic="off")
    for path in (site_copy / "latefind/index").glob("lexical-*"):
        path.unlink()
    manifest = site_copy / "latefind/manifest.json"
    fields = json.loads(manifest.read_text("utf-8"))
    manifest.write_text(json.dumps(fields | {"generator": "latefind 99.0"}), "utf-8")
    answer = ask(watched, "knives")
    assert answer["code"] == "outdated"
    assert "reload the page" in answer["message"]


def test_small_index_without_words_answers_by_meaning(site_copy: Path, watched: Watched) -> None:
    manifest = site_copy / "latefind/manifest.json"
    fields = json.loads(manifest.read_text("utf-8"))
    fields["parts"] = [part for part in fields["parts"] if part["role"] != "lexical"]
    manifest.write_text(json.dumps(fields), "utf-8")
    assert visit(watched, site_copy)["lexical"] == "absent"
    assert ask(watched, "knives", mode="lexical")["code"] == "lexical-unavailable"
    answer = ask(watched, PARAPHRASE)
    assert answer["mode"] == "semantic"
    assert answer["results"][0]["id"] == PARAPHRASE_ANSWER
