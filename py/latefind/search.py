"""The search engine: an index in memory, asked by query embeddings. The same natively and in Pyodide.

The engine owns no I/O and no encoder. Its parts are handed to it as bytes (:meth:`Engine.add_part`), the
caller encodes the query by :meth:`Engine.plan_query` and whichever onnxruntime it has, and where the index
is of the large tier, :meth:`Engine.needs` says which shards a query wants before :meth:`Engine.search`.

Another ranking of the same sections, a lexical one, takes part by *candidates*: the numbers of its best
sections, best first. They are scored as results are, and their shards are wanted too.

To mark words, the caller encodes the best passage of a section again, by :meth:`Engine.plan_passage`, and
hands the vectors to :meth:`Engine.highlight`.
"""

import time
from collections import OrderedDict
from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt

from latefind.commonness import SAMPLED, distinctiveness, primary
from latefind.errors import FormatError, LatefindError
from latefind.format import cut_part, decode_section, read_shard
from latefind.format_tables import Names, Summary, read_codec, read_names, read_summary
from latefind.highlight import Passage, find_words, highlight_passage
from latefind.kernels import Query, prepare_query
from latefind.manifest import ENGINE_ROLES, Manifest
from latefind.model import Model, Span, TokenPlan
from latefind.passages import Passage as Window
from latefind.passages import context_of, encoded_text
from latefind.results import Highlighted, Result, SearchResult
from latefind.routing import MAX_SHARDS, choose_shards, nominate_shards, summary_background
from latefind.scoring import Scored, add_sections, merge, reachable, scan_shards, score_sections
from latefind.shards import LoadedShard, ShardStore
from latefind.snippet import make_snippet
from latefind.weights import Background

__all__ = ["Engine", "Highlighted", "Result", "SearchResult", "Vectors"]

MIN_SURVIVORS = 400
"""Fewest passages whose residuals are scored: measured on 25,600 passages, they keep 99.8 % of the nDCG@10 of
scoring all; 200 keep 99.6 %, and 97 % on single small sets where ten results are asked for."""

SURVIVORS_PER_RESULT = 8
"""Survivors for each result asked for, so that long lists stay exact too."""

RANKED = 100
"""Sections whose scores are returned at least: what a fusion needs to know of this ranking."""

REMEMBERED = 64
"""Passages whose token vectors are kept for highlights, at most 8 MiB: while somebody types, the best results
stay mostly the same."""

