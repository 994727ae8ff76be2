"""What a visitor downloads until the first semantic answer, part by part: as it is, and compressed.

The page's part is what the element imports, found by following the imports, in one language. What carries a
hash in its name is kept by browsers, so the next page does not fetch it again.
"""

import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TypedDict

from latefind.manifest import Manifest
from latefind.routing import MAX_SHARDS
from latefind_build.assemble import MARKER
from latefind_build.precompress import Sizes, transfer_sizes

PAGE_MODULES = ("latefind-ui.js",)
PAGE_STYLES = ("latefind-ui.css", "ui/*.css")
WORKER_MODULES = ("worker.js", "encoder-worker.js")
DEFAULT_LANGUAGE = "en"

GROUPS = {
    "python": ("pyodide", "package"),
    "onnxruntime": ("onnxruntime",),
    "model": ("encoder",),
    "index": ("tokenizer", "settings", "codec", "summary", "shard"),
}
"""Roles of the parts that semantic search loads; of a large index only as many shards as a query fetches."""

_COMMENT = re.compile(r"/\*.*?\*/|^\s*//[^\n]*", re.DOTALL | re.MULTILINE)
_IMPORT = re.compile(r"""(?:\bfrom|\bimport)\s*\(?\s*"(\.{1,2}/[^"]+)\"""")


class Transfer(TypedDict):
    """Files of one part and their bytes; ``kept``: the next page takes them from the browser's cache."""

    files: int
    raw: int
    gzip: int
    brotli: int
    kept: bool


def describe_download(folder: Path, manifest: Manifest) -> dict[str, Transfer]:
    """Measure what a visitor of the bundle in ``folder`` downloads, by part, in the order of need."""
    lang = manifest.languages[0] if len(manifest.languages) == 1 else DEFAULT_LANGUAGE
    page = imported_modules(folder, PAGE_MODULES)
    page |= {path for pattern in PAGE_STYLES for path in folder.glob(pattern)}
    page |= {folder / "strings" / f"{lang}.js", folder / "stem" / f"{lang}.js", folder / MARKER}
    worker = imported_modules(folder, WORKER_MODULES) - page
    parts = {"page": _transfer(page, kept=False), "worker": _transfer(worker, kept=False)}
    for name, roles in GROUPS.items():
        parts[name] = _transfer((folder / path for path in _paths(manifest, roles)), kept=True)
    return parts


def add_up(parts: Iterable[Transfer]) -> Transfer:
    """Return the sum of parts; ``kept`` where all of them are."""
    total = Transfer(files=0, raw=0, gzip=0, brotli=0, kept=True)
    for part in parts:
        for key in ("files", "raw", "gzip", "brotli"):
            total[key] += part[key]
        total["kept"] = total["kept"] and part["kept"]
    return total


def format_download(parts: dict[str, Transfer]) -> list[str]:
    """Lay it out for reading."""
    total = add_up(parts.values())
    kept = add_up(part for part in parts.values() if part["kept"])
    return [
        "A visitor downloads until the first semantic answer:",
        f"  {'':<11} {'files':>5} {'MB':>8} {'gzip':>8} {'brotli':>8}",
        *(_row(name, part, "kept" if part["kept"] else "asked for again") for name, part in parts.items()),
        _row("all", total, ""),
        _row("next page", kept, "of it from the browser's cache"),
        "gzip, brotli: as --precompress made them, where it did; otherwise as hosts do on the fly.",
        "The first answer by words comes before, from a few files of the word index (lexical).",
    ]


def _row(name: str, part: Transfer, note: str) -> str:
    sizes = " ".join(f"{part[key] / 1e6:>8.2f}" for key in ("raw", "gzip", "brotli"))
    return f"  {name:<11} {part['files']:>5} {sizes}  {note}".rstrip()


def _paths(manifest: Manifest, roles: Sequence[str]) -> list[str]:
    paths = []
    for role in roles:
        found = [part.path for part in manifest.by_role(role)]
        if role == "shard" and manifest.tier == "large":
            # Evenly chosen, for which of them a query fetches nobody knows.
            step = max(1, len(found) // MAX_SHARDS)
            found = found[::step][:MAX_SHARDS]
        paths += found
    return paths


def _transfer(paths: Iterable[Path], kept: bool) -> Transfer:
    files = sorted(path for path in paths if path.is_file())
    sizes = sum(transfer_sizes(files), Sizes())
    return Transfer(files=len(files), raw=sizes.raw, gzip=sizes.gzip, brotli=sizes.brotli, kept=kept)


def imported_modules(folder: Path, entries: Iterable[str]) -> set[Path]:
    """Return the modules that the entries import, themselves included, whether at once or later."""
    found: set[Path] = set()
    waiting = [folder / name for name in entries]
    while waiting:
        path = waiting.pop()
        if path in found or not path.is_file():
            continue
        found.add(path)
        code = _COMMENT.sub("", path.read_text("utf-8"))
        waiting += [(path.parent / name).resolve() for name in _IMPORT.findall(code)]
    return found
