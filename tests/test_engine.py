"""The engine on an index of the large tier: what it wants, what it keeps, what it says of what is missing."""

import dataclasses
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from small_site import QUERIES, write_small_site

from latefind import search, shards
from latefind.errors import FormatError, IntegrityError, LatefindError
from latefind.format import decode_section, read_shard
from latefind.manifest import Part
from latefind.results import Highlighted
from latefind.routing import MAX_SHARDS
from latefind.search import Engine, Vectors
from latefind_build import index
from latefind_build.cli import main
from latefind_build.native import NativeSearch, read_shards

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
    assert roles == {"tokenizer", "index"}


def test_settings_that_the_manifest_lacks_are_a_part_like_others(large: NativeSearch) -> None:
    fetched = [dataclasses.replace(part, data=b"") for part in large.manifest.parts]
    engine = Engine(dataclasses.replace(large.manifest, parts=fetched))
    for path in engine.initial:
        engine.add_part(path, read(large, path))
    roles = {part.role for part in fetched if part.path in engine.initial}
    assert engine.ready
    assert roles == {"tokenizer", "settings", "index"}


def test_index_that_ends_within_its_codec_is_refused(large: NativeSearch) -> None:
    [index] = large.manifest.by_role("index")
    cut = Part.of("index", index.path, read(large, index.path)[:1000])
    with pytest.raises(FormatError, match=f"{index.path}: expected .* bytes and another part, got 1000"):
        Engine(dataclasses.replace(large.manifest, parts=[cut])).add_part(
            cut.path, read(large, index.path)[:1000]
        )


def test_engine_asked_before_its_parts_are_there_says_so(large: NativeSearch) -> None:
    with pytest.raises(LatefindError, match="expected all its parts, got 2 missing"):
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
    memory = sum(engine._shards.get(path).size for path in engine._route(first, ())[1])
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


def numbers(native: NativeSearch) -> dict[str, int]:
    """Return the number of every section in the index, by id."""
    return {
        decode_section(record).id: shard.first_section + at
        for shard in read_shards(native.folder, native.manifest)
        for at, record in enumerate(shard.records)
    }


def filled(native: NativeSearch, query: Vectors, candidates: Sequence[int] = ()) -> Engine:
    """Return an engine with the shards that a query wants."""
    engine = started(native)
    for path in engine.needs(query, candidates):
        engine.add_part(path, read(native, path))
    return engine


@pytest.fixture(scope="module")
def small(built_site: Path) -> NativeSearch:
    return NativeSearch(built_site)


def test_results_have_the_number_of_their_section(large: NativeSearch, small: NativeSearch) -> None:
    for native in (large, small):
        known = numbers(native)
        results = native.search(QUESTION, 100).results
        assert [known[result.section.id] for result in results] == [result.number for result in results]


def test_candidates_score_as_results_do(small: NativeSearch) -> None:
    query = small.encode(QUESTION)
    scores = {result.number: result.score for result in small.engine.search(query, QUESTION, 100).results}
    asked = [*reversed(range(len(numbers(small)))), 10_000]
    found = small.engine.search(query, QUESTION, 3, candidates=asked)
    assert found.scores == [scores.get(number) for number in asked]


def test_candidate_beyond_the_memory_has_no_score(large: NativeSearch) -> None:
    query = large.encode(QUESTION)
    engine = filled(large, query)
    asked = list(range(len(numbers(large))))
    found = engine.search(query, QUESTION, 100, candidates=asked)
    held = {result.number for result in engine.search(query, QUESTION, 100).results}
    assert {number for number, score in zip(asked, found.scores, strict=True) if score is not None} >= held
    assert None in found.scores


def far_section(native: NativeSearch, query: Vectors) -> tuple[int, str]:
    """Return a section that is in none of the shards that a query wants, and the shard that it is in."""
    wanted = started(native).needs(query)
    path = next(part.path for part in native.manifest.by_role("shard") if part.path not in wanted)
    return read_shard(read(native, path)).first_section, path


def test_candidates_nominate_their_shards_within_the_budget(large: NativeSearch) -> None:
    query = large.encode(QUESTION)
    far, path = far_section(large, query)
    plain, wanted = started(large).needs(query), started(large).needs(query, [far])
    assert path in wanted
    assert len(wanted) == len(plain) == MAX_SHARDS
    assert set(plain[:-1]) < set(wanted)


