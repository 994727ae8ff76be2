"""Put the files of a bundle in place: all of them or none."""

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

MODEL = "model.onnx"
TOKENIZER = "tokenizer.json"
SETTINGS = "latefind.json"
GOLDEN = "golden.json"
REPORT = "report.md"
CARD = "README.md"


@contextmanager
def staged_bundle(target: Path) -> Iterator[Path]:
    """Yield an empty folder beside ``target``; move its files into ``target`` where the block succeeds.

    Files of ``target`` that the block does not write are left alone. The settings are moved last: they have
    the hashes of the others, so a bundle that was interrupted here is refused and not used by halves.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    stage = Path(tempfile.mkdtemp(prefix=f".{target.name}-", dir=target.parent))
    try:
        yield stage
        target.mkdir(exist_ok=True)
        for path in sorted(stage.iterdir(), key=lambda path: (path.name == SETTINGS, path.name)):
            path.chmod(0o644)
            os.replace(path, target / path.name)  # noqa: PTH105
    finally:
        shutil.rmtree(stage)
