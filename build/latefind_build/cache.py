"""A cache of token embeddings: an unchanged passage is never encoded again, whatever else changes.

One SQLite file a model, in the user's cache folder. The key is the SHA-256 of the token ids that the encoder
sees; the value, the embeddings of the scored tokens as float16, before pooling, so that another pooling or
codec encodes nothing again. Embeddings pass through float16 whether they are cached or not: a cold, a warm
and no cache give the same index, byte for byte.

What was encoded is on disk two seconds later, so that an interrupted build goes on where it was. The cache is
a convenience: where its file is damaged, locked or not writable, a warning says so and the build goes on
without it.
"""

import hashlib
import os
import sqlite3
import time
import zlib
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from types import TracebackType
from typing import TypeVar

import numpy as np
import numpy.typing as npt
import onnxruntime

from latefind.model import TokenPlan
from latefind_build.encode import QUEUED_PER_JOB, Encoder
from latefind_build.progress import say

Embeddings = npt.NDArray[np.float16]
T = TypeVar("T")

DEFAULT_CAP = 4 * 2**30
"""Bytes of embeddings that a cache keeps when a build ends: 130,000 passages of 120 tokens."""

COMMIT_SECONDS = 2.0
COMMIT_BYTES = 64 * 2**20
"""Embeddings held in memory before they are written, whichever comes first."""

LOCK_SECONDS = 10.0
"""How long to wait while another build writes to the same file."""

_SCHEMA = """
CREATE TABLE IF NOT EXISTS embeddings (key BLOB PRIMARY KEY, crc INTEGER NOT NULL, data BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS uses
    (key BLOB PRIMARY KEY, used INTEGER NOT NULL, bytes INTEGER NOT NULL) WITHOUT ROWID;
"""


