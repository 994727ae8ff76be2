"""Checked reading of a checkpoint's files: JSON, safetensors, ``modules.json``. Every error names the file.

Checkpoints come from strangers: nothing here runs their code, unpickles, or follows a path out of the folder.
"""

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

import numpy as np
import numpy.typing as npt
from safetensors import SafetensorError, safe_open

from latefind.errors import ModelError
from latefind_export.checkpoint import DenseLayer, Semantics

WEIGHTS = "model.safetensors"
SHARDS = "model.safetensors.index.json"

GET_AGAIN = "Get the checkpoint's files again."
CONVERT = (
    "Only safetensors are read, since other formats can run code. Convert it: load the model with its own "
    "library and save it again with safe_serialization=True."
)

UNLIMITED = 2**30
"""Where a checkpoint names no length, the positions of its transformer are the limit."""


@dataclass(frozen=True, slots=True)
class Parts:
    """What the reader of a layout returns: the transformer's folder, the head, how texts are prepared."""

    folder: Path
    dense: tuple[DenseLayer, ...]
    semantics: Semantics


@dataclass(frozen=True, slots=True)
class Module:
    """One entry of ``modules.json``: the class's own name, as in ``Dense``, and the folder of its files."""

    name: str
    kind: str
    folder: Path


class Config:
    """One JSON object with typed access; a field that is missing or null is None."""

    def __init__(self, data: dict[str, Any], where: Path) -> None:
        self._data = data
        self.where = where

    @classmethod
    def read(cls, path: Path, *, optional: bool = False) -> "Config":
        """Read a file that holds one JSON object; empty where an ``optional`` file is not there.

        Raises
        ------
        ModelError
            The file is missing, cannot be read, or is not a JSON object.
        """
        if optional and not path.is_file():
            return cls({}, path)
        data = read_json(path)
        if not isinstance(data, dict):
            raise ModelError.expected(path, "a JSON object", type(data).__name__, GET_AGAIN)
        return cls(data, path)

    def __contains__(self, name: str) -> bool:
        return name in self._data

    def raw(self, name: str) -> Any:
        """Return a field as it is."""
        return self._data.get(name)

    def fail(self, name: str, expected: str, do: str = GET_AGAIN) -> NoReturn:
        """Raise the error for a field that is not what it should be."""
        shown = repr(self.raw(name))
        raise ModelError.expected(
            f"{self.where}: {name}", expected, shown if len(shown) <= 80 else f"{shown[:77]}...", do
        )

    def text(self, name: str) -> str | None:
        """Return a string."""
        value = self.raw(name)
        if not (value is None or isinstance(value, str)):
            self.fail(name, "a string")
        return value

    def flag(self, name: str) -> bool | None:
        """Return true or false."""
        value = self.raw(name)
        if not (value is None or isinstance(value, bool)):
            self.fail(name, "true or false")
        return value

    def integer(self, name: str) -> int | None:
        """Return an integer from 1."""
        value = self.raw(name)
        if not (value is None or (isinstance(value, int) and not isinstance(value, bool) and value > 0)):
            self.fail(name, "an integer from 1")
        return value

    def texts(self, name: str) -> tuple[str, ...] | None:
        """Return a list of strings."""
        value = self.raw(name)
        if value is None:
            return None
        if not (isinstance(value, list) and all(isinstance(item, str) for item in value)):
            self.fail(name, "a list of strings")
        return tuple(value)

    def child(self, name: str) -> "Config | None":
        """Return an object."""
        value = self.raw(name)
        if value is None:
            return None
        if not isinstance(value, dict):
            self.fail(name, "a JSON object")
        return Config(value, Path(f"{self.where}: {name}"))


def read_json(path: Path) -> Any:
    """Return the content of a JSON file.

    Raises
    ------
    ModelError
        The file is missing, cannot be read, or is not JSON.
    """
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise ModelError.expected(path, "a file", "nothing", GET_AGAIN) from error
    except OSError as error:
        raise ModelError.expected(path, "a file that can be read", str(error)) from error
    except (ValueError, RecursionError) as error:
        raise ModelError.expected(path, "JSON", str(error), GET_AGAIN) from error


