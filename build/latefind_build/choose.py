"""``auto``: the smallest index that keeps what exact search finds, measured on the site itself.

The queries are the site's own headings, and the section under a heading is what its query should find: not
what visitors will ask, but real text of the right language and subject, on every site. Each setting is judged
by how much of the exact score it keeps (float32, not pooled, MaxSim over the same sample), not by the score.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from latefind.codec import decode_vectors, encode_vectors
from latefind.passages import Passage, Section
from latefind_build.pool import pool_vectors
from latefind_build.progress import progress
from latefind_build.settings import BYTES, CODE_BYTES, DEFAULT_POOL, POOLS
from latefind_build.train import train_codec

Vectors = npt.NDArray[np.float32]

KEEP = 0.99
"""Part of the exact nDCG@10 that a setting must keep."""

MAX_QUERIES = 200
MAX_SECTIONS = 2_000
MAX_PASSAGES = 4_000
"""Bounds the time of a choice where sections are long."""

DEPTH = 10
SEED = 1


@dataclass(frozen=True, slots=True)
class Choice:
    """Bytes of a vector and pooling factor, and the table that they were chosen from."""

    vector_bytes: int
    pool: int
    table: str = ""

    @classmethod
    def of(cls, vector_bytes: int | None, pool: int | None) -> "Choice | None":
        """Return the choice where nothing is left to choose."""
        return None if vector_bytes is None or pool is None else cls(vector_bytes, pool)


@dataclass(frozen=True, slots=True)
class _Trial:
    """One setting, measured: bytes of vectors a section, and nDCG@10."""

    vector_bytes: int
    pool: int
    section_bytes: float
    score: float


def choose_settings(
    sections: Sequence[Section],
    passages: Sequence[Passage],
    encode: Callable[[Iterable[Passage]], Iterable[npt.NDArray[np.float16]]],
    encode_query: Callable[[str], Vectors],
    vector_bytes: int | None,
    pool: int | None,
) -> Choice:
    """Measure every allowed setting on a sample of the site, and take the smallest that keeps enough.

    Parameters
    ----------
    encode : callable
        Token embeddings of passages, float16 (n, D) each.
    encode_query : callable
        Token embeddings of a query, float32 (q, D).
    vector_bytes, pool : int or None
        A setting that is given already; None leaves it open.
    """
    targets, members = _sample(sections, passages)
    embeddings = encode([passages[number] for number in members])
    documents = [
        vectors.astype(np.float32)
        for vectors in progress(embeddings, len(members), "Encoding a sample", "passages")
    ]
    owners = np.array([passages[number].section for number in members], np.intp)
    widths = documents[0].shape[1] if documents else 1
    allowed_bytes = (
        [b for b in BYTES if not widths % (b - CODE_BYTES)] if vector_bytes is None else [vector_bytes]
    )
    pools = POOLS if pool is None else (pool,)
    if not targets or not sum(map(len, documents)):
        settled = Choice(vector_bytes or BYTES[0], pool or DEFAULT_POOL)
        return Choice(
            settled.vector_bytes,
            settled.pool,
            "auto: no heading that occurs once only to ask with; took the defaults",
        )
    queries = [encode_query(sections[target].title) for target in targets]
    exact = _score(queries, targets, documents, owners)
    trials = []
    for factor in pools:
        pooled = [pool_vectors(vectors, factor) for vectors in documents]
        for size in allowed_bytes:
            score = _score(queries, targets, _code(pooled, size), owners)
            weight = size * sum(map(len, pooled)) / len(np.unique(owners))
            trials.append(_Trial(size, factor, weight, score))
    trials.sort(key=lambda trial: trial.section_bytes)
    enough = [trial for trial in trials if trial.score >= KEEP * exact]
    chosen = enough[0] if enough else max(trials, key=lambda trial: trial.score)
    return Choice(
        chosen.vector_bytes, chosen.pool, _format_table(trials, chosen, exact, len(queries), len(members))
    )


def _sample(sections: Sequence[Section], passages: Sequence[Passage]) -> tuple[list[int], list[int]]:
    """Return the sections whose titles are queries, and the numbers of the passages to be searched."""
    titles = Counter(section.title for section in sections)
    usable = [n for n, section in enumerate(sections) if section.title and titles[section.title] == 1]
    random = np.random.default_rng(SEED)
    targets = sorted(random.permutation(usable)[:MAX_QUERIES].astype(int).tolist())
    owned: dict[int, list[int]] = {}
    for number, passage in enumerate(passages):
        owned.setdefault(passage.section, []).append(number)
    chosen, members = set(targets), [number for target in targets for number in owned[target]]
    for section in random.permutation(len(sections)).tolist():
        if len(chosen) >= MAX_SECTIONS or len(members) >= MAX_PASSAGES:
            break
        if section not in chosen:
            chosen.add(section)
            members += owned[section]
    return targets, sorted(members)


def _code(passages: Sequence[Vectors], vector_bytes: int) -> list[Vectors]:
    """Return the vectors as an index of that many bytes a vector would give them back."""
    vectors = np.concatenate(passages)
    codec = train_codec(vectors, len(vectors), vector_bytes - CODE_BYTES, SEED)
    decoded = decode_vectors(codec, *encode_vectors(codec, vectors))
    return np.split(decoded, np.cumsum([len(passage) for passage in passages])[:-1])


def _score(
    queries: Sequence[Vectors],
    targets: Sequence[int],
    passages: Sequence[Vectors],
    owners: npt.NDArray[np.intp],
) -> float:
    """Return the mean nDCG@10 of queries that each have one right section."""
    filled = np.array([len(passage) > 0 for passage in passages])
    vectors = np.concatenate(passages)
    starts = np.concatenate([[0], np.cumsum([len(p) for p in passages if len(p)])])[:-1]
    present, numbers = np.unique(owners[filled], return_inverse=True)
    gained = 0.0
    for query, target in zip(queries, targets, strict=True):
        # (q, D) @ (D, V) -> maximum over each passage's vectors (q, P) -> sum over the query (P,)
        by_passage = np.maximum.reduceat(query @ vectors.T, starts, axis=1).sum(axis=0)
        by_section = np.full(len(present), -np.inf, np.float32)
        np.maximum.at(by_section, numbers, by_passage)
        place = np.flatnonzero(present == target)
        rank = int((by_section > by_section[place[0]]).sum()) if len(place) else DEPTH
        gained += 1 / np.log2(rank + 2) if rank < DEPTH else 0.0
    return float(gained / len(queries))


def _format_table(trials: Sequence[_Trial], chosen: _Trial, exact: float, queries: int, passages: int) -> str:
    lines = [
        f"auto: {queries} headings as queries over {passages} passages; exact nDCG@10 {exact:.4f}",
        "  bytes  pool  bytes/section  nDCG@10  of exact",
    ]
    for trial in trials:
        kept = trial.score / exact if exact else 1.0
        mark = "  <- chosen" if trial is chosen else ""
        lines.append(
            f"  {trial.vector_bytes:>5}  {trial.pool:>4}  {trial.section_bytes:>13.0f}  {trial.score:>7.4f}"
            f"  {100 * kept:>6.2f} %{mark}"
        )
    return "\n".join(lines)
