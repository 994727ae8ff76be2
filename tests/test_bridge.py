"""The bridge under CPython: what the worker sends and gets, with bytes for JavaScript's buffers."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tokenizer_oracle import shipped

from latefind import bridge
from latefind.format import FORMAT_VERSION


def load(site: Path) -> list[Mapping[str, Any]]:
    """Boot the bridge from a built site and return the answers to add_part."""
    return add(site, json.loads(bridge.boot((site / "latefind/manifest.json").read_text("utf-8")))["initial"])


def add(site: Path, paths: Sequence[str]) -> list[Mapping[str, Any]]:
    return [json.loads(bridge.add_part(path, (site / "latefind" / path).read_bytes())) for path in paths]


@pytest.fixture
def loaded(built_site: Path) -> None:
    load(built_site)


def search(tokens: int, limit: int = 3) -> Mapping[str, Any]:
    options = json.dumps({"text": "bread", "limit": limit, "filters": {}, "candidates": []})
    answer: Mapping[str, Any] = json.loads(
        bridge.search(unit_vectors(tokens), json.dumps([True] * tokens), options)
    )
    return answer


def unit_vectors(tokens: int) -> bytes:
    """Stand in for the encoder: any unit vectors of the model's width do."""
    vectors = np.random.default_rng(1).normal(size=(tokens, 128)).astype("<f4")
    return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).tobytes()


def test_add_part_is_ready_with_the_last_part(built_site: Path) -> None:
    ready = [answer["ready"] for answer in load(built_site)]
    assert ready == [False] * (len(ready) - 1) + [True]


def test_add_part_refuses_damaged_bytes_with_a_code(built_site: Path) -> None:
    folder = built_site / "latefind"
    text = (folder / "manifest.json").read_text("utf-8")
    path = next(part["path"] for part in json.loads(text)["parts"] if part["role"] == "index")
    bridge.boot(text)
    error = json.loads(bridge.add_part(path, bytes((folder / path).stat().st_size)))["error"]
    assert error["code"] == "integrity"
    assert error["message"].startswith(f"{path}: expected SHA-256 ")


def test_boot_refuses_another_version_and_names_both() -> None:
    error = json.loads(bridge.boot('{"format": 99}'))["error"]
    assert error["code"] == "version"
    assert f"format version {FORMAT_VERSION}, got version 99" in error["message"]


@pytest.mark.usefixtures("loaded")
def test_plan_has_a_mask_and_a_score_flag_for_each_id() -> None:
    plan = json.loads(bridge.plan("bread with a crust"))
    assert plan["ids"][0] == shipped().token_to_id("[CLS]")
    assert len(plan["ids"]) == len(plan["mask"]) == len(plan["scored"])
    assert set(plan["scored"]) <= {True, False}


@pytest.mark.usefixtures("loaded")
def test_search_returns_results_of_the_browser_api() -> None:
    options = json.dumps({"text": "bread", "limit": 2, "filters": {}, "candidates": []})
    answer = json.loads(bridge.search(memoryview(unit_vectors(3)), "[true, true, true]", options))
    assert len(answer["results"]) == 2
    assert set(answer["results"][0]) >= {"id", "url", "title", "breadcrumb", "score", "snippet", "highlights"}
    assert set(answer["timings"]) == {"candidates", "rerank"}


@pytest.mark.usefixtures("loaded")
def test_search_leaves_out_rows_that_are_not_scored() -> None:
    options = json.dumps({"text": "bread", "limit": 5, "filters": {}, "candidates": []})
    two = json.loads(bridge.search(unit_vectors(3)[: 2 * 128 * 4], "[true, true]", options))
    masked = json.loads(bridge.search(unit_vectors(3), "[true, true, false]", options))
    assert masked["results"] == two["results"]


@pytest.mark.usefixtures("loaded")
def test_search_refuses_vectors_that_do_not_fit_the_plan() -> None:
    options = json.dumps({"text": "bread", "limit": 5, "filters": {}, "candidates": []})
    error = json.loads(bridge.search(bytes(4 * 127), "[true, true]", options))["error"]
    assert "a vector for each of 2 tokens" in error["message"]


@pytest.mark.usefixtures("loaded")
def test_rank_answers_by_the_name_that_was_given() -> None:
    names = [["/some/path/kitchen.html#bread", "kitchen.html#bread"], ["nowhere", "nowhere"]]
    answer = json.loads(bridge.rank(unit_vectors(2), "[true, true]", json.dumps(names)))
    assert [pair["id"] for pair in answer["ranked"]] == ["/some/path/kitchen.html#bread"]
    assert answer["unknown"] == ["nowhere"]


