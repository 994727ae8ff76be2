"""The cache of embeddings: nothing is encoded twice, and trouble with its file never stops a build."""

import sqlite3
from pathlib import Path

import numpy as np
import pytest

from latefind.model import TokenPlan
from latefind_build import cache as cache_module
from latefind_build.cache import EmbeddingCache, cache_file, encode_cached, key_of

D = 4


class CountingEncoder:
    """Stands for the model: embeddings that depend on the ids alone, and a count of runs."""

    def __init__(self, fail_at: int | None = None) -> None:
        self.encoded: list[int] = []
        self._fail_at = fail_at

    def encode(self, plan: TokenPlan) -> np.ndarray:
        if len(self.encoded) == self._fail_at:
            raise KeyboardInterrupt
        self.encoded.append(int(plan.ids[1]))
        return np.outer(plan.ids, np.linspace(0.1, 1, D)).astype(np.float32)


def plan(number: int) -> TokenPlan:
    ids = np.array([101, number, 102], np.int64)
    return TokenPlan(ids, np.ones(3, np.int64), np.ones(3, np.bool_))


def run(path: Path | None, numbers: list[int], encoder: CountingEncoder, jobs: int = 1) -> list[np.ndarray]:
    with EmbeddingCache(path, D) as cache:
        return list(encode_cached(encoder, (plan(n) for n in numbers), jobs, cache))  # type: ignore[arg-type]


def no_warning(message: str) -> None:
    raise AssertionError(message)


def test_encode_cached_never_encodes_an_unchanged_passage_again(tmp_path):
    first, second = CountingEncoder(), CountingEncoder()

    run(tmp_path / "c.sqlite", [1, 2, 3], first)
    run(tmp_path / "c.sqlite", [3, 4, 1], second)

    assert first.encoded == [1, 2, 3]
    assert second.encoded == [4]


def test_encode_cached_gives_the_same_cold_warm_and_without(tmp_path):
    numbers = [5, 1, 5, 9, 2]
    results = [
        run(path, numbers, CountingEncoder(), jobs)
        for path, jobs in ((tmp_path / "c.sqlite", 1), (tmp_path / "c.sqlite", 3), (None, 2))
    ]

    assert [n[1, -1] for n in results[0]] == numbers
    for result in results:
        assert [n.tobytes() for n in result] == [n.tobytes() for n in results[0]]
        assert {n.dtype for n in result} == {np.dtype(np.float16)}


def test_encode_cached_resumes_an_interrupted_build(tmp_path):
    interrupted, resumed = CountingEncoder(fail_at=30), CountingEncoder()

    with pytest.raises(KeyboardInterrupt):
        run(tmp_path / "c.sqlite", list(range(100)), interrupted)
    run(tmp_path / "c.sqlite", list(range(100)), resumed)

    assert interrupted.encoded + resumed.encoded == list(range(100))


def test_encode_cached_encodes_equal_passages_once(tmp_path):
    encoder = CountingEncoder()

    run(tmp_path / "c.sqlite", [7] * 50, encoder, jobs=2)

    assert encoder.encoded == [7]


def test_cache_is_on_disk_while_the_build_goes_on(tmp_path, monkeypatch):
    monkeypatch.setattr(cache_module, "COMMIT_SECONDS", 0.0)
    with EmbeddingCache(tmp_path / "c.sqlite", D, warn=no_warning) as cache:
        cache.put(b"k", np.ones((2, D), np.float16))

        rows = sqlite3.connect(tmp_path / "c.sqlite").execute("SELECT key FROM embeddings").fetchall()

    assert rows == [(b"k",)]


def test_cache_keeps_a_passage_without_tokens(tmp_path):
    for _ in range(2):
        with EmbeddingCache(tmp_path / "c.sqlite", D, warn=no_warning) as cache:
            found = cache.get(b"k")
            cache.put(b"k", np.zeros((0, D), np.float16))

    assert found is not None
    assert found.shape == (0, D)


def test_cache_drops_what_was_not_used_for_longest(tmp_path, monkeypatch):
    value = np.ones((10, D), np.float16)
    for second, keys in ((1, b"ab"), (2, b"c"), (3, b"a")):
        monkeypatch.setattr(cache_module.time, "time", lambda second=second: second)
        with EmbeddingCache(tmp_path / "c.sqlite", D, cap=2 * value.nbytes, warn=no_warning) as cache:
            for key in keys:
                if cache.get(bytes([key])) is None:
                    cache.put(bytes([key]), value)
    with EmbeddingCache(tmp_path / "c.sqlite", D, warn=no_warning) as cache:
        held = [key for key in (b"a", b"b", b"c") if cache.get(key) is not None]

    assert len(held) == 2
    assert b"a" in held


def test_cache_of_a_damaged_file_warns_and_goes_on(tmp_path):
    path = tmp_path / "c.sqlite"
    path.write_bytes(b"not a database" * 100)
    said: list[str] = []

    with EmbeddingCache(path, D, warn=said.append) as cache:
        cache.put(b"k", np.ones((1, D), np.float16))
        found = cache.get(b"k")

    assert found is None
    assert len(said) == 1
    assert "c.sqlite: expected a cache of embeddings, got an error" in said[0]


def test_cache_that_another_build_locks_warns_and_goes_on(tmp_path, monkeypatch):
    monkeypatch.setattr(cache_module, "LOCK_SECONDS", 0.05)
    said: list[str] = []
    cache = EmbeddingCache(tmp_path / "c.sqlite", D, warn=said.append)
    other = sqlite3.connect(tmp_path / "c.sqlite", isolation_level=None)
    other.execute("BEGIN EXCLUSIVE")

    cache.put(b"k", np.ones((1, D), np.float16))
    cache.close()
    other.close()

    assert len(said) == 1
    assert "locked" in said[0]


def test_cache_in_a_folder_that_cannot_be_made_warns_and_goes_on(tmp_path):
    (tmp_path / "file").write_text("in the way", "utf-8")
    said: list[str] = []

    with EmbeddingCache(tmp_path / "file" / "c.sqlite", D, warn=said.append) as cache:
        assert cache.get(b"k") is None

    assert len(said) == 1


def test_cache_ignores_an_entry_whose_bytes_changed(tmp_path):
    path = tmp_path / "c.sqlite"
    with EmbeddingCache(path, D, warn=no_warning) as cache:
        cache.put(b"k", np.ones((2, D), np.float16))
    with sqlite3.connect(path) as database:
        database.execute("UPDATE embeddings SET data = zeroblob(16)")
    database.close()

    with EmbeddingCache(path, D, warn=no_warning) as cache:
        assert cache.get(b"k") is None


def test_cache_file_is_another_for_another_model(tmp_path):
    assert cache_file(tmp_path, b"one") != cache_file(tmp_path, b"two")
    assert cache_file(tmp_path, b"one").name.startswith("embeddings-")


def test_key_of_depends_on_every_id():
    assert len({key_of(plan(1)), key_of(plan(2)), key_of(plan(256))}) == 3
