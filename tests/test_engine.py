"""The engine on an index of the large tier: what it wants, what it keeps, what it says of what is missing."""

import dataclasses

import numpy as np
import pytest
from small_site import QUERIES, write_small_site

from latefind import shards
from latefind.errors import FormatError, IntegrityError, LatefindError
from latefind.routing import MAX_SHARDS
from latefind.search import Engine
from latefind_build import index
from latefind_build.cli import main
from latefind_build.native import NativeSearch

QUESTION, ANSWER = QUERIES[3], "garden/#slugs"


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> NativeSearch:
    site = tmp_path_factory.mktemp("large")
    write_small_site(site)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(index, "SHARD_BYTES", 900)
        assert main(["build", str(site), "--tier", "large", "--no-cache"]) == 0
    return NativeSearch(site)


def read(native: NativeSearch, path: str) -> bytes:
    return (native.folder / path).read_bytes()


def started(native: NativeSearch) -> Engine:
    engine = Engine(native.manifest)
    for path in engine.initial:
        engine.add_part(path, read(native, path))
    return engine


def test_large_index_starts_without_any_shard(large: NativeSearch) -> None:
    engine = started(large)
    assert engine.ready
    roles = {part.role for part in large.manifest.parts if part.path in engine.initial}
    assert roles == {"tokenizer", "settings", "codec", "summary"}


def test_engine_asked_before_its_parts_are_there_says_so(large: NativeSearch) -> None:
    with pytest.raises(LatefindError, match="expected all its parts, got 4 missing"):
        Engine(large.manifest).needs(np.zeros((1, 128), np.float32))


def test_query_wants_few_shards_and_none_twice(large: NativeSearch) -> None:
    engine, query = started(large), large.encode(QUESTION)
    wanted = engine.needs(query)
    assert 1 < len(wanted) <= MAX_SHARDS < len(large.manifest.by_role("shard"))
    for path in wanted:
        engine.add_part(path, read(large, path))
    assert engine.needs(query) == []
    assert engine.search(query, QUESTION).results[0].section.id == ANSWER


def test_search_without_a_shard_answers_from_the_others_and_names_it(large: NativeSearch) -> None:
    engine, query = started(large), large.encode(QUESTION)
    lost, *others = engine.needs(query)
    for path in others:
        engine.add_part(path, read(large, path))
    found = engine.search(query, QUESTION)
    assert found.missing == [lost]
    assert found.results


def test_shards_in_memory_are_bounded(large: NativeSearch, monkeypatch: pytest.MonkeyPatch) -> None:
    engine, query = started(large), large.encode(QUESTION)
    wanted = engine.needs(query)
    monkeypatch.setattr(shards, "CACHE_BYTES", 1)
    for path in wanted:
        engine.add_part(path, read(large, path))
    assert engine.needs(query) == wanted[:-1]


def test_shards_that_a_query_wants_are_not_dropped_for_its_others(
    large: NativeSearch, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine, first, second = started(large), large.encode(QUERIES[1]), large.encode(QUERIES[5])
    for path in engine.needs(first):
        engine.add_part(path, read(large, path))
    memory = sum(engine._shards.get(path).size for path in engine._route(first)[1])
    monkeypatch.setattr(shards, "CACHE_BYTES", memory + 200)
    for path in engine.needs(second):
        engine.add_part(path, read(large, path))
    assert engine.needs(second) == []


def test_rank_wants_the_names_and_then_the_shards(large: NativeSearch) -> None:
    engine = started(large)
    names = ["kitchen.html#bread", "nowhere", ANSWER]
    [listing] = engine.rank_needs(names)
    assert listing == large.manifest.by_role("names")[0].path
    engine.add_part(listing, read(large, listing))
    for path in engine.rank_needs(names):
        engine.add_part(path, read(large, path))
    assert engine.rank_needs(names) == []
    ranked, unknown = engine.rank(large.encode(QUESTION), names)
    assert [name for name, _ in ranked] == [ANSWER, "kitchen.html#bread"]
    assert unknown == ["nowhere"]


def test_rank_gives_the_scores_of_search(large: NativeSearch) -> None:
    results = large.search(QUESTION, 5).results
    ranked, _ = large.rank(QUESTION, [result.section.id for result in reversed(results)])
    assert ranked == [(result.section.id, result.score) for result in results]


def test_damaged_shard_is_refused(large: NativeSearch) -> None:
    engine = started(large)
    path = engine.needs(large.encode(QUESTION))[0]
    data = bytearray(read(large, path))
    data[-1] ^= 1
    with pytest.raises(IntegrityError, match=path):
        engine.add_part(path, bytes(data))


def test_part_of_another_index_is_refused(large: NativeSearch) -> None:
    with pytest.raises(FormatError, match="a part that the manifest names"):
        Engine(large.manifest).add_part("index/other.bin", b"")


def test_manifest_with_fewer_shards_than_the_summary_is_refused(large: NativeSearch) -> None:
    whole = large.manifest
    shorter = [part for part in whole.parts if part != whole.by_role("shard")[-1]]
    engine = Engine(dataclasses.replace(whole, parts=shorter))
    *first, last = engine.initial
    for path in first:
        engine.add_part(path, read(large, path))
    with pytest.raises(FormatError, match=r"summary: expected \d+ shards"):
        engine.add_part(last, read(large, last))
