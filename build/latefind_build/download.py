"""What a visitor downloads until the first semantic answer, part by part: as it is, and compressed.

The page's part is what a page of ours with the element asks for, in one language. All of it carries a hash in
its name or its folder's and is kept by browsers, so the next page does not fetch it again.
"""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TypedDict

from latefind.manifest import Manifest
from latefind.routing import MAX_SHARDS
from latefind_build.assemble import MARKER
from latefind_build.modules import CODE_FOLDERS, SHELL, STYLE, WORKERS, answering
from latefind_build.precompress import Sizes, transfer_sizes

DEFAULT_LANGUAGE = "en"

GROUPS = {
    "python": ("pyodide", "package"),
    "onnxruntime": ("onnxruntime",),
    "model": ("encoder",),
    "index": ("tokenizer", "settings", "index", "shard"),
}
"""Roles of the parts that semantic search loads; of a large index only as many shards as a query fetches."""


class Transfer(TypedDict):
    """Files of one part and their bytes."""

    files: int
    raw: int
    gzip: int
    brotli: int


def describe_download(folder: Path, manifest: Manifest) -> dict[str, Transfer]:
    """Measure what a visitor of the bundle in ``folder`` downloads, by part, in the order of need."""
    lang = manifest.languages[0] if len(manifest.languages) == 1 else DEFAULT_LANGUAGE
    code = next(folder.glob(CODE_FOLDERS), folder)
    parts = {
        "page": _transfer([folder / MARKER, *(code / name for name in (SHELL, STYLE, *answering(lang)))]),
        "worker": _transfer(code / name for name in WORKERS),
    }
    for name, roles in GROUPS.items():
        parts[name] = _transfer(folder / path for path in _paths(manifest, roles))
    return parts


def add_up(parts: Iterable[Transfer]) -> Transfer:
    """Return the sum of parts."""
    total = Transfer(files=0, raw=0, gzip=0, brotli=0)
    for part in parts:
        for key in ("files", "raw", "gzip", "brotli"):
            total[key] += part[key]
    return total


def format_download(parts: dict[str, Transfer]) -> list[str]:
    """Lay it out for reading."""
    return [
        "A visitor downloads until the first semantic answer:",
        f"  {'':<11} {'files':>5} {'MB':>8} {'gzip':>8} {'brotli':>8}",
        *(_row(name, part) for name, part in parts.items()),
        _row("all", add_up(parts.values())),
        "The next page takes it from the browser's cache; pages of other generators than latefind site ask"
        " whether latefind-ui.js and manifest.json are still the same.",
        "gzip, brotli: as --precompress made them, where it did; otherwise as hosts do on the fly.",
        "The first answer by words comes before, from a few files of the word index (lexical).",
    ]


def _row(name: str, part: Transfer) -> str:
    sizes = " ".join(f"{part[key] / 1e6:>8.2f}" for key in ("raw", "gzip", "brotli"))
    return f"  {name:<11} {part['files']:>5} {sizes}"


def _paths(manifest: Manifest, roles: Sequence[str]) -> list[str]:
    paths = []
    for role in roles:
        found = [part.path for part in manifest.by_role(role) if not part.data]
        if role == "shard" and manifest.tier == "large":
            # Evenly chosen, for which of them a query fetches nobody knows.
            step = max(1, len(found) // MAX_SHARDS)
            found = found[::step][:MAX_SHARDS]
        paths += found
    return paths


def _transfer(paths: Iterable[Path]) -> Transfer:
    files = sorted(path for path in paths if path.is_file())
    sizes = sum(transfer_sizes(files), Sizes())
    return Transfer(files=len(files), raw=sizes.raw, gzip=sizes.gzip, brotli=sizes.brotli)
