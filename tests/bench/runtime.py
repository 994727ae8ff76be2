"""What the packed Python saves: bytes of its archives, and its start in a worker beside the unmodified one's.

``python tests/bench/runtime.py`` prints Markdown. It needs the packed runtime (``make runtime``), NumPy's
unmodified wheel, which packing keeps in its cache, and Chromium. Every variant starts once a round, one after
the other, in a worker of its own; all but the first round count, so that the WebAssembly comes compiled from
the browser's cache for all of them. Ratios are those of medians and of minima, in one run.
"""

import argparse
import gzip
import hashlib
import json
import tempfile
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import median

import brotli
from playwright.sync_api import Page

from latefind_build.archives import read_archive, write_archive, write_wheel
from latefind_build.browser_eval import open_chromium
from latefind_build.browser_modules import browser_modules
from latefind_build.browser_python import pyodide_files
from latefind_build.runtime import LOCK, cache_folder, packed_runtime
from latefind_build.serve import address, make_server

NODE_MODULES = Path(__file__).parents[2] / "web/node_modules/pyodide"
STAGES = ("loadPyodide", "loadPackage", "import numpy", "import latefind.bridge")

WORKER = """
self.addEventListener("unhandledrejection", ({ reason }) => self.postMessage(String(reason)));
self.onmessage = async ({ data: folder }) => {
  const times = [performance.now()];
  const lap = () => times.push(performance.now());
  const { loadPyodide } = await import(`${folder}pyodide.mjs`);
  const pyodide = await loadPyodide({ indexURL: folder });
  lap();
  await pyodide.loadPackage(["numpy", "latefind"], { messageCallback() {} });
  lap();
  pyodide.runPython("import numpy");
  lap();
  pyodide.runPython("import latefind.bridge");
  lap();
  self.postMessage(times.slice(1).map((time, index) => time - times[index]));
};
"""

START = """(folder) => new Promise((resolve, reject) => {
  const worker = new Worker("/worker.js", { type: "module" });
  worker.onerror = ({ message }) => reject(new Error(message));
  worker.onmessage = ({ data }) => { worker.terminate();
    typeof data === "string" ? reject(new Error(data)) : resolve(data);
  };
  worker.postMessage(folder);
})"""

Files = Mapping[str, bytes]


def unmodified() -> dict[str, bytes]:
    """Pyodide's files of npm and NumPy's wheel, with our package as sources."""
    lock = json.loads((NODE_MODULES / LOCK).read_text("utf-8"))
    numpy = lock["packages"]["numpy"]
    names = ("pyodide.mjs", "pyodide.asm.mjs", "pyodide.asm.wasm", "python_stdlib.zip")
    files = {name: (NODE_MODULES / name).read_bytes() for name in names}
    files[numpy["file_name"]] = (cache_folder() / numpy["file_name"]).read_bytes()
    return with_sources(files | {LOCK: json.dumps(lock | {"packages": {"numpy": numpy}}).encode()})


def with_sources(files: Files) -> dict[str, bytes]:
    """The same with the sources of our package instead of what there is of it."""
    made = pyodide_files(packed_runtime())
    entry = json.loads(made[LOCK])["packages"]["latefind"]
    members = {
        name: data for name, data in read_archive(made[entry["file_name"]]).items() if "dist-info" in name
    }
    members |= {f"latefind/{name}": source for name, source in browser_modules().sources.items()}
    info = next(name.split("/")[0] for name in members if "dist-info" in name)
    wheel = write_wheel(members, info, stored=False)
    lock = json.loads(files[LOCK])
    lock["packages"]["latefind"] = entry | {"sha256": hashlib.sha256(wheel).hexdigest()}
    return {**files, entry["file_name"]: wheel, LOCK: json.dumps(lock).encode()}


def variants() -> dict[str, dict[str, bytes]]:
    stored = pyodide_files(packed_runtime())
    return {
        "unmodified": unmodified(),
        "packed, deflated": deflated(stored),
        "packed, stored": stored,
        "packed, ours as sources": with_sources(stored),
    }


def deflated(files: Files) -> dict[str, bytes]:
    """The same with every file of an archive deflated by itself."""
    made = {
        name: write_archive(read_archive(data), stored=False) if name.endswith((".zip", ".whl")) else data
        for name, data in files.items()
    }
    lock = json.loads(made[LOCK])
    for package in lock["packages"].values():
        package["sha256"] = hashlib.sha256(made[package["file_name"]]).hexdigest()
    return made | {LOCK: json.dumps(lock).encode()}


def show_bytes(found: Mapping[str, Files]) -> None:
    print("| archive | raw | gzip 9 | brotli 9 | brotli 11 |\n|---|--:|--:|--:|--:|")
    for variant, files in found.items():
        for name, data in files.items():
            if name.endswith((".zip", ".whl")):
                sizes = [
                    len(data),
                    len(gzip.compress(data, 9)),
                    *(len(brotli.compress(data, quality=quality)) for quality in (9, 11)),
                ]
                label = f"{name.split('-')[0]}, {variant}"
                print(f"| {label} | " + " | ".join(f"{size / 1e6:.2f}" for size in sizes) + " |")


def measure(page: Page, names: Sequence[str], rounds: int) -> dict[str, list[list[float]]]:
    times: dict[str, list[list[float]]] = {name: [] for name in names}
    for number in range(rounds + 1):
        for index, name in enumerate(names):
            laps = page.evaluate(START, f"/{index}/")
            if number:
                times[name].append([*laps, sum(laps)])
    return times


def show_times(times: Mapping[str, Sequence[Sequence[float]]]) -> None:
    columns = (*STAGES, "together")
    print(f"\n| start, ms: median (minimum) | {' | '.join(columns)} |\n|---|{'--:|' * len(columns)}")
    for name, rows in times.items():
        cells = [f"{median(column):.0f} ({min(column):.0f})" for column in zip(*rows, strict=True)]
        print(f"| {name} | {' | '.join(cells)} |")
    base = list(next(iter(times.values())))
    for name, rows in list(times.items())[1:]:
        pairs = list(zip(zip(*rows, strict=True), zip(*base, strict=True), strict=True))
        cells = [f"{median(a) / median(b):.2f} ({min(a) / min(b):.2f})" for a, b in pairs]
        print(f"| {name}: of the first | {' | '.join(cells)} |")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--rounds", type=int, default=7, help="starts of each variant that count")
    parser.add_argument("--no-bytes", action="store_true", help="leave out the table of bytes")
    arguments = parser.parse_args()
    found = variants()
    if not arguments.no_bytes:
        show_bytes({name: files for name, files in found.items() if "sources" not in name})
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        for index, files in enumerate(found.values()):
            (root / str(index)).mkdir()
            for name, data in files.items():
                (root / str(index) / name).write_bytes(data)
        (root / "worker.js").write_text(WORKER)
        (root / "index.html").write_text("<!doctype html><title>start</title>")
        with make_server(root, 0) as server, open_chromium() as chromium:
            threading.Thread(target=server.serve_forever, daemon=True).start()
            page = chromium.new_page()
            page.goto(address(server))
            show_times(measure(page, list(found), arguments.rounds))
            server.shutdown()


if __name__ == "__main__":
    main()
