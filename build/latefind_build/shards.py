"""Writes the parts of an index: codec and shards, and for the large tier the summary and the names."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from latefind.codec import Codec, encode_vectors, nearest_centroids
from latefind.format import write_shard
from latefind.format_tables import Summary, write_codec, write_names, write_summary
from latefind.manifest import Part
from latefind.passages import Passage, Section
from latefind_build.files import write_part
from latefind_build.pool import cluster_tokens, merge_clusters
from latefind_build.progress import progress
from latefind_build.store import VectorStore

SUMMARY_SLOTS = 16
"""Codes of a passage in the summary: [CLS] and 15 clusters of its other vectors."""

FINE_PASSAGES, FINE_SLOTS = 20_000, 32
"""Up to so many passages the summary has more codes of each, which takes as much as 40,000 with fewer."""

INDEX = "index/index.bin"
"""What is read before the first query: the codec, then a small index's shard or a large one's summary."""

BLOCK_PASSAGES = 1_000
"""Passages coded at a time: at most 256 vectors each, 131 MB."""


@dataclass(frozen=True, slots=True)
class Layout:
    """Which sections are in which shard, by their number before ordering; without summary there is one."""

    sections: Sequence[Section]
    passages: Sequence[Passage]
    shards: Sequence[npt.NDArray[np.intp]]
    summary: bool


@dataclass(frozen=True, slots=True)
class _Group:
    """The content of one shard: sections, their passages (renumbered), and the passages' old numbers."""

    first_section: int
    sections: Sequence[Section]
    first_passage: int
    passages: Sequence[Passage]
    numbers: Sequence[int]


def write_index(folder: Path, layout: Layout, store: VectorStore, codec: Codec) -> list[Part]:
    """Write all parts below ``folder``/index; return them in the order of the manifest's roles."""
    tables = write_codec(codec)
    shards: list[Part] = []
    summaries: list[npt.NDArray[np.uint16]] = []
    groups = list(_groups(layout))
    slots = FINE_SLOTS if len(layout.passages) <= FINE_PASSAGES else SUMMARY_SLOTS
    for group in progress(groups, len(groups), "Writing", "shards"):
        codes, residuals = _encode(store, codec, group.numbers)
        data = write_shard(
            group.first_section,
            group.sections,
            group.first_passage,
            group.passages,
            store.lengths[group.numbers],
            codes,
            residuals,
        )
        if not layout.summary:
            return [write_part(folder, "index", INDEX, tables + data)]
        shards.append(write_part(folder, "shard", f"index/shard-{len(shards):05}.bin", data))
        summaries.append(summarize_passages(store.passages(group.numbers), codec, slots))
    ends = groups[-1]
    summary = Summary(
        np.concatenate(summaries, axis=1),
        _bounds([g.first_passage for g in groups], ends.first_passage + len(ends.passages)),
        _bounds([g.first_section for g in groups], ends.first_section + len(ends.sections)),
    )
    tables += write_summary(summary, len(codec.centroids))
    ordered = [section for group in groups for section in group.sections]
    return [
        write_part(folder, "index", INDEX, tables),
        write_part(folder, "names", "index/names.bin", _names(ordered)),
        *shards,
    ]


def _groups(layout: Layout) -> Iterator[_Group]:
    """Yield the content of each shard, numbered in the order of the shards."""
    owned: list[list[int]] = [[] for _ in layout.sections]
    for number, passage in enumerate(layout.passages):
        owned[passage.section].append(number)
    first_section = first_passage = 0
    for members in layout.shards:
        numbers = [number for section in members for number in owned[section]]
        passages = [
            Passage(first_section + place, layout.passages[number].start, layout.passages[number].end)
            for place, section in enumerate(members)
            for number in owned[section]
        ]
        sections = [layout.sections[section] for section in members]
        yield _Group(first_section, sections, first_passage, passages, numbers)
        first_section += len(sections)
        first_passage += len(passages)


def _encode(
    store: VectorStore, codec: Codec, numbers: Sequence[int]
) -> tuple[npt.NDArray[np.uint16], npt.NDArray[np.uint8]]:
    """Return codes uint16 (V,) and residuals uint8 (V, M) of the named passages, a block at a time."""
    codes = [np.zeros(0, np.uint16)]
    residuals = [np.zeros((0, codec.subspaces), np.uint8)]
    for start in range(0, len(numbers), BLOCK_PASSAGES):
        block = store.passages(numbers[start : start + BLOCK_PASSAGES])
        coded = encode_vectors(codec, np.concatenate(block))
        codes.append(coded[0])
        residuals.append(coded[1])
    return np.concatenate(codes), np.concatenate(residuals)


def summarize_passages(
    passages: Sequence[npt.NDArray[np.float32]], codec: Codec, slots: int
) -> npt.NDArray[np.uint16]:
    """Return what the summary keeps of each passage: the centroids of its vectors, pooled to a few.

    Parameters
    ----------
    passages : sequence of float32 arrays, shape (n, D) each
        Their vectors; the first of each is [CLS], which stays as it is.
    slots : int
        Codes of each.

    Returns
    -------
    uint16, shape (slots, passages)
        A passage with fewer repeats its last code; one without vectors has the codes of a zero vector.
    """
    pooled = [_pool_to(vectors, slots) for vectors in passages]
    if not pooled:
        return np.zeros((slots, 0), np.uint16)
    centroids = nearest_centroids(codec, np.concatenate(pooled))
    return np.ascontiguousarray(centroids.reshape(-1, slots).T.astype(np.uint16))


def _pool_to(vectors: npt.NDArray[np.float32], count: int) -> npt.NDArray[np.float32]:
    """Return exactly ``count`` vectors for a passage, float32 (count, D)."""
    if not len(vectors):
        return np.zeros((count, vectors.shape[1]), np.float32)
    # Pooled before, they have lengths of their own, which belong to scores and not to directions.
    pooled = _normalize(vectors)
    if len(pooled) > count:
        others = pooled[1:]
        merged = merge_clusters(others, cluster_tokens(others, count - 1))
        pooled = np.concatenate([pooled[:1], _normalize(merged)])
    return np.concatenate([pooled, np.repeat(pooled[-1:], count - len(pooled), axis=0)])


def _normalize(vectors: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    unit: npt.NDArray[np.float32] = np.divide(vectors, lengths, out=np.zeros_like(vectors), where=lengths > 0)
    return unit


def _bounds(firsts: Sequence[int], end: int) -> npt.NDArray[np.uint32]:
    return np.array([*firsts, end], np.uint32)


def _names(sections: Sequence[Section]) -> bytes:
    """Return the part that finds a section by id or URL; an id wins over another section's URL."""
    ids = [(section.id, number) for number, section in enumerate(sections)]
    urls = [(section.url, number) for number, section in enumerate(sections) if section.url]
    return write_names([*ids, *urls], len(sections))
