"""The small Python that visitors get: the same bytes each time, and the whole engine runs on it."""

import hashlib
import json
import shutil
import subprocess
import zipfile
from pathlib import Path
from typing import Any

import bpe_tokenizers
import pytest
import tokenizer_oracle
import unigram_tokenizers
from small_site import QUERIES
from tokenizer_texts import STRESS

from latefind_build import runtime_trim
from latefind_build.browser_python import pyodide_files
from latefind_build.native import NativeSearch
from latefind_build.runtime import FACTS, LOCK, cache_folder
from latefind_build.runtime_pack import pack_runtime

REPOSITORY = Path(__file__).parent.parent
NODE_MODULES = REPOSITORY / "web/node_modules"
WHEELS = cache_folder()
"""Where ``make runtime`` keeps NumPy's wheel; found before the tests are given a cache of their own."""


@pytest.fixture(scope="module")
def packed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The runtime, packed from the sources as they are now."""
    folder = tmp_path_factory.mktemp("packed") / "runtime"
    pack_runtime(NODE_MODULES, folder, WHEELS)
    return folder


@pytest.fixture(scope="module")
def visited(packed: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Pyodide's folder as a site has it."""
    folder = tmp_path_factory.mktemp("visited")
    for name, data in pyodide_files(packed).items():
        (folder / name).write_bytes(data)
    return folder


