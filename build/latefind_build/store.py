"""The vectors of an index while it is built: on disk, as float16, so that memory does not grow with the site.

The codec is trained on vectors from all over the index before the first of them can be coded, so that all
have to be kept until then: 1.5 GB for 100,000 passages, which are read back as the shards are written.
"""

import tempfile
from collections.abc import Iterable
from pathlib import Path
from types import TracebackType

import numpy as np
import numpy.typing as npt


class VectorStore:
    """Vectors of consecutive passages, appended once and then read by passage or row.

    The file has no name (or goes when it is closed): nothing is left behind, however the build ends.
    """

    def __init__(self, folder: Path, dimensions: int) -> None:
        self._file = tempfile.TemporaryFile(dir=folder)  # noqa: SIM115 (closed by __exit__)
        self.dimensions = dimensions
        self._lengths: list[int] = []
        self._rows: npt.NDArray[np.float16] | None = None
        self._starts: npt.NDArray[np.int64] = np.zeros(1, np.int64)

    def __enter__(self) -> "VectorStore":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._rows = None
        self._file.close()

    def append(self, vectors: npt.NDArray[np.float32]) -> None:
        """Add the vectors of the next passage, float32 (n, D); n may be 0."""
        self._lengths.append(len(vectors))
        self._file.write(vectors.astype(np.float16).tobytes())

    def finish(self) -> int:
        """End appending; return the number of vectors."""
        self._file.flush()
        self._starts = np.concatenate([[0], np.cumsum(self._lengths)]).astype(np.int64)
        count = int(self._starts[-1])
        if count:
            self._rows = np.memmap(self._file, np.float16, "r", shape=(count, self.dimensions))
        return count

    @property
    def lengths(self) -> npt.NDArray[np.uint32]:
        """Vectors of each passage, uint32 (passages,)."""
        return np.array(self._lengths, np.uint32)

    def rows(self, numbers: npt.NDArray[np.int64]) -> npt.NDArray[np.float32]:
        """Return some of the vectors, float32 (n, D), by ascending row numbers."""
        return self._all()[numbers].astype(np.float32)

    def passages(self, numbers: Iterable[int]) -> list[npt.NDArray[np.float32]]:
        """Return the vectors of each named passage, float32 (n, D)."""
        rows = self._all()
        return [rows[self._starts[n] : self._starts[n + 1]].astype(np.float32) for n in numbers]

    def _all(self) -> npt.NDArray[np.float16]:
        return self._rows if self._rows is not None else np.zeros((0, self.dimensions), np.float16)
