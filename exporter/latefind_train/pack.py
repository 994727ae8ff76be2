"""Token arrays of training text, in shards that are small enough to be carried to another machine.

A shard is one ``.npz`` (NumPy's own container, not pickled) in xz, so that reading it takes NumPy and the
standard library only. Of each kind of text it has::

    <kind>.query    uint16  ids of all queries in a row        <kind>.query_lengths    uint16 (rows,)
    <kind>.passage  uint16  ids of all passages in a row       <kind>.passage_lengths  uint16 (rows,)
    <kind>.language uint8   (rows,) index into LANGUAGES       <kind>.source  uint8 (rows,) index into sources
    <kind>.block    uint32  (rows,) rows of one block were neighbours in their file
    <kind>.text     uint32  (rows,) the same number: the same passage

Ids are without [CLS] and [SEP]; of parallel text the query is English and the passage its translation. Rows
are dealt out block by block so that the first shard has most sources and languages, and the last the rest of
the largest (:func:`deal`): who trains on one shard only should take the first.
"""

import hashlib
import io
import lzma
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from latefind.errors import InputError
from latefind_train.sources import KINDS, Kind, Row
from latefind_train.wordpiece import Ids, WordPiece

LANGUAGES = ("en", "de", "es", "fr", "it", "nl", "pt")

BLOCK_ROWS = 4
"""Neighbouring rows that stay together: longer passages are made of them."""

BYTES_PER_TOKEN = 0.53
"""Of ids in xz, beside 6 of each row: seen with 87 million tokens in three shards. Less text takes more."""

BATCH = 2_000
"""Texts that are tokenised at a time."""


@dataclass
class Packed:
    """Rows of one kind in memory; see the module."""

    query: list[Ids] = field(default_factory=list)
    passage: list[Ids] = field(default_factory=list)
    language: list[int] = field(default_factory=list)
    source: list[int] = field(default_factory=list)
    block: list[int] = field(default_factory=list)
    text: list[int] = field(default_factory=list)


class Packer:
    """Tokenises rows and collects them by kind."""

    def __init__(self, vocabulary: WordPiece, longest: int) -> None:
        self.vocabulary = vocabulary
        self.longest = longest
        self.kinds: dict[Kind, Packed] = {kind: Packed() for kind in KINDS}
        self.sources: dict[str, int] = {}
        self._texts: dict[bytes, int] = {}
        self._blocks = 0
        self._open: tuple[Kind, str, str, int] | None = None  # kind, source, language, rows so far

    def add(self, rows: Sequence[Row]) -> None:
        """Add rows in the order of their file."""
        queries = self.vocabulary.encode([row.query for row in rows])
        passages = self.vocabulary.encode([row.passage for row in rows])
        for row, query, passage in zip(rows, queries, passages, strict=True):
            packed = self.kinds[row.kind]
            packed.query.append(query[: self.longest])
            packed.passage.append(passage[: self.longest])
            packed.language.append(LANGUAGES.index(row.language))
            packed.source.append(self.sources.setdefault(row.source, len(self.sources)))
            packed.block.append(self._block_of(row))
            digest = hashlib.blake2b(passage.tobytes(), digest_size=12).digest()
            packed.text.append(self._texts.setdefault(digest, len(self._texts)))

    def _block_of(self, row: Row) -> int:
        kind, source, language, rows = self._open or (row.kind, "", "", 0)
        if (kind, source, language) != (row.kind, row.source, row.language) or rows == BLOCK_ROWS:
            self._blocks += 1
            rows = 0
        self._open = (row.kind, row.source, row.language, rows + 1)
        return self._blocks


def deal(packer: Packer, shard_bytes: int, seed: int) -> list[dict[Kind, npt.NDArray[np.int64]]]:
    """Return the rows of each shard, by kind.

    Blocks of one source and language come in random order; the k-th of n is placed at k / √n, so that sources
    and languages take turns, the large ones more often than the small, and less often than by their size.
    """
    rng = np.random.default_rng(seed)
    keys: list[npt.NDArray[np.float64]] = []
    for packed in packer.kinds.values():
        groups = np.array(packed.source, np.int64) * len(LANGUAGES) + np.array(packed.language, np.int64)
        blocks = np.array(packed.block, np.int64)
        places = np.zeros(len(blocks))
        for group in np.unique(groups):
            own = np.flatnonzero(groups == group)
            _, inverse = np.unique(blocks[own], return_inverse=True)
            count = int(inverse.max()) + 1
            places[own] = ((rng.permutation(count) + rng.random()) / np.sqrt(count))[inverse]
        keys.append(places)
    sizes = [_bytes_of(packed) for packed in packer.kinds.values()]
    kinds = np.repeat(np.arange(len(KINDS)), [len(size) for size in sizes])
    rows = np.concatenate([np.arange(len(size)) for size in sizes])
    order = np.argsort(np.concatenate(keys), kind="stable")
    ends = np.cumsum(np.concatenate(sizes)[order])
    count = max(1, int(np.ceil(ends[-1] / shard_bytes)))
    numbers = np.minimum((ends / ends[-1] * count).astype(np.int64), count - 1)
    return [
        {
            kind: np.sort(rows[order][(numbers == shard) & (kinds[order] == place)])
            for place, kind in enumerate(KINDS)
        }
        for shard in range(count)
    ]


