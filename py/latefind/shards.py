"""Shards in memory: what a search asks of one, and how many are kept."""

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt

from latefind.codec import GAIN_BITS, Codec
from latefind.commonness import WordCounts
from latefind.errors import FormatError, LatefindError
from latefind.format import Shard, decode_section
from latefind.kernels import NEVER, Query, scan_codes, score_passages
from latefind.weights import Background, sample

CACHE_BYTES = 64 * 2**20
"""Bytes of shards that the large tier keeps in memory; the least recently used go first."""

Filters = Mapping[str, Sequence[str]]


class LoadedShard:
    """One shard, laid out for scoring."""

    def __init__(self, shard: Shard) -> None:
        self.first_section = shard.first_section
        self.records = shard.records
        self.passages = shard.passages
        self.lengths = shard.lengths
        self.owners = (shard.passages["section"] - shard.first_section).astype(np.intp)
        self.size = shard.codes.nbytes * 5 + shard.residuals.nbytes + sum(map(len, shard.records))
        self._codes = shard.codes
        self._residuals = shard.residuals
        self._centroids = (shard.codes >> GAIN_BITS).astype(np.intp)
        self._starts = np.concatenate([[0], np.cumsum(shard.lengths, dtype=np.int64)])
        self._numbers: dict[str, int] | None = None
        self._filters: list[Filters] | None = None
        self._counts: WordCounts | None = None

    def check(self, codec: Codec, path: str) -> None:
        """Raise unless the codes are of ``codec``."""
        if self._residuals.shape[1] != codec.subspaces:
            got = str(self._residuals.shape[1])
            raise FormatError.expected(path, f"{codec.subspaces} bytes a residual", got)
        if len(self._centroids) and int(self._centroids.max()) >= len(codec.centroids):
            got = str(int(self._centroids.max()))
            raise FormatError.expected(path, f"codes below {len(codec.centroids)}", got)

    def scan(self, query: Query, filters: Filters | None) -> npt.NDArray[np.int32]:
        """Return the candidate score of every passage, int32 (P,); ``NEVER`` where it does not pass."""
        scores = scan_codes(query.table, self._centroids, self.lengths)
        if filters:
            scores[~self.passing(filters)[self.owners]] = NEVER
        return scores

    def score(self, query: Query, passages: npt.NDArray[np.intp]) -> npt.NDArray[np.float32]:
        """Return the MaxSim of some passages, float32 (n,)."""
        vectors = self._vectors_of(passages)
        return score_passages(query, self._codes[vectors], self._residuals[vectors], self.lengths[passages])

    def background(self, codec: Codec) -> Background:
        """Return a sample of its passages that queries are weighed by."""
        filled = np.flatnonzero(self.lengths)
        chosen = filled[sample(len(filled))]
        lengths = self.lengths[chosen].astype(np.intp)
        return Background(codec.centroid_vectors(), self._centroids[self._vectors_of(chosen)], lengths)

    def _vectors_of(self, passages: npt.NDArray[np.intp]) -> npt.NDArray[np.int64]:
        """Return the numbers of all vectors of some passages, passage after passage."""
        spans = [np.arange(self._starts[p], self._starts[p + 1]) for p in passages.tolist()]
        return np.concatenate(spans) if spans else np.empty(0, np.int64)

    def passages_of(self, section: int) -> npt.NDArray[np.intp]:
        """Return the numbers of a section's passages."""
        return np.flatnonzero(self.owners == section)

    def number_of(self, name: str) -> int | None:
        """Return the number of the section with an id or URL; ids win over URLs."""
        if self._numbers is None:
            sections = [decode_section(record) for record in self.records]
            by_url = {section.url: number for number, section in enumerate(sections) if section.url}
            self._numbers = by_url | {section.id: number for number, section in enumerate(sections)}
        return self._numbers.get(name)

    def word_counts(self, sampled: int) -> WordCounts:
        """Return how many sections have each word, counted when first asked for, on about ``sampled``."""
        if self._counts is None:
            step = -(-len(self.records) // sampled) or 1
            self._counts = WordCounts(map(decode_section, self.records[::step]))
        return self._counts

    def count_passing(self, filters: Filters | None) -> int:
        """Return how many sections with vectors pass the filters."""
        filled = np.bincount(self.owners[self.lengths > 0], minlength=len(self.records)) > 0
        return int((filled & self.passing(filters)).sum() if filters else filled.sum())

    def passing(self, wanted: Filters) -> npt.NDArray[np.bool_]:
        """Return which sections pass, bool (sections,)."""
        if self._filters is None:
            self._filters = [decode_section(record).filters for record in self.records]
        return np.array(
            [
                all(set(values) & set(filters.get(key, ())) for key, values in wanted.items())
                for filters in self._filters
            ],
            np.bool_,
        )


class ShardStore:
    """The shards in memory, by path, and the codec that all of them use."""

    def __init__(self, paths: Sequence[str]) -> None:
        self.paths = paths
        self._codec: Codec | None = None
        self._loaded: dict[str, LoadedShard] = {}

    def __contains__(self, path: str) -> bool:
        return path in self._loaded

    @property
    def codec(self) -> Codec:
        """The tables of the codec."""
        if self._codec is None:
            raise LatefindError.expected("search engine", "the codec's tables", "none yet")
        return self._codec

    def set_codec(self, codec: Codec) -> None:
        """Take the codec, which may come before or after the first shard."""
        self._codec = codec

    def add(self, path: str, shard: Shard) -> None:
        """Keep a shard; drop the least recently used ones where they are too many, never this one."""
        loaded = LoadedShard(shard)
        if self._codec is not None:
            loaded.check(self._codec, path)
        self._loaded[path] = loaded
        if len(self.paths) > 1:
            self._evict(path)

    def loaded(self) -> list[LoadedShard]:
        """Return every shard in memory, in the order of the index."""
        return sorted(self._loaded.values(), key=lambda shard: shard.first_section)

    def get(self, path: str) -> LoadedShard:
        """Return a shard that is in memory, and count it as used."""
        shard = self._loaded.pop(path)
        self._loaded[path] = shard
        return shard

    def check(self) -> None:
        """Check the shards that came before the codec."""
        for path, shard in self._loaded.items():
            shard.check(self.codec, path)

    def _evict(self, newest: str) -> None:
        size = sum(shard.size for shard in self._loaded.values())
        for path in list(self._loaded):
            if size <= CACHE_BYTES or path == newest:
                return
            size -= self._loaded.pop(path).size
