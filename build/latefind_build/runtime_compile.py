"""Runs in Pyodide under Node (:mod:`latefind_build.runtime_trim`): sources to bytecode of that very Python.

Each ``/pack/sources/PLACE/NAME.py`` becomes ``/pack/compiled/PLACE/NAME.pyc``. Nothing in it depends on the
machine or the day: the file name inside is the one that the module has in the browser, and the header has a
hash of the source, which Python is told not to look for. Docstrings and assertions are left out (-OO); the
lines of a traceback keep their numbers.
"""

import py_compile
from pathlib import Path

SOURCES, COMPILED = Path("/pack/sources"), Path("/pack/compiled")
PLACES = {"stdlib": "/lib/python314.zip", "site": "/lib/python3.14/site-packages"}

for place, folder in PLACES.items():
    for source in sorted((SOURCES / place).rglob("*.py")):
        name = source.relative_to(SOURCES / place)
        target = (COMPILED / place / name).with_suffix(".pyc")
        target.parent.mkdir(parents=True, exist_ok=True)
        py_compile.compile(
            str(source),
            str(target),
            f"{folder}/{name}",
            doraise=True,
            optimize=2,
            invalidation_mode=py_compile.PycInvalidationMode.UNCHECKED_HASH,
        )
