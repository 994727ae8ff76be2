"""Python for the browser, made small: compiled by itself, and without what the engine never imports.

Three steps, the first and the last in the very Pyodide that a visitor gets, under Node:

1. **record**: the engine works on a small index (:mod:`latefind_build.runtime_record`); every module that is
   imported from the start on is kept, and those in :data:`SAFETY`;
2. **trim**: what is kept is taken out of the standard library and out of NumPy's wheel;
3. **compile**: Python sources become bytecode (:mod:`latefind_build.runtime_compile`), ours too.

Nothing is listed by hand that could grow stale: packing again records again. The same files give the same
bytes; archives are stored, since what deflating gives depends on the version of zlib.
"""

import hashlib
import json
import os
import shutil
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from latefind.errors import RuntimeFilesError
from latefind.manifest import Manifest
from latefind.passages import Section
from latefind_build.archives import read_archive, write_archive, write_wheel
from latefind_build.browser_modules import BrowserModules, browser_modules
from latefind_build.bundle import open_bundle
from latefind_build.files import write_part
from latefind_build.index import IndexOptions, build_index

HERE = Path(__file__).parent
NODE_SECONDS = 300

STDLIB = "python_stdlib.zip"
BUILD = "1latefind"
"""Build tag of the wheel that we make of NumPy's."""

SAFETY = {
    "errors, put into words where one happens": (
        "traceback",
        "linecache",
        "tokenize",
        "token",
        "textwrap",
        "keyword",
        "_colorize",
        "warnings",
        "_py_warnings",
    ),
    "encodings, found by the name that data or a caller gives": (
        "encodings.ascii",
        "encodings.latin_1",
        "encodings.raw_unicode_escape",
        "encodings.unicode_escape",
        "encodings.utf_8",
        "encodings.utf_8_sig",
        "encodings.utf_16",
        "encodings.utf_16_be",
        "encodings.utf_16_le",
        "encodings.utf_32",
        "encodings.utf_32_be",
        "encodings.utf_32_le",
    ),
    "Pyodide's side of JavaScript: loadPackage fails without importlib.metadata": (
        "importlib.metadata",
        "pyodide._package_loader",
        "pyodide._run_js",
        "pyodide.code",
        "pyodide.common",
        "pyodide.ffi",
        "pyodide.ffi.wrappers",
        "pyodide.webloop",
    ),
    "what NumPy's C code imports at first use": (
        "numpy._core._dtype",
        "numpy._core._exceptions",
        "numpy._core._internal",
        "numpy._core._methods",
        "numpy._core._ufunc_config",
        "numpy._core.arrayprint",
        "numpy._core.printoptions",
    ),
    "modules of every other program": (
        "base64",
        "bisect",
        "copy",
        "datetime",
        "hashlib",
        "heapq",
        "json",
        "random",
        "re",
        "string",
        "struct",
        "time",
    ),
}
"""Kept although a recorded run need not import it: what only an unlucky moment does."""


@dataclass(frozen=True, slots=True)
class SmallPython:
    """What :func:`shrink_python` makes.

    Attributes
    ----------
    stdlib, numpy : bytes
        The archives, stored.
    wheel_name : str
        File name of NumPy's wheel, which a build tag sets apart from the unmodified one.
    latefind : mapping
        Bytecode of our modules, by file name.
    facts : mapping
        ``sources``: SHA-256 of the source of each of these modules; ``dropped``: names of the modules of the
        standard library and of NumPy that are no more.
    """

    stdlib: bytes
    numpy: bytes
    wheel_name: str
    latefind: Mapping[str, bytes]
    facts: Mapping[str, object]


def shrink_python(pyodide: Path, numpy_wheel: str) -> SmallPython:
    """Make the small Python out of the unmodified files in the folder ``pyodide``.

    Raises
    ------
    RuntimeFilesError
        Node is missing, or what runs there fails; the message has its last words.
    """
    stdlib = read_archive((pyodide / STDLIB).read_bytes())
    numpy = read_archive((pyodide / numpy_wheel).read_bytes())
    ours = browser_modules()
    known = {_module_of(name) for name in (*stdlib, *numpy)} - {""}
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        _prepare_record(work, ours, known)
        run_in_pyodide(pyodide, work, HERE / "runtime_record.py", "numpy")
        kept = _kept(json.loads((work / "modules.json").read_text("utf-8")), known)
        stdlib = {name: data for name, data in stdlib.items() if _module_of(name) in kept}
        numpy = {name: data for name, data in numpy.items() if _stays(name, kept)}
        compiled = _compile(pyodide, work, stdlib, numpy, ours)
    info = next(name.split("/")[0] for name in numpy if name.endswith(".dist-info/METADATA"))
    numpy = _replaced(numpy, compiled["site"])
    numpy[f"{info}/WHEEL"] = numpy[f"{info}/WHEEL"].rstrip() + f"\nBuild: {BUILD}\n".encode()
    return SmallPython(
        write_archive(_replaced(stdlib, compiled["stdlib"]), stored=True),
        write_wheel(numpy, info, stored=True),
        "-".join((*numpy_wheel.split("-")[:2], BUILD, *numpy_wheel.split("-")[2:])),
        {f"{name}c": compiled["site"][f"latefind/{name}"] for name in ours.sources},
        {
            "sources": {name: hashlib.sha256(data).hexdigest() for name, data in ours.sources.items()},
            "dropped": sorted(known - kept),
        },
    )


