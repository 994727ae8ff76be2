"""A latefind folder with only the page's modules, stemmers and a word index: for tests of that tier."""

import base64
import json
import os
import shutil
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from latefind.lexical import LexicalIndex
from latefind.passages import Section
from latefind_build import lexical, lexical_files
from latefind_build.files import write_part
from latefind_build.lexical_files import cut_evenly
from latefind_build.paths import web_dir
from latefind_build.runtime import packed_runtime

RUNNER = Path(__file__).parent / "run_lexical.mjs"


def write_lexical_folder(
    folder: Path, sections: Sequence[Section], shrink: float = 1, brings_root: bool = False
) -> Path:
    """Write the folder and return it.

    ``shrink`` makes the index one of as many files as a site that is so many times as large has; with
    ``brings_root`` the manifest brings the root along, as a build has it.
    """

    def cut(costs: Sequence[float], size: float, most: int) -> Iterator[tuple[int, int]]:
        return cut_evenly(costs, size / shrink, most)  # type: ignore[arg-type]

    folder.mkdir(parents=True)
    for path in web_dir().glob("*.js"):
        shutil.copy(path, folder)
    shutil.copytree(packed_runtime() / "stem", folder / "stem")
    # Of the host's files, Node takes those for modules that say so.
    (folder / "package.json").write_text('{"type": "module"}')
    with pytest.MonkeyPatch.context() as patch:
        for module in (lexical, lexical_files):
            patch.setattr(
                module, "cut_evenly", lambda costs, size, most: cut_evenly(costs, size / shrink, most)
            )
        files = lexical.build_lexical(sections, ["en"])
    root = write_part(folder, "lexical", "index/lexical.bin", files.root)
    for name, data in files.others.items():
        (folder / "index" / name).write_bytes(data)
    part = {"role": root.role, "path": root.path, "bytes": root.size, "sha256": root.sha256}
    if brings_root:
        part["data"] = base64.b64encode(files.root).decode("ascii")
    (folder / "manifest.json").write_text(json.dumps({"base": "../", "parts": [part]}))
    return folder


def open_natively(folder: Path) -> LexicalIndex:
    """Open the folder's word index in Python."""
    [part] = json.loads((folder / "manifest.json").read_text("utf-8"))["parts"]
    index = folder / "index"
    return LexicalIndex.open((folder / part["path"]).read_bytes(), lambda name: (index / name).read_bytes())


def run_lexical(folder: Path, jobs: Sequence[Mapping[str, Any]], crypto: bool = True) -> list[Any]:
    """Run jobs of ``run_lexical.mjs`` under Node; without ``crypto`` no file is held against its hash."""
    environment = os.environ | ({} if crypto else {"WITHOUT_CRYPTO": "1"})
    done = subprocess.run(
        ["node", str(RUNNER), str(folder)],
        input=json.dumps(jobs),
        capture_output=True,
        text=True,
        check=True,
        env=environment,
    )
    assert done.stderr == ""
    answers: list[Any] = json.loads(done.stdout)
    return answers