Vectors = npt.NDArray[np.float32]


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
        self._background: Background | None = None
        self._routed: tuple[tuple[int, ...], Vectors, Query, list[str]] | None = None
        self._asked: tuple[Vectors, Query] | None = None
        self._planned: tuple[int, int, list[Span]] | None = None
        self._remembered: OrderedDict[tuple[int, int], tuple[list[Span], Vectors]] = OrderedDict()
        self._shards = ShardStore([part.path for part in manifest.shards()])
        for part in manifest.initial():
            if part.data:
                self.add_part(part.path, part.data)

    @property
    def initial(self) -> list[str]:
        """Paths of the parts that must be added before the first query: those that the manifest lacks."""
        return [part.path for part in self.manifest.initial() if not part.data]

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
            case "index":
                self._add_index(data, path)
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

    def _add_index(self, data: bytes, path: str) -> None:
        """Read the codec, and what follows it: the one shard of a small index, the summary of a large one."""
        codec, following = cut_part(data, path)
        self._shards.set_codec(read_codec(codec, path))
        if self.manifest.tier == "small":
            self._shards.add(path, read_shard(following, path))
            self._background = self._shards.get(path).background(self._shards.codec)
        else:
            self._summary = read_summary(following, path)
            self._background = summary_background(self._summary, self._shards.codec)

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

    def weigh(self, query: Vectors) -> Vectors:
        """Return a query's token embeddings (Q, D), each as long as it counts (:mod:`latefind.weights`)."""
        return query if self._background is None else query * self._background.weigh(query)[:, None]

    def needs(self, query: Vectors, candidates: Sequence[int] = ()) -> list[str]:
        """Return the paths of shards that a query (Q, D) wants and that are not in memory.

        ``candidates``, best first, are what another ranking of the sections found.
        """
        return self._absent(self._route(query, candidates)[1])

    def _route(self, query: Vectors, candidates: Sequence[int]) -> tuple[Query, list[str]]:
        """Return the prepared query and the shards that it wants; a query just asked about is remembered.

        :meth:`needs` and :meth:`search` come in turn for the same query, and scanning the summary of a large
        index is the longest part of both.
        """
        asked = tuple(candidates)
        if self._routed is None or self._routed[0] != asked or not np.array_equal(self._routed[1], query):
            prepared = self._prepare(query)
            self._routed = (asked, query.copy(), prepared, self._wanted(prepared, asked))
        return self._routed[2], self._routed[3]

    def _absent(self, wanted: Sequence[str]) -> list[str]:
        """Return which of ``wanted`` are not in memory, and keep the others from being dropped for them."""
        for path in wanted:
            if path in self._shards:
                self._shards.get(path)
        return [path for path in wanted if path not in self._shards]

    def search(
        self,
        query: Vectors,
        text: str,
        limit: int = 10,
        filters: Mapping[str, Sequence[str]] | None = None,
        candidates: Sequence[int] = (),
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
        candidates : sequence of int, optional
            Numbers of sections that another ranking found, best first. Each is scored, and may be a result.

        Returns
        -------
        SearchResult
            A section's score is that of its best passage; ties are in the order of the index.
        """
        start = time.perf_counter()
        prepared, wanted = self._route(query, candidates)
        shards = [self._shards.get(path) for path in wanted if path in self._shards]
        survivors = max(MIN_SURVIVORS, SURVIVORS_PER_RESULT * limit)
        chosen = scan_shards(shards, prepared, survivors, filters)
        add_sections(chosen, self._grouped(candidates))
        scanned = time.perf_counter()
        parts = [score_sections(shard, prepared, passages) for shard, passages in chosen.items()]
        best = merge([part.passing(filters) for part in parts], max(limit, RANKED))
        sought = set(candidates)
        found = {n: scored for part in parts for n, scored in part.by_number() if n in sought}
        scores = [_score_of(found.get(number)) for number in candidates]
        shown = {scored.number for scored in best[:limit]}
        others = [found[candidates[place]] for place in reachable(scores, limit)]
        results = [_describe(scored, text) for scored in best[:limit]]
        described = [_describe(scored, text) for scored in others if scored.number not in shown]
        done = time.perf_counter()
        return SearchResult(
            results=results,
            total=sum(shard.count_passing(filters) for shard in shards),
            timings={"candidates": (scanned - start) * 1000, "rerank": (done - scanned) * 1000},
            missing=[path for path in wanted if path not in self._shards],
            scores=scores,
            others=described,
            ranking=[(scored.number, scored.score) for scored in best],
        )

    def plan_passage(self, query: Vectors, number: int) -> TokenPlan | None:
        """Return what to feed the encoder before :meth:`highlight` of a section.

        ``None`` where that is nothing: the section's shard is not in memory, the section has no vectors, or
        the passage was encoded for an earlier query.
        """
        scored = self._best_passage(query, number)
        if scored is None or self._recall((number, scored.passage)) is not None:
            return None
        plan, tokens = self.model.locate_document(_text_of(scored)[0])
        self._planned = (number, scored.passage, tokens)
        return plan

    def highlight(
        self, query: Vectors, text: str, number: int, vectors: Vectors | None = None
    ) -> Highlighted | None:
        """Return the part of a section that matched a query best, with the words that did.

        Parameters
        ----------
        query, text
            As for :meth:`search`.
        number : int
            Of the section in the index.
        vectors : float32, shape (tokens, dimensions), optional
            The scored token embeddings of what :meth:`plan_passage` returned just before; None where that
            was None.

        Returns
        -------
        Highlighted or None
            None where the section's shard is not in memory, or the section has no vectors.
        """
        scored = self._best_passage(query, number)
        if scored is None:
            return None
        key = (number, scored.passage)
        if vectors is not None:
            if self._planned is None or self._planned[:2] != key or len(self._planned[2]) != len(vectors):
                raise LatefindError.expected("highlight", "the vectors of the passage just planned", "others")
            self._remembered[key] = (self._planned[2], vectors)
            while len(self._remembered) > REMEMBERED:
                self._remembered.popitem(last=False)
        recalled = self._recall(key)
        if recalled is None:
            raise LatefindError.expected("highlight", "the passage's vectors", "none", "Encode its plan.")
        encoded, own, lang = _text_of(scored)
        sampled = SAMPLED if self._summary is None else SAMPLED // MAX_SHARDS
        counts = [shard.word_counts(sampled) for shard in self._shards.loaded()]
        return highlight_passage(
            query,
            find_words(text, self.model.query_spans(text)),
            Passage(number, encoded, own, *recalled),
            lambda word: distinctiveness(word, counts, primary(lang)),
        )

    def rank_needs(self, names: Sequence[str]) -> list[str]:
        """Return the paths of parts to add before :meth:`rank`: names first, then shards."""
        if self.manifest.tier == "small":
            return []
        if self._names is None:
            return [part.path for part in self.manifest.by_role("names")]
        located = dict.fromkeys(self._locate(name) for name in names)
        return self._absent([path for path in located if path is not None])

    def rank(self, query: Vectors, names: Sequence[str]) -> tuple[list[tuple[str, float]], list[str]]:
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
                score = score_sections(shard, prepared, shard.passages_of(number)).scores.max(initial=-np.inf)
                found[name] = float(score) if score > -np.inf else 0.0
        pairs = [(name, found[name]) for name in names if name in found]
        pairs.sort(key=lambda pair: -pair[1])
        return pairs, [name for name in names if name not in found]

    def _prepare(self, query: Vectors) -> Query:
        if not self.ready:
            raise LatefindError.expected("search engine", "all its parts", f"{len(self._awaited)} missing")
        if query.ndim != 2 or query.shape[1] != self.model.spec.dimensions:
            raise LatefindError.expected(
                "query", f"embeddings of {self.model.spec.dimensions} dimensions", f"shape {query.shape}"
            )
        return prepare_query(self.weigh(query), self._shards.codec)

    def _wanted(self, query: Query, candidates: Sequence[int]) -> list[str]:
        """Return the paths of the shards that may answer: all, or the best few by summary and candidates."""
        if self._summary is None:
            return list(self._shards.paths)
        chosen = choose_shards(self._summary, query)
        numbers = nominate_shards(chosen, [self._shard_of(number) for number in candidates])
        return [self._shards.paths[number] for number in numbers]

    def _shard_of(self, number: int) -> int:
        """Return which shard has a section."""
        sections = [0, 2**32] if self._summary is None else self._summary.sections
        return int(np.searchsorted(sections, number, side="right")) - 1

    def _grouped(self, numbers: Sequence[int]) -> dict[LoadedShard, list[int]]:
        """Return sections by the shard in memory that has them, as numbers within it; others are left out."""
        groups: dict[LoadedShard, list[int]] = {}
        for number in numbers:
            at = self._shard_of(number)
            path = self._shards.paths[at] if 0 <= at < len(self._shards.paths) else None
            if path is not None and path in self._shards:
                shard = self._shards.get(path)
                if number - shard.first_section < len(shard.records):
                    groups.setdefault(shard, []).append(number - shard.first_section)
        return groups

    def _best_passage(self, query: Vectors, number: int) -> Scored | None:
        """Return a section's best passage; None where it is not in memory or has no vectors."""
        if self._asked is None or not np.array_equal(self._asked[0], query):
            self._asked = (query.copy(), self._prepare(query))
        for shard, [section] in self._grouped([number]).items():
            scored = score_sections(shard, self._asked[1], shard.passages_of(section))
            for _, best in scored.by_number():
                if best.score > -np.inf:
                    return best
        return None

    def _recall(self, key: tuple[int, int]) -> tuple[list[Span], Vectors] | None:
        if key in self._remembered:
            self._remembered.move_to_end(key)
        return self._remembered.get(key)

    def _locate(self, name: str) -> str | None:
        """Return the path of the shard that may hold a section, by the names of the large tier."""
        section = self._names.find(name) if self._names is not None else None
        if section is None or self._summary is None:
            return None
        return self._shards.paths[self._shard_of(section)]


def _score_of(scored: Scored | None) -> float | None:
    return None if scored is None or scored.score == -np.inf else scored.score


def _describe(scored: Scored, text: str) -> Result:
    section = decode_section(scored.shard.records[scored.number - scored.shard.first_section])
    window = scored.shard.passages[scored.passage]
    snippet = make_snippet(section.text[int(window["start"]) : int(window["end"])], text)
    return Result(section, scored.score, snippet, scored.number)


def _text_of(scored: Scored) -> tuple[str, int, str]:
    """Return a passage as the encoder sees it, where its own text begins in that, and its language."""
    section = decode_section(scored.shard.records[scored.number - scored.shard.first_section])
    window = scored.shard.passages[scored.passage]
    passage = Window(scored.number, int(window["start"]), int(window["end"]))
    text = encoded_text(section, passage)
    context = context_of(section)
    own = len(text) - (passage.end - passage.start) if passage.end > passage.start else len(text)
    return text, own if context else 0, section.lang
