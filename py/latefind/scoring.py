"""The stages of a search over shards in memory: scan, score, merge (see :mod:`latefind.kernels`)."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from latefind.kernels import Query, top
from latefind.shards import Filters, LoadedShard


@dataclass(frozen=True, slots=True)
class Scored:
    """A section of a shard: its number in the index, the score of its best passage, and which that is."""

    shard: LoadedShard
    number: int
    passage: int  # within the shard
    score: float


@dataclass(frozen=True, slots=True)
class ScoredSections:
    """Sections of one shard with the score of their best passage, and which passage that is."""

    shard: LoadedShard
    sections: npt.NDArray[np.intp]  # (n,), within the shard
    passages: npt.NDArray[np.intp]  # (n,), within the shard
    scores: npt.NDArray[np.float32]  # (n,)

    def passing(self, filters: Filters | None) -> "ScoredSections":
        """Return those of the sections that pass."""
        if not filters:
            return self
        kept = self.shard.passing(filters)[self.sections]
        return ScoredSections(self.shard, self.sections[kept], self.passages[kept], self.scores[kept])

    def by_number(self) -> Iterator[tuple[int, Scored]]:
        """Yield every section with its number in the index."""
        for at, section in enumerate(self.sections.tolist()):
            number = self.shard.first_section + section
            yield (
                number,
                Scored(self.shard, number, int(self.passages[at]), float(self.scores[at])),
            )


def scan_shards(
    shards: Sequence[LoadedShard], query: Query, survivors: int, filters: Filters | None
) -> dict[LoadedShard, npt.NDArray[np.intp]]:
    """Return each shard's passages that are among the best ``survivors`` of all by their centroids."""
    scores = [shard.scan(query, filters) for shard in shards]
    if not scores:
        return {}
    best = top(np.concatenate(scores), survivors)
    bounds = np.cumsum([0, *(len(part) for part in scores)])
    chosen = {}
    for shard, start, end in zip(shards, bounds, bounds[1:], strict=False):
        passages = np.sort(best[(best >= start) & (best < end)]) - start
        if len(passages):
            chosen[shard] = passages
    return chosen


def add_sections(
    chosen: dict[LoadedShard, npt.NDArray[np.intp]], sections: Mapping[LoadedShard, Sequence[int]]
) -> None:
    """Add every passage of the named sections (numbers within their shards) to those chosen."""
    for shard, numbers in sections.items():
        wanted = np.zeros(len(shard.records), np.bool_)
        wanted[np.asarray(numbers, np.intp)] = True
        passages = wanted[shard.owners]
        if shard in chosen:
            passages[chosen[shard]] = True
        chosen[shard] = np.flatnonzero(passages)


def score_sections(shard: LoadedShard, query: Query, passages: npt.NDArray[np.intp]) -> ScoredSections:
    """Score ``passages`` of a shard and keep the best of each section; of equal ones the first."""
    scores = shard.score(query, passages)
    owners = shard.owners[passages]
    # Sorted by owner, then from the best down: the first passage of each owner is its best.
    order = np.lexsort((-scores, owners))
    kept = order[np.diff(owners[order], prepend=-1) > 0]
    return ScoredSections(shard, owners[kept], passages[kept], scores[kept])


def merge(parts: Sequence[ScoredSections], limit: int) -> list[Scored]:
    """Return the best ``limit`` sections of all shards; ties in the order of the index."""
    ordered = sorted(parts, key=lambda part: part.shard.first_section)
    if not ordered:
        return []
    best = top(np.concatenate([part.scores for part in ordered]), limit).tolist()
    bounds = np.cumsum([0, *(len(part.scores) for part in ordered)])
    found = []
    for place in best:
        which = int(np.searchsorted(bounds, place, side="right")) - 1
        part, at = ordered[which], place - int(bounds[which])
        number = part.shard.first_section + int(part.sections[at])
        found.append(Scored(part.shard, number, int(part.passages[at]), float(part.scores[at])))
    return found


def reachable(scores: Sequence[float | None], limit: int) -> list[int]:
    """Return the places of the candidates that may be among the first ``limit`` of any fusion.

    ``scores`` are in the candidates' own order, best first. A fusion that prefers what both rankings prefer
    never shows a candidate that ``limit`` others precede in both. One without a score is left out.
    """
    found = []
    values = np.array([-np.inf if score is None else score for score in scores])
    for place, score in enumerate(scores):
        if score is not None and int((values[:place] > score).sum()) < limit:
            found.append(place)
    return found