def _bytes_of(packed: Packed) -> npt.NDArray[np.float64]:
    lengths = [len(query) + len(passage) for query, passage in zip(packed.query, packed.passage, strict=True)]
    return np.array(lengths, np.float64) * BYTES_PER_TOKEN + 6


def write_shard(path: Path, packer: Packer, rows: Mapping[Kind, npt.NDArray[np.int64]]) -> int:
    """Write one shard and return its bytes."""
    arrays: dict[str, npt.NDArray[np.generic]] = {
        "sources": np.array(list(packer.sources)),
        "pieces": np.array([_fingerprint(packer.vocabulary)]),
    }
    for kind, own in rows.items():
        packed = packer.kinds[kind]
        for name in ("query", "passage"):
            ids: list[Ids] = getattr(packed, name)
            arrays[f"{kind}.{name}"] = _join([ids[row] for row in own])
            arrays[f"{kind}.{name}_lengths"] = np.array([len(ids[row]) for row in own], np.uint16)
        for name, kind_of in (
            ("language", np.uint8),
            ("source", np.uint8),
            ("block", np.uint32),
            ("text", np.uint32),
        ):
            arrays[f"{kind}.{name}"] = np.array(getattr(packed, name), kind_of)[own]
    plain = io.BytesIO()
    np.savez(plain, **arrays)  # type: ignore[arg-type]
    # Ids are two bytes: lp and pb tell xz so.
    filters = [{"id": lzma.FILTER_LZMA2, "preset": 6, "dict_size": 2**26, "lc": 3, "lp": 1, "pb": 1}]
    data = lzma.compress(plain.getvalue(), format=lzma.FORMAT_XZ, filters=filters)
    path.write_bytes(data)
    return len(data)


def _join(ids: Sequence[Ids]) -> Ids:
    return np.concatenate(ids) if ids else np.empty(0, np.uint16)


def _fingerprint(vocabulary: WordPiece) -> str:
    return hashlib.sha256("\n".join(vocabulary.pieces).encode()).hexdigest()


@dataclass(frozen=True)
class Texts:
    """Rows of one kind out of one or more shards; ``query(row)`` and ``passage(row)`` are their ids."""

    arrays: Mapping[str, npt.NDArray[np.generic]]
    starts: Mapping[str, npt.NDArray[np.int64]]

    @property
    def rows(self) -> int:
        """How many rows there are."""
        return len(self.arrays["language"])

    def query(self, row: int) -> Ids:
        """Return the ids of a query."""
        return self._ids("query", row)

    def passage(self, row: int) -> Ids:
        """Return the ids of a passage."""
        return self._ids("passage", row)

    def _ids(self, name: str, row: int) -> Ids:
        starts = self.starts[name]
        return np.asarray(self.arrays[name][starts[row] : starts[row + 1]], np.uint16)


def read_shards(paths: Iterable[Path], vocabulary: WordPiece) -> dict[Kind, Texts]:
    """Read shards that were packed with ``vocabulary``.

    Raises
    ------
    InputError
        There is no shard, or one was packed with another vocabulary.
    """
    parts: list[dict[str, npt.NDArray[Any]]] = []
    for path in paths:
        with np.load(io.BytesIO(lzma.decompress(path.read_bytes())), allow_pickle=False) as arrays:
            parts.append(dict(arrays))
        if str(parts[-1]["pieces"][0]) != _fingerprint(vocabulary):
            raise InputError.expected(
                path, "the vocabulary of --tokenizer", "another", "Pack the text again."
            )
    if not parts:
        raise InputError.expected("data.shards", "at least one shard", "none")
    _number_together(parts)
    found: dict[Kind, Texts] = {}
    for kind in KINDS:
        names = [name.partition(".")[2] for name in parts[0] if name.startswith(f"{kind}.")]
        joined = {name: np.concatenate([part[f"{kind}.{name}"] for part in parts]) for name in names}
        starts = {
            name: np.concatenate([[0], np.cumsum(joined[f"{name}_lengths"].astype(np.int64))])
            for name in ("query", "passage")
        }
        found[kind] = Texts(joined, starts)
    return found


def _number_together(parts: Sequence[dict[str, npt.NDArray[Any]]]) -> None:
    """Let numbers of sources, blocks and texts mean the same in shards that were packed apart.

    Shards of one packing have the same list of sources, and numbers that are good for all of them.
    """
    sources: dict[str, int] = {}
    packings: dict[tuple[str, ...], tuple[int, ...]] = {}
    for part in parts:
        names = part["sources"].tolist()
        numbers = np.array([sources.setdefault(name, len(sources)) for name in names])
        past = tuple(
            1 + max(int(other[f"{kind}.{name}"].max(initial=0)) for other in parts for kind in KINDS)
            for name in ("block", "text")
        )
        block, text = packings.setdefault(tuple(names), past if packings else (0, 0))
        for kind in KINDS:
            part[f"{kind}.source"] = numbers[part[f"{kind}.source"].astype(np.int64)]
            part[f"{kind}.block"] = part[f"{kind}.block"].astype(np.int64) + block
            part[f"{kind}.text"] = part[f"{kind}.text"].astype(np.int64) + text
