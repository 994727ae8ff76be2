"""Compressed siblings of files, for hosts that hand those out: ``x.js.br`` and ``x.js.gz`` beside ``x.js``.

A host that compresses by itself does so anew for every visitor, quickly rather than well, and mostly only the
types that it knows. Siblings are made once, as small as is reasonable. The same file gives the same bytes.
"""

import gzip
import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import brotli

SUFFIXES = frozenset(
    (
        *(".html", ".htm", ".css", ".js", ".mjs", ".wasm", ".json", ".webmanifest", ".svg", ".xml", ".txt"),
        *(".onnx", ".bin", ".zip", ".whl"),
    )
)
"""What may become smaller; images and fonts are compressed in themselves."""

ENCODINGS = {"br": ".br", "gzip": ".gz"}
"""Names in HTTP's ``Content-Encoding`` and suffixes of siblings, the better first."""

LEAST_BYTES = 1_000
"""A smaller file travels in one packet either way."""

WORTH = 0.97
"""A sibling that is not smaller than this share of its file is not written: unpacking it costs more."""

GZIP_LEVEL = 9
QUALITY = 11
LARGE_BYTES = 1_000_000
LARGE_QUALITY = 9
"""Brotli's best takes ten times as long for a tenth less, so large files do without: 14.2 MB of WebAssembly
become 2.67 MB in 3 s at 9, and 2.39 MB in 20 s at 10."""
_WINDOW = 24

QUICK_GZIP = 6
QUICK_QUALITY = 5
"""As hosts compress on the fly."""


@dataclass(frozen=True, slots=True)
class Sizes:
    """Bytes of a file as it is, and as it travels."""

    raw: int = 0
    gzip: int = 0
    brotli: int = 0

    def __add__(self, other: "Sizes") -> "Sizes":
        return Sizes(self.raw + other.raw, self.gzip + other.gzip, self.brotli + other.brotli)


def precompress(folder: Path) -> int:
    """Write the siblings of every file below ``folder`` that is worth it; return how many there are."""
    with ThreadPoolExecutor(os.cpu_count() or 1) as threads:
        return sum(threads.map(_write_siblings, _candidates(folder)))


def transfer_sizes(paths: list[Path]) -> list[Sizes]:
    """Return what files take in transfer: their siblings, or what a host makes of them on the fly."""
    with ThreadPoolExecutor(os.cpu_count() or 1) as threads:
        return list(threads.map(_transfer_size, paths))


def sibling(file: Path, encoding: str) -> Path | None:
    """Return the compressed form of ``file`` where there is one that is not older than it."""
    path = file.with_name(file.name + ENCODINGS[encoding])
    try:
        return path if path.stat().st_mtime_ns >= file.stat().st_mtime_ns else None
    except OSError:
        return None


def _candidates(folder: Path) -> Iterator[Path]:
    for path in sorted(folder.rglob("*")):
        if path.suffix.lower() in SUFFIXES and path.is_file() and path.stat().st_size >= LEAST_BYTES:
            yield path


def _write_siblings(path: Path) -> int:
    data = path.read_bytes()
    quality = LARGE_QUALITY if len(data) > LARGE_BYTES else QUALITY
    forms = {"br": _brotli(data, quality), "gzip": _gzip(data, GZIP_LEVEL)}
    written = 0
    for encoding, form in forms.items():
        target = path.with_name(path.name + ENCODINGS[encoding])
        if len(form) < WORTH * len(data):
            target.write_bytes(form)
            written += 1
        else:
            target.unlink(missing_ok=True)
    return written


def _transfer_size(path: Path) -> Sizes:
    raw = path.stat().st_size
    if path.suffix.lower() not in SUFFIXES or raw < LEAST_BYTES:
        return Sizes(raw, raw, raw)
    data = path.read_bytes()
    zipped, better = sibling(path, "gzip"), sibling(path, "br")
    return Sizes(
        raw,
        min(raw, zipped.stat().st_size if zipped else len(_gzip(data, QUICK_GZIP))),
        min(raw, better.stat().st_size if better else len(_brotli(data, QUICK_QUALITY))),
    )


def _gzip(data: bytes, level: int) -> bytes:
    return gzip.compress(data, level, mtime=0)


def _brotli(data: bytes, quality: int) -> bytes:
    compressed: bytes = brotli.compress(data, quality=quality, lgwin=_WINDOW)
    return compressed
