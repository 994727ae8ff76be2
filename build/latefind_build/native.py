"""Native search: the browser's engine with the native encoder, and the word index, on a bundle on disk.

What the page does in stages (``web/hybrid.js``), at once: words propose candidates, the engine scores them
beside its own, and both are fused.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from pathlib import Path

import numpy as np
import numpy.typing as npt

from latefind.errors import FormatError, IntegrityError, UsageError
from latefind.format import Shard, cut_part, read_shard
from latefind.fusion import CANDIDATES, fuse
from latefind.lexical import LexicalHits, LexicalIndex
from latefind.manifest import Manifest, Part
from latefind.model import TokenPlan
from latefind.results import Result
from latefind.search import Engine, SearchResult
from latefind.snippet import make_snippet
from latefind_build.assemble import MARKER
from latefind_build.encode import Encoder
from latefind_build.model_file import unpack_model
from latefind_build.stemmers import analyser_of

MODES = ("lexical", "semantic", "hybrid")
"""What answers: the words of a query, its meaning, or both."""

Filters = Mapping[str, Sequence[str]]

RANK_PORTION = 20
"""Names ranked at a time: their shards, of about 1 MiB each, fit into the engine's memory."""


def find_bundle(directory: Path) -> Path:
    """Return the folder with the manifest: ``directory`` itself, or the ``latefind`` folder in it."""
    for folder in (directory, directory / "latefind"):
        if (folder / MARKER).is_file():
            return folder
    raise UsageError.expected(
        directory, f"a site with latefind/{MARKER}", "none", "Run `latefind build` on it first."
    )


def read_part(folder: Path, part: Part) -> bytes:
    """Return a part of the bundle in ``folder``, verified."""
    try:
        data = (folder / part.path).read_bytes()
    except FileNotFoundError as error:
        raise IntegrityError.expected(
            folder / part.path, f"{part.size} bytes", "no file", "Build the index again."
        ) from error
    part.verify(data)
    return data


def read_shards(folder: Path, manifest: Manifest) -> Iterator[Shard]:
    """Yield the shards of the bundle in ``folder``, in the order of the index."""
    for part in manifest.shards():
        data = read_part(folder, part)
        yield read_shard(cut_part(data, part.path)[1] if part.role == "index" else data, part.path)