def test_candidates_of_shards_in_memory_may_be_results(large: NativeSearch) -> None:
    query = large.encode(QUESTION)
    far, _ = far_section(large, query)
    found = filled(large, query, [far]).search(query, QUESTION, 100, candidates=[far])
    assert found.scores == [result.score for result in found.results if result.number == far]


def test_candidates_obey_the_filters_only_as_results(small: NativeSearch) -> None:
    query = small.encode(QUESTION)
    found = small.engine.search(query, QUESTION, 5, {"section": ["none"]}, candidates=[0])
    assert (list(found.results), list(found.ranking)) == ([], [])
    assert found.scores[0] is not None


def test_every_fused_list_is_among_results_and_others(small: NativeSearch) -> None:
    query, limit = small.encode(QUESTION), 3
    count = len(numbers(small))
    for seed in range(20):
        random = np.random.default_rng(seed)
        candidates = random.permutation(count)[:12].tolist()
        found = small.engine.search(query, QUESTION, limit, candidates=candidates)
        described = {result.number for result in (*found.results, *found.others)}
        semantic = dict(found.ranking)
        lexical = {number: len(candidates) - rank for rank, number in enumerate(candidates)}
        for weight in (0, 0.3, 0.5, 0.9, 1):
            fused = {
                number: weight * lexical.get(number, 0) + (1 - weight) * score
                for number, score in semantic.items()
                if weight < 1 or number in lexical
            }
            assert set(sorted(fused, key=lambda number: -fused[number])[:limit]) <= described


def test_ranking_has_the_scores_of_more_than_the_results(small: NativeSearch) -> None:
    found = small.search(QUESTION, 3)
    assert found.ranking[:3] == [(result.number, result.score) for result in found.results]
    assert len(found.ranking) == found.total


def highlight(native: NativeSearch, text: str, number: int) -> Highlighted | None:
    query = native.encode(text)
    plan = native.engine.plan_passage(query, number)
    vectors = None if plan is None else native._encoder.encode(plan)
    return native.engine.highlight(query, text, number, vectors)


def test_highlight_marks_words_of_the_best_passage(small: NativeSearch) -> None:
    question = "how many days does it keep in the refrigerator"
    found = highlight(small, question, numbers(small)["kitchen.html#mould"])
    assert found
    marked = [found.snippet[mark.start : mark.end] for mark in found.highlights]
    assert {"last", "week"} <= set(marked)
    assert not {"the", "a", "in", "and"} & set(marked)


def test_passage_is_encoded_once(small: NativeSearch) -> None:
    number = numbers(small)["kitchen.html#knives"]
    first = highlight(small, "sharp blade", number)
    assert small.engine.plan_passage(small.encode("sharp blade"), number) is None
    assert highlight(small, "sharp blade", number) == first
    other = highlight(small, "a wet stone", number)
    assert other
    assert other != first


def test_passages_remembered_are_bounded(small: NativeSearch, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(search, "REMEMBERED", 2)
    query = small.encode(QUESTION)
    for number in range(4):
        highlight(small, QUESTION, number)
    planned = [small.engine.plan_passage(query, number) is not None for number in range(4)]
    assert planned == [True, True, False, False]


def test_section_that_is_not_in_memory_has_no_highlights(large: NativeSearch) -> None:
    engine, query = started(large), large.encode(QUESTION)
    assert engine.plan_passage(query, 0) is None
    assert engine.highlight(query, QUESTION, 0) is None
    assert engine.highlight(query, QUESTION, 10_000) is None


def test_vectors_of_another_passage_are_refused(small: NativeSearch) -> None:
    engine, query = NativeSearch(small.folder).engine, small.encode(QUESTION)
    assert engine.plan_passage(query, 3) is not None
    with pytest.raises(LatefindError, match="vectors of the passage just planned"):
        engine.highlight(query, QUESTION, 4, np.zeros((5, 128), np.float32))
    with pytest.raises(LatefindError, match="expected the passage's vectors, got none"):
        engine.highlight(query, QUESTION, 4)
