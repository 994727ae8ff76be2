"""The bridge under CPython: what the worker sends and gets, with bytes for JavaScript's buffers."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from latefind import bridge
from latefind.manifest import ENGINE_ROLES


def load(site: Path) -> list[Mapping[str, Any]]:
    """Boot the bridge from a built site and return the answers to add_part."""
    folder = site / "latefind"
    text = (folder / "manifest.json").read_text("utf-8")
    assert json.loads(bridge.boot(text)) == {}
    parts = [part["path"] for part in json.loads(text)["parts"] if part["role"] in ENGINE_ROLES]
    return [json.loads(bridge.add_part(path, (folder / path).read_bytes())) for path in parts]


@pytest.fixture
def loaded(built_site: Path) -> None:
    load(built_site)


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
    path = next(part["path"] for part in json.loads(text)["parts"] if part["role"] == "vectors")
    bridge.boot(text)
    error = json.loads(bridge.add_part(path, bytes((folder / path).stat().st_size)))["error"]
    assert error["code"] == "integrity"
    assert error["message"].startswith(f"{path}: expected SHA-256 ")


def test_boot_refuses_another_version_and_names_both() -> None:
    error = json.loads(bridge.boot('{"format": 99}'))["error"]
    assert error["code"] == "version"
    assert "format version 1, got version 99" in error["message"]


@pytest.mark.usefixtures("loaded")
def test_plan_has_a_mask_and_a_score_flag_for_each_id() -> None:
    plan = json.loads(bridge.plan("bread with a crust"))
    assert plan["ids"][0] == 101
    assert len(plan["ids"]) == len(plan["mask"]) == len(plan["scored"])
    assert set(plan["scored"]) <= {True, False}


@pytest.mark.usefixtures("loaded")
def test_search_returns_results_of_the_browser_api() -> None:
    options = json.dumps({"text": "bread", "limit": 2, "filters": {}})
    answer = json.loads(bridge.search(memoryview(unit_vectors(3)), "[true, true, true]", options))
    assert len(answer["results"]) == 2
    assert set(answer["results"][0]) >= {"id", "url", "title", "breadcrumb", "score", "snippet", "highlights"}
    assert set(answer["timings"]) == {"candidates", "rerank"}


@pytest.mark.usefixtures("loaded")
def test_search_leaves_out_rows_that_are_not_scored() -> None:
    options = json.dumps({"text": "bread", "limit": 5, "filters": {}})
    two = json.loads(bridge.search(unit_vectors(3)[: 2 * 128 * 4], "[true, true]", options))
    masked = json.loads(bridge.search(unit_vectors(3), "[true, true, false]", options))
    assert masked["results"] == two["results"]


@pytest.mark.usefixtures("loaded")
def test_search_refuses_vectors_that_do_not_fit_the_plan() -> None:
    options = json.dumps({"text": "bread", "limit": 5, "filters": {}})
    error = json.loads(bridge.search(bytes(4 * 127), "[true, true]", options))["error"]
    assert "a vector for each of 2 tokens" in error["message"]


@pytest.mark.usefixtures("loaded")
def test_rank_answers_by_the_name_that_was_given() -> None:
    names = [["/some/path/kitchen.html#bread", "kitchen.html#bread"], ["nowhere", "nowhere"]]
    answer = json.loads(bridge.rank(unit_vectors(2), "[true, true]", json.dumps(names)))
    assert [pair["id"] for pair in answer["ranked"]] == ["/some/path/kitchen.html#bread"]


def test_a_buffer_of_pyodide_is_copied_once(built_site: Path) -> None:
    class JsBuffer:
        copies = 0

        def to_bytes(self) -> bytes:
            self.copies += 1
            return unit_vectors(2)

    load(built_site)
    buffer = JsBuffer()
    options = json.dumps({"text": "bread", "limit": 1, "filters": {}})
    assert json.loads(bridge.search(buffer, "[true, true]", options))["total"] > 0
    assert buffer.copies == 1