def _module_of(name: str) -> str:
    """Return the module that a file of an archive is, nothing where it is none."""
    folder, _, file = name.rpartition("/")
    stem, _, suffix = file.partition(".")
    if not suffix.endswith(("py", "so")) or ".dist-info" in folder:
        return ""
    parts = [part for part in folder.split("/") if part]
    return ".".join(parts if stem == "__init__" else [*parts, stem])


def _stays(name: str, kept: set[str]) -> bool:
    """Say whether a file of NumPy's wheel is kept: modules that are, and what a wheel and licences need."""
    info = ".dist-info/" in name and not name.endswith("entry_points.txt")
    return info or _module_of(name) in kept


def _kept(recorded: Sequence[str], known: set[str]) -> set[str]:
    safe = {name for names in SAFETY.values() for name in names}
    wanted = {".".join(name.split(".")[:end]) for name in (*recorded, *safe) for end in range(1, 9)}
    return wanted & known


def _prepare_record(work: Path, ours: BrowserModules, known: set[str]) -> None:
    """Write what the recorded run needs: our package, a small index of each tier, what is to be imported."""
    package = work / "package" / "latefind"
    package.mkdir(parents=True)
    for name, source in ours.sources.items():
        (package / name).write_bytes(source)
    named = {name for names in ours.imports.values() for name in names}
    modules = [f"latefind.{Path(name).stem}" for name in ours.sources if name != "__init__.py"]
    (work / "imports.json").write_text(json.dumps(sorted(named & known) + modules), "utf-8")
    (work / "sections.json").write_text(json.dumps([section.id for section in _SECTIONS]), "utf-8")
    bundle = open_bundle()
    for tier in ("small", "large"):
        folder = work / tier
        (folder / "index").mkdir(parents=True)
        index = build_index(_SECTIONS, bundle, folder, IndexOptions(tier=tier))
        parts = [
            write_part(folder, "tokenizer", "model/tokenizer.json", bundle.tokenizer.read_bytes()),
            write_part(folder, "settings", "model/latefind.json", bundle.settings),
        ]
        manifest = Manifest(
            generator="latefind",
            base="",
            languages=index.languages,
            tier=index.tier,
            model={"name": bundle.spec.name, "dimensions": bundle.spec.dimensions},
            counts={"sections": index.sections, "passages": index.passages, "vectors": index.vectors},
            parts=[*parts, *index.parts],
        )
        (folder / "manifest.json").write_bytes(manifest.to_bytes())


_SECTIONS = [
    Section("a", "a", "Reservoirs", "A hidden tank lets roots drink for two weeks.", ["Garden"], "en"),
    Section("b", "b", "Schnecken", "Kupferband hält Größeres fern; naïve 天地玄黄 \U0001f33b.", lang="de"),
    Section("c", "c", "os.path.join", "Joins: os.path.join(\"a\", 'b'), 3.14!", filters={"kind": ["a"]}),
]
"""What the recorded run searches."""


def _compile(
    pyodide: Path,
    work: Path,
    stdlib: Mapping[str, bytes],
    numpy: Mapping[str, bytes],
    ours: BrowserModules,
) -> Mapping[str, Mapping[str, bytes]]:
    """Return the bytecode of every source by place and by the source's name."""
    own = {f"latefind/{name}": source for name, source in ours.sources.items()}
    places = {"stdlib": stdlib, "site": {**numpy, **own}}
    sources = {
        place: {name: data for name, data in files.items() if name.endswith(".py")}
        for place, files in places.items()
    }
    for place, files in sources.items():
        for name, data in files.items():
            target = work / "sources" / place / name
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(data)
    run_in_pyodide(pyodide, work, HERE / "runtime_compile.py")
    return {
        place: {name: (work / "compiled" / place / f"{name}c").read_bytes() for name in files}
        for place, files in sources.items()
    }


def _replaced(files: Mapping[str, bytes], compiled: Mapping[str, bytes]) -> dict[str, bytes]:
    """Return ``files`` with bytecode in the place of sources."""
    return {
        f"{name}c" if name in compiled else name: compiled.get(name, data) for name, data in files.items()
    }


def run_in_pyodide(pyodide: Path, work: Path, script: Path, *packages: str) -> None:
    """Run ``script`` in Pyodide under Node with ``work`` at /pack."""
    node = shutil.which("node")
    if node is None:
        raise RuntimeFilesError.expected("node", "Node 20 or newer", "none on the PATH", "Install Node.")
    command = [node, str(HERE / "runtime_pyodide.mjs"), str(pyodide), str(work), str(script), *packages]
    done = subprocess.run(  # noqa: S603
        command, capture_output=True, text=True, timeout=NODE_SECONDS, check=False, env=dict(os.environ)
    )
    if done.returncode:
        raise RuntimeFilesError.expected(
            script.name, "to run in Pyodide", f"exit code {done.returncode}:\n{done.stderr[-2000:]}"
        )
