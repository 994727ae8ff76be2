"""Pyodide's files as a site gets them: the packed runtime, with our own package and all data in one file.

The package is the one that is installed, so that the browser runs the very code that built the index. A
module comes as the bytecode that was packed with the runtime where that was made from this very source, and
as the source elsewhere, which runs the same and starts later. So neither Node nor a new packing is needed.
"""

import gzip
import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import latefind
from latefind.errors import RuntimeFilesError
from latefind_build.archives import read_archive, write_archive, write_wheel
from latefind_build.browser_modules import BrowserModules, browser_modules
from latefind_build.runtime import FACTS, LOCK

TAG = "cp314-none-any"
"""Of our wheel: bytecode is that of one version of Python."""

ARCHIVE = "python"
"""Name of the archive with everything that Python reads; its suffix says how it is stored."""

PACKAGES = "site-packages/"
"""Where the archive has what is in the wheels."""


def visitor_files(runtime: Path, *, stored: bool = False) -> dict[str, bytes]:
    """Return by name the files that a visitor loads for Python: its code, and one archive of all the rest.

    The archive is a zip of the standard library, the lock and what is in the wheels. Its members are stored:
    the worker places them without Python, and the whole compresses better than each member by itself.

    Parameters
    ----------
    runtime : Path
        The packed runtime.
    stored : bool
        The archive as it is, for hosts that compress it on the way, instead of in gzip. Then it is not
        called ``.gz``, for which some hosts declare an encoding that a browser would take off.
    """
    files = pyodide_files(runtime)
    code = {name: data for name, data in files.items() if name.endswith((".mjs", ".wasm"))}
    members: dict[str, bytes] = {}
    for name in files.keys() - code.keys():
        if name.endswith(".whl"):
            members |= {PACKAGES + path: data for path, data in read_archive(files[name]).items()}
        else:
            members[name] = files[name]
    archive = write_archive(members, stored=True)
    if stored:
        return code | {f"{ARCHIVE}.zip": archive}
    return code | {f"{ARCHIVE}.bin": gzip.compress(archive, 9, mtime=0)}


def pyodide_files(runtime: Path) -> dict[str, bytes]:
    """Return Pyodide's files by name, with our package as a wheel and in the lock."""
    files = {path.name: path.read_bytes() for path in sorted((runtime / "pyodide").iterdir())}
    lock: dict[str, Any] = json.loads(files[LOCK])
    name, wheel = browser_wheel(runtime)
    files[name] = wheel
    lock["packages"]["latefind"] = {
        "depends": ["numpy"],
        "file_name": name,
        "imports": ["latefind"],
        "install_dir": "site",
        "name": "latefind",
        "package_type": "package",
        "unvendored_tests": False,
        "version": latefind.__version__,
    }
    for package in lock["packages"].values():
        package["sha256"] = hashlib.sha256(files[package["file_name"]]).hexdigest()
    return files | {LOCK: json.dumps(lock, indent=1).encode("utf-8")}


def browser_wheel(runtime: Path) -> tuple[str, bytes]:
    """Return file name and bytes of a wheel of ``latefind`` without the builder and what only that imports.

    Raises
    ------
    RuntimeFilesError
        A module imports what the packed runtime has no more: it has changed since.
    """
    modules = browser_modules()
    facts = json.loads((runtime / FACTS).read_text("utf-8"))
    _check_imports(modules, frozenset(facts["dropped"]))
    info = f"latefind-{latefind.__version__}.dist-info"
    members = dict(
        _place(name, source, facts["sources"], runtime) for name, source in modules.sources.items()
    )
    members[f"{info}/METADATA"] = (
        f"Metadata-Version: 2.1\nName: latefind\nVersion: {latefind.__version__}\nRequires-Dist: numpy\n"
    ).encode()
    members[f"{info}/WHEEL"] = (
        f"Wheel-Version: 1.0\nGenerator: latefind\nRoot-Is-Purelib: true\nTag: {TAG}\n"
    ).encode()
    return f"latefind-{latefind.__version__}-{TAG}.whl", write_wheel(members, info, stored=True)


def _place(name: str, source: bytes, compiled: Mapping[str, str], runtime: Path) -> tuple[str, bytes]:
    """Return name and bytes of a module in the wheel."""
    if compiled.get(name) == hashlib.sha256(source).hexdigest():
        return f"latefind/{name}c", (runtime / "latefind" / f"{name}c").read_bytes()
    return f"latefind/{name}", source


def _check_imports(modules: BrowserModules, dropped: frozenset[str]) -> None:
    for name, imports in modules.imports.items():
        if missing := sorted(imports & dropped):
            raise RuntimeFilesError.expected(
                f"latefind/{name}",
                "imports of modules that the packed runtime has",
                ", ".join(missing),
                "It has changed since packing: run `make runtime`.",
            )
