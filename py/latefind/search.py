"""The search engine: an index held in memory, asked by query embeddings. The same natively and in Pyodide.

The engine owns no I/O and no encoder: its parts are handed to it as bytes (:meth:`Engine.add_part`), and
the caller encodes the query by :meth:`Engine.plan_query` and whichever onnxruntime it has.
"""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from latefind.errors import FormatError, LatefindError
from latefind.format import (
    SectionShard,
    VectorShard,
    decode_section,
    read_sections,
    read_vectors,
)
from latefind.manifest import ENGINE_ROLES, Manifest
from latefind.maxsim import maxsim, top
from latefind.model import Model, TokenPlan
from latefind.passages import Section
from latefind.snippet import make_snippet


@dataclass(frozen=True, slots=True)
class Result:
    """One section found, with the MaxSim of its best passage (see ``docs/javascript-api.md``)."""

    section: Section
    score: float
    snippet: str

    def to_json(self) -> dict[str, object]:
        """Return the fields of a result of the browser's API, as JSON values."""
        section = self.section
        return {
            "id": section.id,
            "url": section.url,
            "title": section.title,
            "breadcrumb": list(section.breadcrumb),
            "score": self.score,
            "snippet": self.snippet,
            "highlights": [],
            "meta": dict(section.meta),
            "filters": {key: list(values) for key, values in section.filters.items()},
            "lang": section.lang,
        }


@dataclass(frozen=True, slots=True)
class SearchResult:
    """Results, best first; ``total`` counts all sections that could have been results; timings in ms."""

    results: Sequence[Result]
    total: int
    timings: Mapping[str, float] = field(default_factory=dict)