def files_of(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def run(visited: Path, work: Path, script: str, *packages: str) -> Any:
    """Run ``script`` in Pyodide with ``work`` at /pack; return what it left in /pack/answer.json."""
    (work / "script.py").write_text(script, "utf-8")
    runner = Path(runtime_trim.__file__).parent / "runtime_pyodide.mjs"
    command = ["node", str(runner), str(visited), str(work), str(work / "script.py"), *packages]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    return json.loads((work / "answer.json").read_text("utf-8"))


def test_packing_twice_gives_the_same_bytes(packed: Path, tmp_path: Path) -> None:
    pack_runtime(NODE_MODULES, tmp_path / "again", WHEELS)
    first, second = files_of(packed), files_of(tmp_path / "again")
    assert first.keys() == second.keys()
    assert [name for name in first if first[name] != second[name]] == []


def test_engine_needs_no_masked_arrays(packed: Path) -> None:
    """A twentieth of NumPy, which `np.unique` and what is built on it would import."""
    assert "numpy.ma" in json.loads((packed / FACTS).read_text("utf-8"))["dropped"]


def test_packed_files_name_no_place_of_this_machine(packed: Path) -> None:
    archives = [path for path in (packed / "pyodide").iterdir() if path.suffix in (".zip", ".whl")]
    assert len(archives) == 2
    compiled = [path.read_bytes() for path in (packed / "latefind").iterdir()]
    for path in archives:
        with zipfile.ZipFile(path) as archive:
            compiled += [archive.read(name) for name in archive.namelist() if name.endswith(".pyc")]
    # Where the sources lie while they are compiled, and where we are.
    for place in (b"/pack/sources", str(REPOSITORY).encode(), b"/tmp/tmp"):
        assert not any(place in data for data in compiled)
    assert all(b"/lib/python3" in data for data in compiled)


def test_packed_archives_have_no_source_and_are_stored(packed: Path) -> None:
    for path in (packed / "pyodide").iterdir():
        if path.suffix in (".zip", ".whl"):
            with zipfile.ZipFile(path) as archive:
                assert {member.compress_type for member in archive.infolist()} == {zipfile.ZIP_STORED}
                assert [name for name in archive.namelist() if name.endswith(".py")] == []


def test_lock_of_the_packed_wheel_has_its_name_and_hash(packed: Path) -> None:
    entry = json.loads((packed / "pyodide" / LOCK).read_text("utf-8"))["packages"]["numpy"]
    data = (packed / "pyodide" / entry["file_name"]).read_bytes()
    assert hashlib.sha256(data).hexdigest() == entry["sha256"]


ENGINE = """
import json
from latefind import bridge

def answer(reply):
    return json.loads(reply)

def ask(folder, vectors, text, names):
    manifest = (folder / "manifest.json").read_text("utf-8")
    add = lambda paths: [answer(bridge.add_part(path, (folder / path).read_bytes())) for path in paths]
    add(answer(bridge.boot(manifest))["initial"])
    plan = answer(bridge.plan(text))
    rows = json.dumps([True] * plan["scored"].count(True))
    add(answer(bridge.needs(vectors, rows, "[0]"))["parts"])
    options = json.dumps({"text": text, "limit": 5, "filters": {}, "candidates": [0]})
    found = answer(bridge.search(vectors, rows, options))
    del found["timings"]
    tokens = [answer(bridge.plan_passage(vectors, rows, number)) for number in range(5)]
    while parts := answer(bridge.rank_needs(names))["parts"]:
        add(parts)
    return [plan, found, tokens, answer(bridge.rank(vectors, rows, names))]
"""


def close(one: Any, other: Any) -> None:
    """Assert that two JSON values are the same but for the last digits of numbers."""
    if isinstance(one, dict):
        assert one.keys() == other.keys()
        for key in one:
            close(one[key], other[key])
    elif isinstance(one, list):
        assert len(one) == len(other)
        for mine, theirs in zip(one, other, strict=True):
            close(mine, theirs)
    elif isinstance(one, float):
        assert one == pytest.approx(other, abs=1e-4)
    else:
        assert one == other


@pytest.mark.parametrize("tier", ["built_site", "large_site"])
def test_engine_answers_on_it_as_it_does_natively(
    tier: str, visited: Path, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    site: Path = request.getfixturevalue(tier)
    shutil.copytree(site / "latefind", tmp_path / "site")
    native = NativeSearch(site)
    texts = QUERIES[:3]
    for number, text in enumerate(texts):
        (tmp_path / f"{number}.f32").write_bytes(native.encode(text).astype("<f4").tobytes())
    names = json.dumps([["garden/#slugs"], ["kitchen.html#bread"], ["nowhere"]])
    (tmp_path / "input.json").write_text(json.dumps([texts, names]), "utf-8")
    every = f"""{ENGINE}
def all_of(work):
    texts, names = json.loads((work / "input.json").read_text())
    asked = [((work / f"{{number}}.f32").read_bytes(), text) for number, text in enumerate(texts)]
    return [ask(work / "site", vectors, text, names) for vectors, text in asked]
"""
    here: dict[str, Any] = {}
    exec(every, here)
    script = f"""{every}
from pathlib import Path
Path("/pack/answer.json").write_text(json.dumps(all_of(Path("/pack"))))
"""
    there = run(visited, tmp_path, script, "numpy", "latefind")
    close(here["all_of"](tmp_path), there)


TOKENIZE = """
import json
from latefind.tokenizer import Tokenizer

def tokenize(files, texts):
    made = [Tokenizer.from_json(file) for file in files]
    return [[[e.ids, [list(pair) for pair in e.offsets]] for e in map(t.encode, texts)] for t in made]
"""


def test_every_kind_of_tokenizer_runs_on_it(visited: Path, tmp_path: Path) -> None:
    files = [shape.text_of(name) for shape in (bpe_tokenizers, unigram_tokenizers) for name in shape.SHAPES]
    files.append(tokenizer_oracle.SHIPPED.read_text("utf-8"))
    texts = list(STRESS.values())
    (tmp_path / "input.json").write_text(json.dumps([files, texts]), "utf-8")
    script = f"""{TOKENIZE}
from pathlib import Path
found = tokenize(*json.loads(Path("/pack/input.json").read_text()))
Path("/pack/answer.json").write_text(json.dumps(found))
"""
    here: dict[str, Any] = {}
    exec(TOKENIZE, here)
    assert run(visited, tmp_path, script, "numpy", "latefind") == here["tokenize"](files, texts)


def test_every_module_of_ours_imports_on_it_and_wants_none_that_is_gone(
    packed: Path, visited: Path, tmp_path: Path
) -> None:
    facts = json.loads((packed / FACTS).read_text("utf-8"))
    modules = [f"latefind.{name.removesuffix('.py')}" for name in facts["sources"] if name != "__init__.py"]
    script = f"""
import sys
attempted = set()
sys.addaudithook(lambda event, args: attempted.add(args[0]) if event == "import" else None)
import importlib, json
from pathlib import Path
for name in {modules!r}:
    importlib.import_module(name)
Path("/pack/answer.json").write_text(json.dumps(sorted({{*sys.modules, *attempted}})))
"""
    wanted = set(run(visited, tmp_path, script, "numpy", "latefind"))
    assert wanted & set(facts["dropped"]) == set()
    assert set(modules) <= wanted


def test_module_that_is_missing_is_an_error_of_the_run(visited: Path, tmp_path: Path) -> None:
    """What makes the tests above mean something."""
    with pytest.raises(AssertionError, match=r"No module named 'numpy\.random'"):
        run(visited, tmp_path, "import numpy; numpy.random.default_rng(1)", "numpy")


def test_packing_without_node_says_what_is_missing(packed: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    with pytest.raises(runtime_trim.RuntimeFilesError, match="node: expected Node 20 or newer"):
        runtime_trim.run_in_pyodide(packed / "pyodide", packed, packed / "script.py")
