"""The ranking that an index is measured against: exact MaxSim of unquantised, unpooled float32 vectors.

The passages are encoded again, from the texts in the index and with the model in the bundle, so the two
rankings differ by nothing but pooling, codec and the choice of candidates. Vectors are scored as they come
and never held all at once: memory grows with queries × passages, not with vectors.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from tokenizers import Tokenizer

from latefind.errors import FormatError
from latefind.format import decode_section
from latefind.model import TokenPlan
from latefind.passages import Passage, Section, encoded_text
from latefind_build.native import NativeSearch, read_part, read_shards
from latefind_build.plans import plan_truncated
from latefind_build.progress import progress

BLOCK_VECTORS = 4096
"""Vectors that are scored at a time; with 16 queries of 32 tokens their similarities take 8 MiB."""

BLOCK_QUERIES = 16


@dataclass(frozen=True, slots=True)
class Contents:
    """All sections of an index and their passages, in the order of the index."""

    sections: Sequence[Section]
    passages: Sequence[Passage]


def read_contents(native: NativeSearch) -> Contents:
    """Read the texts of an index from all of its shards."""
    sections: list[Section] = []
    passages: list[Passage] = []
    for shard in read_shards(native.folder, native.manifest):
        sections += [decode_section(record) for record in shard.records]
        passages += [Passage(*map(int, row)) for row in shard.passages]
    return Contents(sections, passages)


def rank_exactly(
    contents: Contents,
    embeddings: Iterator[npt.NDArray[np.float32]],
    queries: Sequence[npt.NDArray[np.float32]],
    depth: int,
) -> list[list[str]]:
    """Return, for each query, the ids of the ``depth`` best sections, best first.

    ``embeddings`` are the vectors of each passage, ``queries`` those of each query: float32 (tokens,
    dimensions). A section's score is that of its best passage; ties are in the order of the index, and
    sections without vectors are left out, as in the engine.
    """
    scores = score_passages(queries, embeddings, len(contents.passages))
    owners = np.array([passage.section for passage in contents.passages], np.intp)
    by_section = np.full((len(queries), len(contents.sections)), -np.inf, np.float32)
    for row, passage_scores in zip(by_section, scores, strict=True):
        np.maximum.at(row, owners, passage_scores)
    order = np.argsort(-by_section, axis=1, kind="stable")[:, :depth]
    return [
        [contents.sections[int(number)].id for number in numbers if row[number] > -np.inf]
        for row, numbers in zip(by_section, order, strict=True)
    ]


def encode_contents(native: NativeSearch, contents: Contents, jobs: int) -> Iterator[npt.NDArray[np.float32]]:
    """Yield the vectors of each passage, float32 (scored tokens, dimensions), unit length."""
    embeddings = native.encode_all(plan_contents(native, contents), jobs)
    return progress(embeddings, len(contents.passages), "Encoding", "passages")


def plan_contents(native: NativeSearch, contents: Contents) -> Iterator[TokenPlan]:
    """Yield the token plan of each passage: what ``Model.plan_document`` gives, by the fast tokenizer."""
    spec = native.engine.model.spec
    [part] = native.manifest.by_role("tokenizer")
    tokenizer = Tokenizer.from_str(read_part(native.folder, part).decode("utf-8"))
    tokenizer.no_padding()
    # The prefix is inserted after tokenisation, so the text must leave room for it.
    tokenizer.enable_truncation(spec.document_length - (spec.document_prefix_id is not None))
    for passage in contents.passages:
        yield plan_truncated(tokenizer, spec, encoded_text(contents.sections[passage.section], passage))


def score_passages(
    queries: Sequence[npt.NDArray[np.float32]],
    embeddings: Iterator[npt.NDArray[np.float32]],
    passages: int,
) -> npt.NDArray[np.float32]:
    """Return the MaxSim of every query with every passage, float32 (queries, passages).

    ``-inf`` for a passage without vectors. Time O(query tokens · vectors · dimensions).
    """
    scores = np.full((len(queries), passages), -np.inf, np.float32)
    first, held, size = 0, list[npt.NDArray[np.float32]](), 0
    for vectors in embeddings:
        held.append(vectors)
        size += len(vectors)
        if size >= BLOCK_VECTORS:
            scores[:, first : first + len(held)] = _score_block(queries, held)
            first, held, size = first + len(held), [], 0
    if held:
        scores[:, first : first + len(held)] = _score_block(queries, held)
        first += len(held)
    if first != passages:
        raise FormatError.expected("index", f"{passages} passages", str(first), "Build the index again.")
    return scores


def _score_block(
    queries: Sequence[npt.NDArray[np.float32]], held: Sequence[npt.NDArray[np.float32]]
) -> npt.NDArray[np.float32]:
    """Score consecutive passages, float32 (queries, passages held)."""
    lengths = np.array([len(vectors) for vectors in held])
    filled = np.flatnonzero(lengths)
    scores = np.full((len(queries), len(held)), -np.inf, np.float32)
    if not len(filled):
        return scores
    block = np.concatenate(held)  # (vectors, dimensions)
    starts = (np.cumsum(lengths) - lengths)[filled]
    for begin in range(0, len(queries), BLOCK_QUERIES):
        group = queries[begin : begin + BLOCK_QUERIES]
        # (vectors, dimensions) · (dimensions, query tokens of the group) -> (vectors, query tokens)
        similarities = block @ np.concatenate(group).T
        best = np.maximum.reduceat(similarities, starts, axis=0)  # (filled passages, query tokens)
        ends = np.cumsum([len(query) for query in group])
        for number, end in enumerate(ends):
            start = end - len(group[number])
            scores[begin + number, filled] = best[:, start:end].sum(axis=1)
    return scores
