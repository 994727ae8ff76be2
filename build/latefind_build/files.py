"""Files of a bundle: content-hashed names, and folders that appear whole or not at all."""

import hashlib
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path, PurePosixPath

from latefind.errors import UsageError
from latefind.manifest import Part

HASH_LENGTH = 8
"""Hex digits of the SHA-256 in a file's name: enough for a cache never to mistake one for another."""


def write_part(folder: Path, role: str, path: str, data: bytes) -> Part:
    """Write ``data`` below ``folder`` under ``path`` with its hash before the suffix, and describe it."""
    return place_part(folder, role, hashed_name(path, data), data)


def hashed_name(path: str, data: bytes) -> str:
    """Return ``path`` with the hash of ``data`` before its suffix."""
    plain = PurePosixPath(path)
    digest = hashlib.sha256(data).hexdigest()[:HASH_LENGTH]
    return str(plain.with_name(f"{plain.stem}-{digest}{plain.suffix}"))


def digest_files(files: Mapping[str, bytes]) -> str:
    """Return a hash in hex of files by their names."""
    digest = hashlib.sha256()
    for name, data in sorted(files.items()):
        digest.update(name.encode() + b"\0" + hashlib.sha256(data).digest())
    return digest.hexdigest()


def place_part(folder: Path, role: str, path: str, data: bytes) -> Part:
    """Write ``data`` below ``folder`` under exactly ``path``, and describe it."""
    target = folder / path
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_bytes(data)
    return Part.of(role, path, data)


@contextmanager
def replaced_folder(target: Path, marker: str) -> Iterator[Path]:
    """Give a temporary folder that takes the place of ``target`` when the block ends without an error.

    An existing ``target`` stays until the new one is whole, and stays for good where the block fails. It is
    replaced only where it holds ``marker``, the name of a file that latefind wrote there, or is empty.

    Raises
    ------
    UsageError
        ``target`` is something that latefind did not make.
    """
    if target.exists() and not (target / marker).is_file() and (target.is_file() or any(target.iterdir())):
        raise UsageError.expected(
            target, f"no folder, or one with {marker}", "other files", "Move them, or name another folder."
        )
    target.parent.mkdir(parents=True, exist_ok=True)
    work = Path(tempfile.mkdtemp(prefix=f".{target.name}-", dir=target.parent))
    work.chmod(0o755)
    try:
        yield work
        if target.exists():
            old = Path(tempfile.mkdtemp(prefix=f".{target.name}-old-", dir=target.parent))
            target.rename(old / target.name)
            work.rename(target)
            shutil.rmtree(old)
        else:
            work.rename(target)
    finally:
        shutil.rmtree(work, ignore_errors=True)