class Engine:
    """One index, filled part by part, then searched."""

    def __init__(self, manifest: Manifest) -> None:
        self.manifest = manifest
        self._parts = {part.path: part for part in manifest.parts if part.role in ENGINE_ROLES}
        self._missing = dict.fromkeys(self._parts)
        self._files: dict[str, bytes] = {}
        self._vectors: list[VectorShard] = []
        self._sections: list[SectionShard] = []
        self._model: Model | None = None

    @property
    def ready(self) -> bool:
        """Whether every part that the manifest names has been added."""
        return not self._missing and self._model is not None

    def add_part(self, path: str, data: bytes) -> None:
        """Verify one part against the manifest, and read it.

        Raises
        ------
        IntegrityError
            The bytes are not what the manifest promises: fetch them again, past the caches.
        FormatError, ModelError
            The manifest's own bytes are malformed, or of a version that this code does not read.
        """
        part = self._parts.get(path)
        if part is None:
            raise FormatError.expected(path, "a part that the manifest names", "another")
        part.verify(data)
        match part.role:
            case "vectors":
                self._vectors.append(read_vectors(data, path))
                self._vectors.sort(key=lambda shard: shard.first_passage)
            case "sections":
                self._sections.append(read_sections(data, path))
                self._sections.sort(key=lambda shard: shard.first_section)
            case role:
                self._files[role] = data
        self._missing.pop(path, None)
        if self._model is None and {"settings", "tokenizer"} <= self._files.keys():
            self._model = Model.from_bytes(self._files.pop("settings"), self._files.pop("tokenizer"))
        if not self._missing:
            self._link()

    def _link(self) -> None:
        """Check that the shards are one index, and lay out what a search needs over all of it."""
        _check_consecutive([(s.first_passage, len(s.lengths)) for s in self._vectors], "vectors")
        _check_consecutive([(s.first_section, len(s.records)) for s in self._sections], "sections")
        _check_consecutive([(s.first_passage, len(s.passages)) for s in self._sections], "passages")
        self._passages = np.concatenate([shard.passages for shard in self._sections])
        passages = sum(len(shard.lengths) for shard in self._vectors)
        if passages != len(self._passages):
            raise FormatError.expected("index", f"vectors of {len(self._passages)} passages", str(passages))
        dimensions = {shard.codes.shape[1] for shard in self._vectors}
        if dimensions != {self.model.spec.dimensions}:
            raise FormatError.expected(
                "index", f"vectors of {self.model.spec.dimensions} dimensions", str(sorted(dimensions))
            )
        self._records = [record for shard in self._sections for record in shard.records]
        self._numbers: dict[str, int] | None = None
        self._filters: list[Mapping[str, Sequence[str]]] | None = None

    @property
    def model(self) -> Model:
        """Settings and tokenizer of the model that the index was built with."""
        if self._model is None:
            raise LatefindError.expected("search engine", "the model's settings and tokenizer", "neither yet")
        return self._model

    def plan_query(self, text: str) -> TokenPlan:
        """Return what to feed the encoder for ``text``."""
        return self.model.plan_query(text)

    def search(
        self,
        query: npt.NDArray[np.float32],
        text: str,
        limit: int = 10,
        filters: Mapping[str, Sequence[str]] | None = None,
    ) -> SearchResult:
        """Return the best sections for a query.

        Parameters
        ----------
        query : float32, shape (query tokens, dimensions)
            Token embeddings of the query's scored positions.
        text : str
            The query itself, for snippets.
        limit : int
            Most results to return.
        filters : mapping, optional
            A section passes that has, for every key, one of the values.

        Returns
        -------
        SearchResult
            A section's score is that of its best passage; ties are in the order of the index.
        """
        start = time.perf_counter()
        scores, best = self._score_sections(query)
        if filters:
            scores[~self._passing(filters)] = -np.inf
        ranked = top(scores, limit)
        scored = time.perf_counter()
        results = [self._result(int(number), float(scores[number]), best, text) for number in ranked]
        done = time.perf_counter()
        return SearchResult(
            results=results,
            total=int((scores > -np.inf).sum()),
            timings={"candidates": (scored - start) * 1000, "rerank": (done - scored) * 1000},
        )

    def rank(
        self, query: npt.NDArray[np.float32], ids: Sequence[str]
    ) -> tuple[list[tuple[str, float]], list[str]]:
        """Order the given sections, named by id or URL, by MaxSim alone.

        Returns the pairs (as named, score), best first, ties in the order given, and the names that the
        index does not hold. A section without stored vectors comes last, with score 0.
        """
        numbers = self._section_numbers()
        known = [name for name in ids if name in numbers]
        scores, _ = self._score_sections(query)
        pairs = [(name, float(scores[numbers[name]])) for name in known]
        pairs.sort(key=lambda pair: -pair[1])
        ranked = [(name, score if score > -np.inf else 0.0) for name, score in pairs]
        return ranked, [name for name in ids if name not in numbers]

    def _score_sections(
        self, query: npt.NDArray[np.float32]
    ) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.intp]]:
        """Return each section's score (float32, (sections,)) and its best passage (intp, (sections,))."""
        if not self.ready:
            raise LatefindError.expected("search engine", "all its parts", f"{len(self._missing)} missing")
        if query.ndim != 2 or query.shape[1] != self.model.spec.dimensions:
            raise LatefindError.expected(
                "query", f"embeddings of {self.model.spec.dimensions} dimensions", f"shape {query.shape}"
            )
        by_passage = np.concatenate(
            [maxsim(query, shard.codes, shard.scales, shard.lengths) for shard in self._vectors]
        )
        owners = self._passages["section"]
        # Sorted by owner, then from the best down: the first passage of each owner is its best.
        order = np.lexsort((-by_passage, owners))
        first = np.unique(owners[order], return_index=True)[1]
        best = order[first]
        scores = np.full(len(self._records), -np.inf, np.float32)
        passages = np.zeros(len(self._records), np.intp)
        scores[owners[best]] = by_passage[best]
        passages[owners[best]] = best
        return scores, passages

    def _result(self, number: int, score: float, best: npt.NDArray[np.intp], text: str) -> Result:
        section = decode_section(self._records[number])
        passage = self._passages[best[number]]
        window = section.text[int(passage["start"]) : int(passage["end"])]
        return Result(section, score, make_snippet(window, text))

    def _section_numbers(self) -> dict[str, int]:
        """Map ids and URLs to section numbers; made at first use, since only :meth:`rank` needs it."""
        if self._numbers is None:
            sections = [decode_section(record) for record in self._records]
            by_url = {section.url: number for number, section in enumerate(sections) if section.url}
            self._numbers = by_url | {section.id: number for number, section in enumerate(sections)}
        return self._numbers

    def _passing(self, wanted: Mapping[str, Sequence[str]]) -> npt.NDArray[np.bool_]:
        """Return which sections pass the filters, bool (sections,)."""
        if self._filters is None:
            self._filters = [decode_section(record).filters for record in self._records]
        return np.array(
            [
                all(set(values) & set(filters.get(key, ())) for key, values in wanted.items())
                for filters in self._filters
            ],
            np.bool_,
        )


def _check_consecutive(ranges: Sequence[tuple[int, int]], what: str) -> None:
    """Raise unless the (first, count) ranges follow each other from 0 without gap or overlap."""
    expected = 0
    for first, count in ranges:
        if first != expected:
            raise FormatError.expected(f"index: {what}", f"a shard from {expected}", f"one from {first}")
        expected += count
    if not expected:
        raise FormatError.expected(f"index: {what}", "at least one", "none", "Build the index again.")
