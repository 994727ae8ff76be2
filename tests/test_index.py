"""`latefind build`, what it writes: tiers, determinism, the cache, and memory of what is encoded."""

import json
from pathlib import Path

import numpy as np
import pytest
from small_site import PARAPHRASE, PARAPHRASE_ANSWER, QUERIES, write_small_site

from latefind.errors import UsageError
from latefind.format import cut_part, decode_section, read_shard
from latefind.format_tables import read_codec, read_names, read_summary
from latefind.manifest import Manifest
from latefind.passages import Section
from latefind_build import index as index_module
from latefind_build import pool
from latefind_build import shards as shards_module
from latefind_build.bundle import open_bundle
from latefind_build.cli import main
from latefind_build.encode import Encoder
from latefind_build.index import Index, IndexOptions, build_index
from latefind_build.inspect_index import describe_index, format_description
from latefind_build.native import NativeSearch
from latefind_build.store import VectorStore

SECTIONS = [
    Section(f"s{n}", f"page.html#s{n}", title, f"{title} explained. " + text * (1 + n % 3))
    for n, (title, text) in enumerate(
        [
            ("Tea", "Pour water just off the boil over the leaves. "),
            ("Backups", "Keep three copies of every file. "),
            ("Slugs", "Copper tape keeps snails away from lettuce. "),
            ("Sleep", "Dim the lamps early and keep the hour. "),
            ("Knives", "Draw the blade across a wet stone. "),
            ("Taxes", "Receipts for work clothes lower what you owe. "),
        ]
    )
]


def build(folder: Path, options: IndexOptions, sections: list[Section] | None = None) -> Index:
    folder.mkdir(exist_ok=True)
    return build_index(SECTIONS if sections is None else sections, open_bundle(), folder, options)


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in (folder / "index").iterdir()}


def only(folder: Path, pattern: str) -> bytes:
    [path] = (folder / "index").glob(pattern)
    return path.read_bytes()


