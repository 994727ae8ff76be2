"""The shared package inside the very Pyodide that a visitor gets: same files read, same files refused."""

import json
import subprocess
from pathlib import Path

import numpy as np
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
    assert done.returncode == 0, done.stderr[-2000:]
    result: dict[str, object] = json.loads(done.stdout.splitlines()[-1])
    return result


def test_pyodide_reads_and_writes_the_golden_files(tmp_path: Path) -> None:
    script = """
import json
from format_examples import *
from latefind.format import read_shard
from latefind.format_tables import read_codec, read_names, read_summary
same = {name: (GOLDEN / name).read_bytes() == data for name, data in FILES.items()}
print(json.dumps({
    "same": same,
    "residuals": read_shard((GOLDEN / "shard.bin").read_bytes()).residuals.tolist(),
    "centroids": read_codec((GOLDEN / "codec.bin").read_bytes()).centroids.tolist(),
    "summary": read_summary((GOLDEN / "summary.bin").read_bytes()).codes.tolist(),
    "found": read_names((GOLDEN / "names.bin").read_bytes()).find("c"),
}))
"""
    assert run_in_pyodide(tmp_path, script) == {
        "same": dict.fromkeys(["codec.bin", "shard.bin", "summary.bin", "names.bin"], True),
        "residuals": [[1, 2], [3, 255], [0, 9]],
        "centroids": [[1, -2, 3, -4], [127, -127, 0, 5]],
        "summary": [[0, 1, 1], [1, 1, 0]],
        "found": 1,
    }


def test_pyodide_refuses_every_malformed_file(tmp_path: Path) -> None:
    script = """
import json
from format_examples import *
from latefind.errors import FormatError
from latefind.format import read_shard
from latefind.format_tables import read_codec, read_names, read_summary
readers = {"shard.bin": read_shard, "codec.bin": read_codec}
readers |= {"summary.bin": read_summary, "names.bin": read_names}
outcome = {}
for what, (name, data, says) in MALFORMED.items():
    try:
        readers[name](data)
        outcome[what] = "was accepted"
    except FormatError as error:
        if says not in str(error):
            outcome[what] = str(error)
print(json.dumps(outcome))
"""
    assert run_in_pyodide(tmp_path, script) == {}


UNIT = """
import random
import numpy as np

def unit(rng, count, width):
    vectors = np.array([rng.gauss() for _ in range(count * width)], np.float32).reshape(count, width)
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
"""
"""Unit vectors without NumPy's random numbers, which the browser's NumPy has not."""

KERNEL = f"""
{UNIT}
from latefind.codec import Codec, encode_vectors
from latefind.kernels import prepare_query, score_passages, top

rng = random.Random(3)
codec = Codec(
    np.rint(unit(rng, 256, 128) * 127).astype(np.int8),
    1 / 127,
    np.frombuffer(rng.randbytes(16 * 256 * 8), np.int8).reshape(16, 256, 8),
    np.full(16, 0.002, np.float32),
    np.linspace(0.5, 2, 16, dtype=np.float32),
)
codes, residuals = encode_vectors(codec, unit(rng, 3000, 128))
lengths = np.full(300, 10, np.uint32)
order, scores = [], []
for _ in range(200):
    found = score_passages(prepare_query(unit(rng, 12, 128), codec), codes, residuals, lengths)
    best = top(found, 10)
    order.append(best.tolist())
    scores.append(found[best].tolist())
"""


def test_pyodide_gives_cpythons_order_and_scores_on_200_queries(tmp_path: Path) -> None:
    here: dict[str, list[list[float]]] = {}
    exec(KERNEL, here)
    print_both = 'print(json.dumps({"order": order, "scores": scores}))'
    there = run_in_pyodide(tmp_path, f"import json{KERNEL}{print_both}")
    assert there["order"] == here["order"]
    np.testing.assert_allclose(there["scores"], here["scores"], atol=1e-4)


HIGHLIGHTS = f"""
{UNIT}
from latefind.highlight import Passage, find_words, highlight_passage

TEXT = "Garden. Copper tape keeps molluscs away; \U0001d4b3 traps, well-known, catch them. 天地玄黄。" * 9
QUERY = "stop snails 天 eating"

def tokens(text):
    spans = [(0, 0)]
    for start in range(0, len(text), 4):
        piece = text[start:start + 4]
        spans.append((start + len(piece) - len(piece.lstrip()), start + len(piece.rstrip())))
    return [span if span[0] < span[1] else (0, 0) for span in spans]

found = []
for seed in range(30):
    rng = random.Random(seed)
    query, passage = unit(rng, len(tokens(QUERY)), 16), unit(rng, len(tokens(TEXT)), 16)
    where = Passage(seed, TEXT, 8, tokens(TEXT), passage)
    weight = lambda word: len(word) % 4 / 3
    found.append(highlight_passage(query, find_words(QUERY, tokens(QUERY)), where, weight).to_json())
"""


def test_pyodide_marks_cpythons_words(tmp_path: Path) -> None:
    here: dict[str, list[dict[str, object]]] = {}
    exec(HIGHLIGHTS, here)
    there = run_in_pyodide(tmp_path, f'import json{HIGHLIGHTS}print(json.dumps({{"found": found}}))')["found"]
    for mine, theirs in zip(here["found"], there, strict=True):
        assert mine["snippet"] == theirs["snippet"]
        for field in ("highlights", "explanation"):
            for one, other in zip(mine[field], theirs[field], strict=True):
                assert one == pytest.approx(other, abs=2e-3)
    assert any(mine["highlights"] for mine in here["found"])