class NativeSearch:
    """An index on disk, opened for search."""

    def __init__(self, directory: Path) -> None:
        self.folder = find_bundle(directory)
        path = self.folder / MARKER
        self.manifest = Manifest.from_bytes(path.read_bytes(), str(path))
        self.engine = Engine(self.manifest)
        self._parts = {part.path: part for part in self.manifest.parts}
        self._load(self.engine.initial)
        encoders = self.manifest.by_role("encoder")
        if len(encoders) != 1:
            raise FormatError.expected(path, "one part with the role encoder", str(len(encoders)))
        packed = read_part(self.folder, encoders[0])
        self._encoder = Encoder(unpack_model(packed, encoders[0].path), encoders[0].path)

    def _load(self, paths: Iterable[str]) -> None:
        for path in paths:
            self.engine.add_part(path, read_part(self.folder, self._parts[path]))

    def encode(self, text: str) -> npt.NDArray[np.float32]:
        """Return the query's token embeddings, float32 (scored tokens, dimensions)."""
        return self._encoder.encode(self.engine.plan_query(text))

    def encode_all(self, plans: Iterable[TokenPlan], jobs: int) -> Iterator[npt.NDArray[np.float32]]:
        """Yield the embeddings of each plan, in order, from ``jobs`` threads."""
        return self._encoder.encode_all(plans, jobs)

    @cached_property
    def lexical(self) -> LexicalIndex | None:
        """The word index; None where the index has none."""
        roots = self.manifest.by_role("lexical")
        if not roots:
            return None
        data = read_part(self.folder, roots[0])
        return LexicalIndex.open(data, self._read_beside(roots[0]), roots[0].path)

    def _read_beside(self, root: Part) -> Callable[[str], bytes]:
        """Return what reads files in the folder of ``root``."""
        folder = (self.folder / root.path).parent

        def read(name: str) -> bytes:
            try:
                return (folder / name).read_bytes()
            except FileNotFoundError as error:
                raise IntegrityError.expected(
                    folder / name, "a file of the word index", "no file", "Build the index again."
                ) from error

        return read

    @property
    def modes(self) -> Sequence[str]:
        """Which of ``MODES`` the index can answer in; the last is the best."""
        return MODES if self.lexical is not None else ("semantic",)

    def answer(
        self, text: str, limit: int = 10, filters: Filters | None = None, mode: str = ""
    ) -> Sequence[Result]:
        """Return the best sections for ``text``, by the best of :attr:`modes` unless one is named.

        Raises
        ------
        UsageError
            The index cannot answer in that mode.
        """
        mode = mode or self.modes[-1]
        if mode not in self.modes:
            raise UsageError.expected(
                "--mode",
                " or ".join(self.modes),
                mode,
                "Build the index again with this version of latefind.",
            )
        if mode == "semantic":
            return self.search(text, limit, filters).results
        hits = self.search_words(text, limit, filters)
        if mode == "lexical":
            found = zip(hits.documents.tolist()[:limit], hits.scores.tolist(), strict=False)
            return [self._describe(number, score, text) for number, score in found]
        return self._fuse(hits, text, limit, filters)

    def search_words(self, text: str, limit: int = 10, filters: Filters | None = None) -> LexicalHits:
        """Return what the word index finds, at least as many as fusion considers."""
        lexical = self._words()
        analyser = analyser_of(lexical.language_of(""))
        return lexical.search(text, analyser, limit=max(limit, CANDIDATES), filters=filters)

    def _words(self) -> LexicalIndex:
        if self.lexical is None:
            raise UsageError.expected(self.folder, "a word index", "none", "Build the index again.")
        return self.lexical

    def _fuse(self, hits: LexicalHits, text: str, limit: int, filters: Filters | None) -> list[Result]:
        """Return the best of both signals."""
        candidates = hits.documents.tolist()[:CANDIDATES]
        found = self.search(text, limit, filters, candidates)
        lexical = dict(zip(candidates, hits.scores.tolist(), strict=False))
        semantic = dict(zip(candidates, found.scores, strict=True)) | dict(found.ranking)
        numbers = list(semantic)
        values = [np.nan if semantic[number] is None else semantic[number] for number in numbers]
        fused = fuse(
            text,
            np.array(numbers, np.int64),
            np.array([lexical.get(number, 0) for number in numbers], np.float32),
            np.array(values, np.float32),
        )
        known = {result.number: result for result in (*found.results, *found.others)}
        results = []
        for number, score in zip(fused.numbers.tolist()[:limit], fused.scores.tolist(), strict=False):
            result = known.get(number)
            results.append(replace(result, score=score) if result else self._describe(number, score, text))
        return results

    def _describe(self, number: int, score: float, text: str) -> Result:
        [section] = self._words().sections([number])
        return Result(section, score, make_snippet(section.text, text), number)

    def search(
        self,
        text: str,
        limit: int = 10,
        filters: Filters | None = None,
        candidates: Sequence[int] = (),
    ) -> SearchResult:
        """Return the best sections by meaning; see :meth:`latefind.search.Engine.search`."""
        query = self.encode(text)
        self._load(self.engine.needs(query, candidates))
        return self.engine.search(query, text, limit, filters, candidates)

    def rank(self, text: str, ids: Sequence[str]) -> tuple[list[tuple[str, float]], list[str]]:
        """Order the named sections; see :meth:`latefind.search.Engine.rank`."""
        query = self.encode(text)
        scores: dict[str, float] = {}
        # A few at a time: the shards of many names may not fit into the engine's memory together.
        for start in range(0, len(ids), RANK_PORTION):
            portion = ids[start : start + RANK_PORTION]
            # Twice, as in the browser: the names say in which shards the sections are.
            for _ in range(2):
                self._load(self.engine.rank_needs(portion))
            scores.update(self.engine.rank(query, portion)[0])
        ranked = [(name, scores[name]) for name in ids if name in scores]
        ranked.sort(key=lambda pair: -pair[1])
        return ranked, [name for name in ids if name not in scores]
