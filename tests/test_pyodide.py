"""The shared package inside the very Pyodide that a visitor gets: same files read, same files refused."""

import json
import subprocess
from pathlib import Path

import pytest

from latefind_build.runtime import packed_runtime

TESTS = Path(__file__).parent


def run_in_pyodide(tmp_path: Path, script: str) -> dict[str, object]:
    """Run ``script``, which prints one JSON object as its last line, in Pyodide under Node."""
    path = tmp_path / "script.py"
    path.write_text(script, "utf-8")
    runner = TESTS / "run_in_pyodide.mjs"
    command = ["node", str(runner), str(packed_runtime() / "pyodide"), str(path)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr
    result: dict[str, object] = json.loads(done.stdout.splitlines()[-1])
    return result


def test_pyodide_reads_and_writes_the_golden_files(tmp_path: Path) -> None:
    script = """
import json
from format_examples import *
from latefind.format import read_sections, read_vectors
written = {"vectors.bin": write_vectors(SHARD), "sections.bin": write_sections(4, SECTIONS, 9, PASSAGES)}
same = {name: (GOLDEN / name).read_bytes() == data for name, data in written.items()}
codes = read_vectors((GOLDEN / "vectors.bin").read_bytes()).codes.tolist()
passages = read_sections((GOLDEN / "sections.bin").read_bytes()).passages.tolist()
print(json.dumps({"same": same, "codes": codes, "passages": passages}))
"""
    assert run_in_pyodide(tmp_path, script) == {
        "same": {"vectors.bin": True, "sections.bin": True},
        "codes": [[1, 2, 3], [-4, 5, -6], [127, -127, 0]],
        "passages": [[4, 0, 3], [4, 4, 10], [5, 0, 5]],
    }


def test_pyodide_refuses_every_malformed_file(tmp_path: Path) -> None:
    script = """
import json
from format_examples import *
from latefind.errors import FormatError
from latefind.format import read_sections, read_vectors
outcome = {}
for read, table in ((read_vectors, MALFORMED_VECTORS), (read_sections, MALFORMED_SECTIONS)):
    for name, (data, says) in table.items():
        try:
            read(data)
            outcome[name] = "was accepted"
        except FormatError as error:
            if says not in str(error):
                outcome[name] = str(error)
print(json.dumps(outcome))
"""
    assert run_in_pyodide(tmp_path, script) == {}


@pytest.mark.parametrize("seed", [1, 2])
def test_pyodide_scores_as_cpython_does(tmp_path: Path, seed: int) -> None:
    kernel = f"""
import json
import numpy as np
from latefind.format import quantize
from latefind.maxsim import maxsim
rng = np.random.default_rng({seed})
codes, scales = quantize(rng.normal(size=(500, 128)).astype(np.float32))
query = rng.normal(size=(32, 128)).astype(np.float32)
scores = maxsim(query, codes, scales, np.full(50, 10, np.uint32)).tolist()
"""
    here: dict[str, list[float]] = {}
    exec(kernel, here)
    there = run_in_pyodide(tmp_path, kernel + 'print(json.dumps({"scores": scores}))')["scores"]
    assert there == pytest.approx(here["scores"], rel=1e-5)
