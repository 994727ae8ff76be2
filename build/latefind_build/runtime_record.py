"""Runs in Pyodide under Node (:mod:`latefind_build.runtime_trim`): which modules the engine at work imports.

The engine boots, tokenises, searches, ranks and highlights on a small index of each tier, and meets every
kind of error; ``/pack/imports.json`` names what is to be imported besides. The names of all modules that were
imported by then, those of Pyodide's own start and of loading packages included, go to ``/pack/modules.json``.
"""

import sys

attempted: set[str] = set()
sys.addaudithook(lambda event, args: attempted.add(args[0]) if event == "import" else None)

import importlib  # noqa: E402 (what is imported from here on is to be seen)
import json  # noqa: E402
import traceback  # noqa: E402
import warnings  # noqa: E402
from collections.abc import Sequence  # noqa: E402
from pathlib import Path  # noqa: E402
from typing import Any  # noqa: E402

WORK = Path("/pack")
sys.path.insert(0, str(WORK / "package"))
sys.dont_write_bytecode = True

for name in json.loads((WORK / "imports.json").read_text()):
    importlib.import_module(name)

import numpy as np  # noqa: E402

from latefind import bridge  # noqa: E402

QUERY = "Größe: how can my flowers survive \U0001f33b without watering?"


def unit(rows: int, dimensions: int) -> bytes:
    """Any unit vectors do for the encoder's; NumPy's random numbers the engine never uses."""
    angles = np.arange(1.0, rows * dimensions + 1).reshape(rows, dimensions) ** 1.5
    vectors = np.sin(angles)
    unit_vectors = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    return bytes(unit_vectors.astype(np.float32).data)


def add(folder: Path, paths: Sequence[str]) -> None:
    """Hand parts to the engine."""
    for path in paths:
        answer(bridge.add_part(path, (folder / path).read_bytes()))


def answer(reply: str) -> Any:
    """Return what the bridge answers, which must not be a refusal."""
    result = json.loads(reply)
    if "error" in result:
        raise AssertionError(result)
    return result


def use(folder: Path, *sections: str) -> None:
    """Everything that a visitor may ask of one index."""
    manifest = (folder / "manifest.json").read_text("utf-8")
    dimensions = json.loads(manifest)["model"]["dimensions"]
    add(folder, answer(bridge.boot(manifest))["initial"])
    scored = answer(bridge.plan(QUERY))["scored"]
    vectors, rows = unit(len(scored), dimensions), json.dumps(scored)
    add(folder, answer(bridge.needs(vectors, rows, "[0, 1]"))["parts"])
    for filters in ({}, {"kind": ["a"]}):
        options = {"text": QUERY, "limit": 3, "filters": filters, "candidates": [0, 1]}
        if not answer(bridge.search(vectors, rows, json.dumps(options)))["results"]:
            raise AssertionError("the recorded run found nothing")
    for number in range(len(sections)):
        plan = answer(bridge.plan_passage(vectors, rows, number))["plan"]
        counted = plan["scored"] if plan else []
        passage = unit(len(counted), dimensions)
        answer(bridge.highlight(vectors, rows, QUERY, number, passage, json.dumps(counted)))
    names = json.dumps([[name] for name in (*sections, "nowhere")])
    while parts := answer(bridge.rank_needs(names))["parts"]:
        add(folder, parts)
    answer(bridge.rank(vectors, rows, names))


def fail(folder: Path) -> None:
    """Refusals, bugs and warnings, each put into words."""
    manifest = (folder / "manifest.json").read_text("utf-8")
    for text in ("", "[]", '{"format": 99}', manifest.replace('"sha256"', '"sha"')):
        json.loads(bridge.boot(text))
    bridge.boot(manifest)
    for part in json.loads(manifest)["parts"]:
        bridge.add_part(part["path"], b"damaged")
    bridge.plan("before its parts are there")
    for broken in (lambda: bridge.rank_needs("no JSON"), lambda: np.zeros(2) @ np.zeros(3), lambda: 1 / 0):
        try:
            broken()
        except Exception as error:
            traceback.format_exc()
            traceback.print_exc(file=(WORK / "traceback.txt").open("w"))
            repr(error)
    with warnings.catch_warnings(record=True):
        warnings.simplefilter("always")
        np.log(np.zeros(1))
        warnings.warn("of the recorded run", DeprecationWarning, stacklevel=1)
    warnings.showwarning("of the recorded run", UserWarning, "nowhere", 1, (WORK / "warning.txt").open("w"))
    repr(np.arange(4.0)), str(np.dtype([("a", "<f4")])), np.array2string(np.eye(2, dtype=np.int8))


SECTIONS = json.loads((WORK / "sections.json").read_text())
for tier in ("small", "large"):
    use(WORK / tier, *SECTIONS)
fail(WORK / "small")
names = sorted({*sys.modules, *attempted} - {"__main__"})
(WORK / "modules.json").write_text(json.dumps(names))
