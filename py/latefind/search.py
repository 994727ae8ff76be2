"""The search engine: an index in memory, asked by query embeddings. The same natively and in Pyodide.

The engine owns no I/O and no encoder. Its parts are handed to it as bytes (:meth:`Engine.add_part`), the
caller encodes the query by :meth:`Engine.plan_query` and whichever onnxruntime it has, and where the index
is of the large tier, :meth:`Engine.needs` says which shards a query wants before :meth:`Engine.search`.
"""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from latefind.errors import FormatError, LatefindError
from latefind.format import decode_section, read_shard
from latefind.format_tables import Names, Summary, read_codec, read_names, read_summary
from latefind.kernels import Query, prepare_query, top
from latefind.manifest import ENGINE_ROLES, Manifest
from latefind.model import Model, TokenPlan
from latefind.passages import Section
from latefind.routing import choose_shards
from latefind.shards import LoadedShard, ShardStore
from latefind.snippet import make_snippet

MIN_SURVIVORS = 200
"""Fewest passages whose residuals are scored: measured on 25,600 passages, they keep 99.6 % of the nDCG@10 of
scoring all; 400 keep 99.8 %."""

SURVIVORS_PER_RESULT = 8
"""Survivors for each result asked for, so that long lists stay exact too."""


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
    """Results, best first.

    ``total`` counts the sections that were looked at and passed the filters; ``timings`` are in ms;
    ``missing`` are the paths of shards that the query wanted and the engine did not have.
    """

    results: Sequence[Result]
    total: int
    timings: Mapping[str, float] = field(default_factory=dict)
    missing: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class _Scored:
    """Sections of one shard with the score of their best passage, and which passage that is."""

    shard: LoadedShard
    sections: npt.NDArray[np.intp]  # (n,), within the shard
    passages: npt.NDArray[np.intp]  # (n,), within the shard
    scores: npt.NDArray[np.float32]  # (n,)


class Engine:
    """One index, filled part by part, then searched."""

    def __init__(self, manifest: Manifest) -> None:
        self.manifest = manifest
        self._parts = {part.path: part for part in manifest.parts if part.role in ENGINE_ROLES}
        self._awaited = dict.fromkeys(part.path for part in manifest.initial())
        self._files: dict[str, bytes] = {}
        self._model: Model | None = None
        self._summary: Summary | None = None
        self._names: Names | None = None
        self._routed: tuple[npt.NDArray[np.float32], Query, list[str]] | None = None
        self._shards = ShardStore([part.path for part in manifest.by_role("shard")])

    @property
    def initial(self) -> list[str]:
        """Paths of the parts that must be added before the first query."""
        return [part.path for part in self.manifest.initial()]

    @property
    def ready(self) -> bool:
        """Whether every initial part has been added."""
        return not self._awaited

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
            case "codec":
                self._shards.set_codec(read_codec(data, path))
            case "summary":
                self._summary = read_summary(data, path)
            case "names":
                self._names = read_names(data, path)
            case "shard":
                self._shards.add(path, read_shard(data, path))
            case role:
                self._files[role] = data
        if self._model is None and {"settings", "tokenizer"} <= self._files.keys():
            self._model = Model.from_bytes(self._files.pop("settings"), self._files.pop("tokenizer"))
        if self._awaited.keys() == {path}:
            self._check_initial()
        self._awaited.pop(path, None)

    def _check_initial(self) -> None:
        """Check that the initial parts belong together."""
        codec, wanted = self._shards.codec, self.model.spec.dimensions
        if codec.dimensions != wanted:
            raise FormatError.expected("codec", f"{wanted} dimensions", f"{codec.dimensions}")
        self._shards.check()
        if self._summary is not None and len(self._summary.passages) - 1 != len(self._shards.paths):
            raise FormatError.expected(
                "summary", f"{len(self._shards.paths)} shards", f"{len(self._summary.passages) - 1}"
            )

    @property
    def model(self) -> Model:
        """Settings and tokenizer of the model that the index was built with."""
        if self._model is None:
            raise LatefindError.expected("search engine", "the model's settings and tokenizer", "neither yet")
        return self._model

    def plan_query(self, text: str) -> TokenPlan:
        """Return what to feed the encoder for ``text``."""
        return self.model.plan_query(text)

    def needs(self, query: npt.NDArray[np.float32]) -> list[str]:
        """Return the paths of shards that a query (Q, D) wants and that are not in memory."""
        return self._absent(self._route(query)[1])

    def _route(self, query: npt.NDArray[np.float32]) -> tuple[Query, list[str]]:
        """Return the prepared query and the shards that it wants; a query just asked about is remembered.

        :meth:`needs` and :meth:`search` come in turn for the same query, and scanning the summary of a large
        index is the longest part of both.
        """
        if self._routed is None or not np.array_equal(self._routed[0], query):
            prepared = self._prepare(query)
            self._routed = (query.copy(), prepared, self._wanted(prepared))
        return self._routed[1], self._routed[2]

    def _absent(self, wanted: Sequence[str]) -> list[str]:
        """Return which of ``wanted`` are not in memory, and keep the others from being dropped for them."""
        for path in wanted:
            if path in self._shards:
                self._shards.get(path)
        return [path for path in wanted if path not in self._shards]

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
        prepared, wanted = self._route(query)
        shards = [self._shards.get(path) for path in wanted if path in self._shards]
        survivors = max(MIN_SURVIVORS, SURVIVORS_PER_RESULT * limit)
        chosen = _scan(shards, prepared, survivors, filters)
        scanned = time.perf_counter()
        scored = [_score_sections(shard, prepared, passages) for shard, passages in chosen]
        results = _merge(scored, limit, text)
        done = time.perf_counter()
        return SearchResult(
            results=results,
            total=sum(shard.count_passing(filters) for shard in shards),
            timings={"candidates": (scanned - start) * 1000, "rerank": (done - scanned) * 1000},
            missing=[path for path in wanted if path not in self._shards],
        )

    def rank_needs(self, names: Sequence[str]) -> list[str]:
        """Return the paths of parts to add before :meth:`rank`: names first, then shards."""
        if self.manifest.tier == "small":
            return []
        if self._names is None:
            return [part.path for part in self.manifest.by_role("names")]
        located = dict.fromkeys(self._locate(name) for name in names)
        return self._absent([path for path in located if path is not None])

    def rank(
        self, query: npt.NDArray[np.float32], names: Sequence[str]
    ) -> tuple[list[tuple[str, float]], list[str]]:
        """Order the given sections, named by id or URL, by MaxSim alone.

        Returns the pairs (as named, score), best first, ties in the order given, and the names that the
        index does not hold. A section without stored vectors comes last, with score 0.
        """
        prepared = self._prepare(query)
        found: dict[str, float] = {}
        for name in dict.fromkeys(names):
            path = self._shards.paths[0] if self.manifest.tier == "small" else self._locate(name)
            if path is None or path not in self._shards:
                continue
            shard = self._shards.get(path)
            number = shard.number_of(name)
            if number is not None:
                score = _score_sections(shard, prepared, shard.passages_of(number)).scores.max(
                    initial=-np.inf
                )
                found[name] = float(score) if score > -np.inf else 0.0
        pairs = [(name, found[name]) for name in names if name in found]
        pairs.sort(key=lambda pair: -pair[1])
        return pairs, [name for name in names if name not in found]

    def _prepare(self, query: npt.NDArray[np.float32]) -> Query:
        if not self.ready:
            raise LatefindError.expected("search engine", "all its parts", f"{len(self._awaited)} missing")
        if query.ndim != 2 or query.shape[1] != self.model.spec.dimensions:
            raise LatefindError.expected(
                "query", f"embeddings of {self.model.spec.dimensions} dimensions", f"shape {query.shape}"
            )
        return prepare_query(query, self._shards.codec)

    def _wanted(self, query: Query) -> list[str]:
        """Return the paths of the shards that may answer: all, or the best few by the summary."""
        if self._summary is None:
            return list(self._shards.paths)
        return [self._shards.paths[number] for number in choose_shards(self._summary, query)]

    def _locate(self, name: str) -> str | None:
        """Return the path of the shard that may hold a section, by the names of the large tier."""
        section = self._names.find(name) if self._names is not None else None
        if section is None or self._summary is None:
            return None
        return self._shards.paths[int(np.searchsorted(self._summary.sections, section, side="right")) - 1]