def default_folder() -> Path:
    """Return the folder of all caches: ``$XDG_CACHE_HOME/latefind``, else ``~/.cache/latefind``."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "latefind"


def cache_file(folder: Path, settings: bytes) -> Path:
    """Return the file of one model in ``folder``.

    ``settings`` are the bytes of its ``latefind.json``, which name the hashes of its other files. The version
    of onnxruntime counts too: another one may round otherwise.
    """
    digest = hashlib.sha256(settings + onnxruntime.__version__.encode()).hexdigest()
    return folder / f"embeddings-{digest[:12]}.sqlite"


def key_of(plan: TokenPlan) -> bytes:
    """Return the key of an encoder input."""
    return hashlib.sha256(np.ascontiguousarray(plan.ids, "<i8").tobytes()).digest()


class EmbeddingCache:
    """The embeddings of one model; used from one thread, as a context manager.

    Parameters
    ----------
    path : Path or None
        The file; None caches nothing.
    dimensions : int
        Width of an embedding.
    cap : int
        Bytes of embeddings kept on closing; what was not used for longest goes first.
    """

    def __init__(
        self, path: Path | None, dimensions: int, cap: int = DEFAULT_CAP, warn: Callable[[str], None] = say
    ) -> None:
        self._path = path
        self._dimensions = dimensions
        self._cap = cap
        self._warn = warn
        self._now = int(time.time())
        self._new: dict[bytes, Embeddings] = {}
        self._new_bytes = 0
        self._used: dict[bytes, int] = {}
        self._written = time.monotonic()
        self._database: sqlite3.Connection | None = None
        if path is not None:
            self._try(lambda: self._open(path))

    def __enter__(self) -> "EmbeddingCache":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def get(self, key: bytes) -> Embeddings | None:
        """Return the embeddings, float16 (tokens, dimensions), or None where they are not cached."""
        if key in self._new:
            return self._new[key]
        row = self._try(lambda: self._read(key))
        if row is None:
            return None
        crc, data = row
        if zlib.crc32(data) != crc or len(data) % (2 * self._dimensions):
            return None
        self._used[key] = len(data)
        return np.frombuffer(data, "<f2").reshape(-1, self._dimensions)

    def put(self, key: bytes, embeddings: Embeddings) -> None:
        """Remember embeddings; they are on disk within ``COMMIT_SECONDS`` of steady work."""
        if self._database is None:
            return
        self._new[key] = embeddings
        self._new_bytes += embeddings.nbytes
        if time.monotonic() - self._written > COMMIT_SECONDS or self._new_bytes > COMMIT_BYTES:
            self.flush()

    def flush(self) -> None:
        """Write what is new, and when what was read was used, in one transaction."""
        self._try(self._write)
        self._new.clear()
        self._used.clear()
        self._new_bytes = 0
        self._written = time.monotonic()

    def close(self) -> None:
        """Write what is new, drop what is beyond the cap, and close the file."""
        self.flush()
        self._try(self._trim)
        if self._database is not None:
            self._database.close()
            self._database = None

    def _try(self, action: Callable[[], T]) -> T | None:
        """Run ``action`` on the open file; where SQLite fails, warn and go on without a cache."""
        try:
            return action()
        except (sqlite3.Error, OSError) as error:
            self._warn(
                f"latefind: {self._path}: expected a cache of embeddings, got an error: {error}. "
                "Going on without it; delete the file if this happens again."
            )
            if self._database is not None:
                self._database.close()
            self._database = None
            return None

    def _open(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        # Transactions are opened explicitly, so that a reader never holds a lock.
        self._database = sqlite3.connect(path, timeout=LOCK_SECONDS, isolation_level=None)
        self._database.execute("PRAGMA auto_vacuum = INCREMENTAL")
        self._database.execute("PRAGMA journal_mode = WAL")
        self._database.execute("PRAGMA synchronous = NORMAL")
        self._database.executescript(_SCHEMA)

    def _read(self, key: bytes) -> tuple[int, bytes] | None:
        if self._database is None:
            return None
        row: tuple[int, bytes] | None = self._database.execute(
            "SELECT crc, data FROM embeddings WHERE key = ?", (key,)
        ).fetchone()
        return row

    def _write(self) -> None:
        if self._database is None or not (self._new or self._used):
            return
        blobs = {key: value.astype("<f2").tobytes() for key, value in self._new.items()}
        sizes = self._used | {key: len(data) for key, data in blobs.items()}
        self._database.execute("BEGIN IMMEDIATE")
        self._database.executemany(
            "INSERT OR REPLACE INTO embeddings VALUES (?, ?, ?)",
            ((key, zlib.crc32(data), data) for key, data in blobs.items()),
        )
        self._database.executemany(
            "INSERT OR REPLACE INTO uses VALUES (?, ?, ?)",
            ((key, self._now, size) for key, size in sizes.items()),
        )
        self._database.execute("COMMIT")

    def _trim(self) -> None:
        if self._database is None:
            return
        rows = self._database.execute("SELECT key, bytes FROM uses ORDER BY used DESC, key")
        total, dropped = 0, []
        for key, size in rows:
            total += size
            if total > self._cap:
                dropped.append((key,))
        if not dropped:
            return
        self._database.execute("BEGIN IMMEDIATE")
        self._database.executemany("DELETE FROM embeddings WHERE key = ?", dropped)
        self._database.executemany("DELETE FROM uses WHERE key = ?", dropped)
        self._database.execute("COMMIT")
        # fetchall: each row read gives one page back to the file system.
        self._database.execute("PRAGMA incremental_vacuum").fetchall()


def encode_cached(
    encoder: Encoder, plans: Iterable[TokenPlan], jobs: int, cache: EmbeddingCache
) -> Iterator[Embeddings]:
    """Yield the embeddings of each plan, float16 (scored tokens, dimensions), in order.

    What is not cached is encoded on ``jobs`` threads; equal plans are encoded once.
    """
    with ThreadPoolExecutor(jobs) as pool:
        waiting: deque[tuple[bytes, Embeddings | Future[Embeddings]]] = deque()
        running: dict[bytes, Future[Embeddings]] = {}

        def finish() -> Embeddings:
            key, found = waiting.popleft()
            if not isinstance(found, Future):
                return found
            embeddings = found.result()
            if running.pop(key, None) is not None:
                cache.put(key, embeddings)
            return embeddings

        try:
            for plan in plans:
                key = key_of(plan)
                found: Embeddings | Future[Embeddings] | None = running.get(key)
                if found is None:
                    found = cache.get(key)
                if found is None:
                    found = running[key] = pool.submit(_encode, encoder, plan)
                waiting.append((key, found))
                if len(waiting) > jobs * QUEUED_PER_JOB:
                    yield finish()
            while waiting:
                yield finish()
        finally:
            for future in running.values():
                future.cancel()


def _encode(encoder: Encoder, plan: TokenPlan) -> Embeddings:
    return encoder.encode(plan).astype(np.float16)