@pytest.mark.usefixtures("loaded")
def test_small_index_needs_nothing_once_it_is_loaded() -> None:
    assert json.loads(bridge.needs(unit_vectors(1), "[true]", "[]")) == {"parts": []}
    assert json.loads(bridge.rank_needs('[["kitchen.html#bread"]]')) == {"parts": []}
    assert search(1)["missing"] == []


def test_boot_of_a_large_index_leaves_shards_and_names_for_later(large_site: Path) -> None:
    text = (large_site / "latefind/manifest.json").read_text("utf-8")
    roles = {part["path"]: part["role"] for part in json.loads(text)["parts"]}
    initial = [roles[path] for path in json.loads(bridge.boot(text))["initial"]]
    assert sorted(initial) == ["index", "tokenizer"]


def test_search_names_the_shards_that_it_misses(large_site: Path) -> None:
    load(large_site)
    needed = json.loads(bridge.needs(unit_vectors(2), "[true, true]", "[]"))["parts"]
    none = search(2)
    assert (none["results"], none["missing"]) == ([], needed)
    add(large_site, needed[1:])
    some = search(2)
    assert some["results"]
    assert some["missing"] == needed[:1]
    assert json.loads(bridge.needs(unit_vectors(2), "[true, true]", "[]")) == {"parts": needed[:1]}


def test_rank_needs_the_names_then_the_shards_then_nothing(large_site: Path) -> None:
    load(large_site)
    groups = [["kitchen.html#bread"], ["nowhere"]]
    [names] = json.loads(bridge.rank_needs(json.dumps(groups)))["parts"]
    assert names.startswith("index/names-")
    add(large_site, [names])
    [shard] = json.loads(bridge.rank_needs(json.dumps(groups)))["parts"]
    assert shard.startswith("index/shard-")
    add(large_site, [shard])
    assert json.loads(bridge.rank_needs(json.dumps(groups))) == {"parts": []}
    answer = json.loads(bridge.rank(unit_vectors(1), "[true]", json.dumps(groups)))
    assert [pair["id"] for pair in answer["ranked"]] == ["kitchen.html#bread"]
    assert answer["unknown"] == ["nowhere"]


def test_a_buffer_of_pyodide_is_copied_once(built_site: Path) -> None:
    class JsBuffer:
        copies = 0

        def to_bytes(self) -> bytes:
            self.copies += 1
            return unit_vectors(2)

    load(built_site)
    buffer = JsBuffer()
    options = json.dumps({"text": "bread", "limit": 1, "filters": {}, "candidates": []})
    assert json.loads(bridge.search(buffer, "[true, true]", options))["total"] > 0
    assert buffer.copies == 1


def test_search_scores_the_candidates(built_site: Path) -> None:
    load(built_site)
    options = {"text": "bread", "limit": 2, "filters": {}, "candidates": [3, 900, 5]}
    answer = json.loads(bridge.search(unit_vectors(2), "[true, true]", json.dumps(options)))
    ranking = dict(answer["ranking"])
    assert answer["scores"] == [ranking[3], None, ranking[5]]
    described = [result["number"] for result in (*answer["results"], *answer["others"])]
    assert {3, 5} <= set(described)
    assert len(described) == len(set(described))


def test_highlight_takes_the_vectors_of_the_plan(built_site: Path) -> None:
    load(built_site)
    scored = json.loads(bridge.plan("bread"))["scored"]
    query = (unit_vectors(len(scored)), json.dumps(scored))
    plan = json.loads(bridge.plan_passage(*query, 3))["plan"]
    vectors, stored = unit_vectors(len(plan["ids"])), json.dumps(plan["scored"])
    answer = json.loads(bridge.highlight(*query, "bread", 3, vectors, stored))["highlighted"]
    assert set(answer) == {"number", "snippet", "highlights", "explanation"}
    assert answer["number"] == 3
    assert json.loads(bridge.plan_passage(*query, 3)) == {"plan": None}
    assert json.loads(bridge.highlight(*query, "bread", 3, b"", "[]"))["highlighted"] == answer


def test_highlight_of_a_section_beyond_the_index_is_null(built_site: Path) -> None:
    load(built_site)
    query = (unit_vectors(2), "[true, true]")
    assert json.loads(bridge.plan_passage(*query, 900)) == {"plan": None}
    assert json.loads(bridge.highlight(*query, "bread", 900, b"", "[]")) == {"highlighted": None}


def test_highlight_without_vectors_is_refused_with_a_code(built_site: Path) -> None:
    load(built_site)
    error = json.loads(bridge.highlight(unit_vectors(2), "[true, true]", "bread", 3, b"", "[]"))["error"]
    assert error["code"] == "error"
