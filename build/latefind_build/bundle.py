"""A model bundle on disk: found, checked and opened for the builder and for native search."""

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path

from latefind.errors import ModelError, UsageError
from latefind.model import ModelSpec, read_spec

DEFAULT_MODEL = Path(__file__).parent / "models" / "default"
FILES = ("model.onnx", "tokenizer.json")


@dataclass(frozen=True, slots=True)
class ModelBundle:
    """A checked bundle: its folder and its settings, as parsed and as bytes."""

    folder: Path
    spec: ModelSpec
    settings: bytes

    @property
    def onnx(self) -> Path:
        """The query and document encoder."""
        return self.folder / "model.onnx"

    @property
    def tokenizer(self) -> Path:
        """The tokenizer, in the format of the tokenizers library."""
        return self.folder / "tokenizer.json"


def open_bundle(folder: Path | None = None) -> ModelBundle:
    """Check a model bundle's files against the sizes and hashes in its ``latefind.json``.

    Raises
    ------
    UsageError
        There is no such folder.
    ModelError
        A file is missing, truncated or changed; the message names it.
    """
    folder = folder or DEFAULT_MODEL
    if not folder.is_dir():
        raise UsageError.expected(
            f"--model {folder}", "a folder", "nothing", "Name an exported model bundle."
        )
    settings_path = folder / "latefind.json"
    if not settings_path.is_file():
        raise ModelError.expected(
            settings_path, "the settings of a model bundle", "no file", "Is this folder an exported model?"
        )
    settings = settings_path.read_bytes()
    spec = read_spec(settings, str(settings_path))
    promised = json.loads(settings).get("files")
    for name in FILES:
        _check_file(folder / name, promised.get(name) if isinstance(promised, dict) else None, settings_path)
    return ModelBundle(folder, spec, settings)


def _check_file(path: Path, promised: object, settings_path: Path) -> None:
    again = "Export the model again."
    if not isinstance(promised, dict) or not {"bytes", "sha256"} <= promised.keys():
        raise ModelError.expected(f"{settings_path}: files.{path.name}", "bytes and sha256", "neither", again)
    if not path.is_file():
        raise ModelError.expected(path, f"{promised['bytes']} bytes", "no file", again)
    size = path.stat().st_size
    if size != promised["bytes"]:
        raise ModelError.expected(path, f"{promised['bytes']} bytes", f"{size}", f"Truncated? {again}")
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    if digest != promised["sha256"]:
        raise ModelError.expected(path, f"SHA-256 {promised['sha256'][:12]}…", f"{digest[:12]}…", again)
