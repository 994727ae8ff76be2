"""Native search: the browser's engine with the native encoder, on a bundle on disk."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from latefind.errors import FormatError, IntegrityError, UsageError
from latefind.manifest import Manifest, Part
from latefind.search import Engine, SearchResult
from latefind_build.assemble import MARKER
from latefind_build.encode import Encoder

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
        encoders[0].verify(self._read(encoders[0]))
        self._encoder = Encoder(self.folder / encoders[0].path)

    def _load(self, paths: Iterable[str]) -> None:
        for path in paths:
            self.engine.add_part(path, self._read(self._parts[path]))

    def _read(self, part: Part) -> bytes:
        try:
            return (self.folder / part.path).read_bytes()
        except FileNotFoundError as error:
            raise IntegrityError.expected(
                self.folder / part.path, f"{part.size} bytes", "no file", "Build the index again."
            ) from error

    def encode(self, text: str) -> npt.NDArray[np.float32]:
        """Return the query's token embeddings, float32 (scored tokens, dimensions)."""
        return self._encoder.encode(self.engine.plan_query(text))

    def search(
        self, text: str, limit: int = 10, filters: Mapping[str, Sequence[str]] | None = None
    ) -> SearchResult:
        """Return the best sections for ``text``; see :meth:`latefind.search.Engine.search`."""
        query = self.encode(text)
        self._load(self.engine.needs(query))
        return self.engine.search(query, text, limit, filters)

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