def _scan(
    shards: Sequence[LoadedShard],
    query: Query,
    survivors: int,
    filters: Mapping[str, Sequence[str]] | None,
) -> list[tuple[LoadedShard, npt.NDArray[np.intp]]]:
    """Return each shard's passages that are among the best ``survivors`` of all by their centroids."""
    scores = [shard.scan(query, filters) for shard in shards]
    if not scores:
        return []
    best = top(np.concatenate(scores), survivors)
    bounds = np.cumsum([0, *(len(part) for part in scores)])
    chosen = []
    for shard, start, end in zip(shards, bounds, bounds[1:], strict=False):
        passages = np.sort(best[(best >= start) & (best < end)]) - start
        if len(passages):
            chosen.append((shard, passages))
    return chosen


def _score_sections(shard: LoadedShard, query: Query, passages: npt.NDArray[np.intp]) -> _Scored:
    """Score ``passages`` of a shard and keep the best of each section."""
    scores = shard.score(query, passages)
    owners = shard.owners[passages]
    # Sorted by owner, then from the best down: the first passage of each owner is its best.
    order = np.lexsort((-scores, owners))
    sections, first = np.unique(owners[order], return_index=True)
    kept = order[first]
    return _Scored(shard, sections.astype(np.intp), passages[kept], scores[kept])


def _merge(scored: Sequence[_Scored], limit: int, text: str) -> list[Result]:
    """Return the best ``limit`` sections of all shards; ties in the order of the index."""
    if not scored:
        return []
    ordered = sorted(scored, key=lambda part: part.shard.first_section)
    every = np.concatenate([part.scores for part in ordered])
    places = [(part, at) for part in ordered for at in range(len(part.scores))]
    results = []
    for number in top(every, limit):
        part, at = places[int(number)]
        section = decode_section(part.shard.records[int(part.sections[at])])
        window = part.shard.passages[int(part.passages[at])]
        snippet = make_snippet(section.text[int(window["start"]) : int(window["end"])], text)
        results.append(Result(section, float(part.scores[at]), snippet))
    return results