@pytest.fixture
def encoded(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The lengths of all texts that the model was run on."""
    runs: list[int] = []
    original = Encoder.encode

    def counting(self, plan):
        runs.append(len(plan.ids))
        return original(self, plan)

    monkeypatch.setattr(Encoder, "encode", counting)
    return runs


@pytest.mark.parametrize("tier", ["small", "large"])
def test_build_index_gives_the_same_bytes_whatever_jobs_and_cache(tmp_path, tier):
    cache = tmp_path / "cache"
    settings = {"cold": (1, cache), "warm": (3, cache), "none": (2, None)}
    for name, (jobs, folder) in settings.items():
        build(tmp_path / name, IndexOptions(jobs=jobs, tier=tier, cache=folder))

    assert contents(tmp_path / "cold") == contents(tmp_path / "warm") == contents(tmp_path / "none")


def test_build_index_encodes_only_what_changed(tmp_path, encoded):
    build(tmp_path / "a", IndexOptions(cache=tmp_path))
    before = len(encoded)
    changed = [*SECTIONS[:-1], Section("new", "", "Bread", "Bake in a lidded iron pot.")]
    build(tmp_path / "b", IndexOptions(cache=tmp_path), changed)

    assert before == len(SECTIONS)
    assert len(encoded) == before + 1


def test_build_index_encodes_nothing_again_for_other_settings(tmp_path, encoded):
    build(tmp_path / "a", IndexOptions(cache=tmp_path))
    build(tmp_path / "b", IndexOptions(cache=tmp_path, pool=4, vector_bytes=34, tier="large"))

    assert len(encoded) == len(SECTIONS)


def test_build_index_small_is_one_shard_in_the_order_of_the_pages(tmp_path):
    index = build(tmp_path, IndexOptions())

    codec, following = cut_part(only(tmp_path, "index-*"), "index")
    shard = read_shard(following)

    assert index.tier == "small"
    assert [part.role for part in index.parts] == ["index", "lexical"]
    assert int(shard.codes.max()) >> 4 < len(read_codec(codec).centroids)
    assert [decode_section(record).id for record in shard.records] == [s.id for s in SECTIONS]
    assert int(shard.lengths.sum()) == len(shard.codes) == index.vectors


def test_build_index_large_has_shards_summary_and_names_that_agree(tmp_path, monkeypatch):
    monkeypatch.setattr(index_module, "SHARD_BYTES", 800)
    index = build(tmp_path, IndexOptions(tier="large"))

    shards = [read_shard(path.read_bytes()) for path in sorted((tmp_path / "index").glob("shard-*"))]
    codec, following = cut_part(only(tmp_path, "index-*"), "index")
    summary = read_summary(following)
    names = read_names(only(tmp_path, "names-*"))
    ordered = [decode_section(record) for shard in shards for record in shard.records]

    roles = [part.role for part in index.parts]
    assert roles == ["index", "names", *["shard"] * len(shards), "lexical"]
    assert len(shards) > 1
    assert sorted(section.id for section in ordered) == sorted(section.id for section in SECTIONS)
    assert summary.sections.tolist() == [*(s.first_section for s in shards), len(SECTIONS)]
    assert summary.passages.tolist() == [*(s.first_passage for s in shards), index.passages]
    assert summary.codes.max() < len(read_codec(codec).centroids)
    for number, section in enumerate(ordered):
        assert names.find(section.id) == names.find(section.url) == number


@pytest.mark.parametrize(("passages", "slots"), [(5, 16), (6, 32)])
def test_build_index_says_more_of_each_passage_where_they_are_fewer(tmp_path, monkeypatch, passages, slots):
    monkeypatch.setattr(shards_module, "FINE_PASSAGES", passages)
    build(tmp_path, IndexOptions(tier="large"))
    summary = read_summary(cut_part(only(tmp_path, "index-*"), "index")[1])
    assert summary.codes.shape == (slots, 6)


def test_build_index_large_answers_like_small_where_a_query_reaches_all_shards(
    tmp_path, built_site, monkeypatch
):
    write_small_site(tmp_path)
    monkeypatch.setattr(index_module, "SHARD_BYTES", 4_000)
    assert main(["build", str(tmp_path), "--tier", "large"]) == 0
    large, small = NativeSearch(tmp_path), NativeSearch(built_site)

    assert 1 < len(large.manifest.by_role("shard")) <= 6
    for text in QUERIES:
        expected = [(result.section.id, result.score) for result in small.search(text).results]
        found = [(result.section.id, result.score) for result in large.search(text).results]
        assert [name for name, _ in found] == [name for name, _ in expected]
        assert [score for _, score in found] == pytest.approx([score for _, score in expected], abs=1e-4)


def test_rank_of_a_large_index_loads_names_and_shards(large_site, built_site):
    names = [PARAPHRASE_ANSWER, "kitchen.html#bread", "nowhere", "health.html#back"]

    ranked, unknown = NativeSearch(large_site).rank(PARAPHRASE, names)
    expected, _ = NativeSearch(built_site).rank(PARAPHRASE, names)

    assert unknown == ["nowhere"]
    assert ranked[0][0] == PARAPHRASE_ANSWER
    assert [name for name, _ in ranked] == [name for name, _ in expected]


@pytest.mark.parametrize(("passages", "tier"), [(5, "large"), (6, "small")])
def test_build_index_chooses_the_tier_by_passages(tmp_path, monkeypatch, passages, tier):
    monkeypatch.setattr(index_module, "SMALL_PASSAGES", passages)

    assert build(tmp_path, IndexOptions()).tier == tier


def test_build_index_pools_by_the_factor(tmp_path, monkeypatch):
    monkeypatch.setattr(pool, "SHORTEST", 4)
    counts = [build(tmp_path, IndexOptions(cache=tmp_path, pool=factor)).vectors for factor in (1, 2, 3, 4)]

    assert counts == sorted(counts, reverse=True)
    assert 0.4 < counts[1] / counts[0] < 0.65


def test_build_index_auto_says_what_it_chose_from(tmp_path, capsys):
    build(tmp_path, IndexOptions(vector_bytes=None, pool=None))

    assert "<- chosen" in capsys.readouterr().err


def test_build_index_refuses_bytes_that_do_not_fit_the_model(tmp_path):
    with pytest.raises(UsageError, match="--bytes"):
        build(tmp_path, IndexOptions(vector_bytes=20))


def test_build_index_keeps_a_section_without_known_text(tmp_path):
    sections = [*SECTIONS, Section("empty", "", "", "")]

    index = build(tmp_path, IndexOptions(tier="large"), sections)

    assert (index.sections, index.passages) == (7, 7)


def test_inspect_explains_the_small_tier(built_site):
    text = format_description(describe_index(built_site))

    assert "tier        small: one file of" in text
    assert "every vector is scanned" in text


def test_inspect_counts_for_a_large_index_what_the_first_answer_needs(large_site):
    description = describe_index(large_site)
    manifest = Manifest.from_bytes((large_site / "latefind/manifest.json").read_bytes())

    shards = [part.size for part in manifest.by_role("shard")]
    later = ("names", "shard")
    always = sum(part.size for part in manifest.parts if part.role not in later and not part.data)
    assert description["download"] == always + 6 * sum(shards) // len(shards)
    assert f"at most 6 of {len(shards)} shards" in description["tier_meaning"]


def test_inspect_counts_no_text_as_vectors(built_site):
    description = describe_index(built_site)

    index = description["roles"]["index"]["bytes"]
    vectors = description["counts"]["vectors"]
    assert 0 < description["text_bytes"] < index
    assert description["bytes_per_vector"] * vectors == pytest.approx(index - description["text_bytes"])
    json.dumps(description)


def test_vector_store_gives_back_what_was_appended(tmp_path):
    first, second = np.ones((2, 3), np.float32), np.full((1, 3), 0.5, np.float32)
    with VectorStore(tmp_path, 3) as store:
        for vectors in (first, np.zeros((0, 3), np.float32), second):
            store.append(vectors)
        assert store.finish() == 3
        again = store.passages([2, 1, 0])
        rows = store.rows(np.array([0, 2]))

    assert [vectors.tolist() for vectors in again] == [second.tolist(), [], first.tolist()]
    assert rows.tolist() == [[1, 1, 1], [0.5, 0.5, 0.5]]
    assert list(tmp_path.iterdir()) == []
