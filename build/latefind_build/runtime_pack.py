"""Packs the browser's runtime: Pyodide, NumPy for it, onnxruntime-web and stemmers; ``make runtime``.

``python -m latefind_build.runtime_pack`` takes them from npm's folder and from where
:mod:`latefind_build.runtime` finds the rest, has Python made small (:mod:`latefind_build.runtime_trim`), and
writes, byte for byte the same each time::

    runtime.json      versions
    python.json       our sources that are compiled, modules that are left out: see SmallPython.facts
    pyodide/          Pyodide's files, NumPy's wheel and a lock of just NumPy; archives are stored
    latefind/         bytecode of our package
    onnxruntime/      the WebAssembly build
    stem/             stemmers
"""

import argparse
import hashlib
import json
import os
import shutil
import sys
from collections.abc import Mapping
from pathlib import Path

from latefind.errors import LatefindError, RuntimeFilesError
from latefind_build.files import replaced_folder
from latefind_build.progress import say
from latefind_build.runtime import FACTS, LOCK, MARKER, PACKED, Wheel, find_stemmers, find_wheel
from latefind_build.runtime_trim import STDLIB, shrink_python
from latefind_build.stem_modules import SNOWBALL, stemmer_files

MODULE = "pyodide.asm.mjs"
PYODIDE_FILES = ("pyodide.mjs", MODULE, "pyodide.asm.wasm", STDLIB)
_GET_MEMORY = "var getMemory=size=>{"
ORT_FILES = ("ort.wasm.bundle.min.mjs", "ort-wasm-simd-threaded.wasm")


def pack_runtime(node_modules: Path, output: Path, wheels: Path | None = None) -> None:
    """Pack what the browser needs, from npm's folder and other sources, into ``output``."""
    ort = node_modules / "onnxruntime-web"
    with replaced_folder(output, MARKER) as work:
        for name in ORT_FILES:
            _copy(ort / "dist" / name, work / "onnxruntime" / name)
        (work / "stem").mkdir()
        for name, data in stemmer_files(find_stemmers(wheels)).items():
            (work / "stem" / name).write_bytes(data)
        wheel = _place_pyodide(node_modules / "pyodide", work / "pyodide", wheels)
        _shrink(work, wheel.file_name)
        versions = {
            "pyodide": wheel.pyodide,
            "numpy": wheel.numpy,
            "snowball": SNOWBALL,
            "onnxruntime-web": json.loads((ort / "package.json").read_text("utf-8"))["version"],
        }
        _write_json(work / MARKER, versions)


def _place_pyodide(pyodide: Path, folder: Path, wheels: Path | None) -> Wheel:
    """Write Pyodide and NumPy as they are to ``folder``, with a lock of just NumPy."""
    for name in PYODIDE_FILES:
        _copy(pyodide / name, folder / name)
    # Read as plain JSON: pyodide-lock 0.1.2 refuses the lock of Pyodide 314, which has no info.version.
    lock = json.loads((pyodide / LOCK).read_text("utf-8"))
    version = json.loads((pyodide / "package.json").read_text("utf-8"))["version"]
    numpy = lock["packages"]["numpy"]
    wheel = Wheel(numpy["file_name"], numpy["sha256"], numpy["version"], version)
    (folder / wheel.file_name).write_bytes(find_wheel(wheel, wheels))
    _write_json(folder / LOCK, {"info": lock["info"], "packages": {"numpy": numpy}})
    return wheel


def _shrink(work: Path, wheel: str) -> None:
    """Put the small Python in the place of the whole one."""
    say("Compiling Python for the browser …")
    folder = work / "pyodide"
    small = shrink_python(folder, wheel)
    _let_place(folder / MODULE)
    (folder / wheel).unlink()
    lock = json.loads((folder / LOCK).read_text("utf-8"))
    lock["packages"]["numpy"] |= {
        "file_name": small.wheel_name,
        "sha256": hashlib.sha256(small.numpy).hexdigest(),
    }
    _write_json(folder / LOCK, lock)
    (folder / small.wheel_name).write_bytes(small.numpy)
    (folder / STDLIB).write_bytes(small.stdlib)
    (work / "latefind").mkdir()
    for name, data in small.latefind.items():
        (work / "latefind" / name).write_bytes(data)
    _write_json(work / FACTS, small.facts)


def _let_place(module: Path) -> None:
    """Let a caller say where the data of the next library go; the one place of Pyodide that is changed.

    ``web/snapshot.js`` loads libraries again to the addresses that they had.
    """
    text = module.read_text("utf-8")
    if text.count(_GET_MEMORY) != 1:
        raise RuntimeFilesError.expected(
            module, f"one {_GET_MEMORY!r}", f"{text.count(_GET_MEMORY)}", "Adapt it to this Pyodide."
        )
    hook = 'if(Module["placeLibrary"])return Module["placeLibrary"](size);'
    module.write_text(text.replace(_GET_MEMORY, _GET_MEMORY + hook), "utf-8", newline="\n")


def _write_json(path: Path, value: Mapping[str, object]) -> None:
    path.write_text(json.dumps(value, indent=1) + "\n", "utf-8")


def _copy(source: Path, target: Path) -> None:
    if not source.is_file():
        raise RuntimeFilesError.expected(
            source, "a file of the npm package", "nothing", "Run `npm ci` in web/."
        )
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(source, target)


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