def read_modules(folder: Path) -> tuple[Module, ...]:
    """Return the modules that ``modules.json`` lists, in the order in which they are applied.

    Raises
    ------
    ModelError
        The file is malformed, or a module lies outside of the checkpoint.
    """
    path = folder / "modules.json"
    data = read_json(path)
    if not isinstance(data, list) or not all(isinstance(item, dict) for item in data):
        raise ModelError.expected(path, "a list of modules", type(data).__name__, GET_AGAIN)
    modules = []
    for number, item in enumerate(data):
        entry = Config(item, Path(f"{path}: module {number}"))
        kind, below = entry.text("type"), entry.text("path")
        if not kind:
            entry.fail("type", "the name of a class")
        own = (folder / (below or "")).resolve()
        if not own.is_relative_to(folder.resolve()):
            entry.fail("path", "a folder inside the checkpoint", "Do not use this checkpoint.")
        modules.append(Module(kind.rpartition(".")[2], kind, folder / (below or "")))
    return tuple(modules)


def longest_text(transformer: Path) -> int:
    """Return the tokens that sentence-transformers cuts texts at where nothing else is said of it."""
    settings = Config.read(transformer / "sentence_bert_config.json", optional=True)
    tokenizer = Config.read(transformer / "tokenizer_config.json", optional=True)
    length = settings.integer("max_seq_length") or tokenizer.raw("model_max_length")
    return length if isinstance(length, int) and 0 < length < UNLIMITED else UNLIMITED


def read_lowercase(transformer: Path) -> bool:
    """Return whether sentence-transformers lowercases texts before its tokenizer sees them."""
    settings = Config.read(transformer / "sentence_bert_config.json", optional=True)
    return settings.flag("do_lower_case") or False


def check_weights(folder: Path) -> None:
    """Check that the weights are there as safetensors, all shards, none of them cut short.

    Only headers are read, so this is quick however large the files are.

    Raises
    ------
    ModelError
        Says which file is missing or damaged, and what to do.
    """
    if (folder / WEIGHTS).is_file():
        _check_safetensors(folder / WEIGHTS)
        return
    if (folder / SHARDS).is_file():
        for name in _shards(folder / SHARDS):
            if not (folder / name).is_file():
                raise ModelError.expected(
                    folder / name, f"a shard that {SHARDS} names", "nothing", "Get it again."
                )
            _check_safetensors(folder / name)
        return
    others = sorted(path.name for pattern in ("*.bin", "*.pt", "*.h5") for path in folder.glob(pattern))
    if others:
        raise ModelError.expected(folder, WEIGHTS, ", ".join(others), CONVERT)
    raise ModelError.expected(folder, WEIGHTS, "no weights", GET_AGAIN)


def _shards(index: Path) -> list[str]:
    mapping = Config.read(index).raw("weight_map")
    names = list(mapping.values()) if isinstance(mapping, dict) else []
    if not names or not all(isinstance(name, str) and re.fullmatch(r"[\w.-]+", name) for name in names):
        raise ModelError.expected(index, "a weight_map of file names", "none", GET_AGAIN)
    return sorted(set(names))


def read_tensors(path: Path, names: Iterable[str]) -> dict[str, npt.NDArray[np.float32]]:
    """Return those of the named tensors that a safetensors file has, as float32.

    Raises
    ------
    ModelError
        The file is missing or damaged.
    """
    _check_safetensors(path)
    # Through torch, because NumPy has no bfloat16.
    with safe_open(str(path), framework="pt") as file:
        present = set(file.keys())
        return {name: file.get_tensor(name).float().numpy() for name in names if name in present}


def tensor_names(path: Path) -> set[str]:
    """Return the names of the tensors of a safetensors file."""
    _check_safetensors(path)
    with safe_open(str(path), framework="pt") as file:
        return set(file.keys())


def _check_safetensors(path: Path) -> None:
    try:
        with safe_open(str(path), framework="pt") as file:
            empty = not file.keys()
    except FileNotFoundError as error:
        raise ModelError.expected(path, "weights", "nothing", GET_AGAIN) from error
    except (SafetensorError, OSError) as error:
        raise ModelError.expected(path, "whole safetensors", _damage(path, error), GET_AGAIN) from error
    if empty:
        raise ModelError.expected(path, "weights", "a file without any", GET_AGAIN)


def _damage(path: Path, error: Exception) -> str:
    with path.open("rb") as file:
        start = file.read(64)
    if start.startswith(b"version https://git-lfs"):
        return "a Git LFS pointer (run `git lfs pull` in the checkpoint's repository)"
    return f"a damaged or truncated file ({error})"
