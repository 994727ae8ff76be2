"""A latefind folder with nothing but the page's modules, stemmers and a word index: for tests of that tier."""

import json
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from latefind.passages import Section
from latefind_build.files import write_part
from latefind_build.lexical import build_lexical
from latefind_build.paths import web_dir
from latefind_build.runtime import packed_runtime

RUNNER = Path(__file__).parent / "run_lexical.mjs"


def write_lexical_folder(
    folder: Path, sections: Sequence[Section], languages: Sequence[str] = ("en",)
) -> Path:
    """Write the folder and return it; what semantic search needs is only named."""
    folder.mkdir(parents=True)
    for path in web_dir().glob("*.js"):
        shutil.copy(path, folder)
    shutil.copytree(packed_runtime() / "stem", folder / "stem")
    # Of the host's files, Node takes those for modules that say so.
    (folder / "package.json").write_text('{"type": "module"}')
    files = build_lexical(sections, languages)
    root = write_part(folder, "lexical", "index/lexical.bin", files.root)
    for name, data in files.others.items():
        (folder / "index" / name).write_bytes(data)
    part = {"role": root.role, "path": root.path, "bytes": root.size, "sha256": root.sha256}
    (folder / "manifest.json").write_text(json.dumps({"base": "../", "parts": [part]}))
    return folder


def run_lexical(folder: Path, jobs: Sequence[Mapping[str, Any]]) -> list[Any]:
    """Run jobs of ``run_lexical.mjs`` under Node."""
    done = subprocess.run(
        ["node", str(RUNNER), str(folder)], input=json.dumps(jobs), capture_output=True, text=True, check=True
    )
    assert done.stderr == ""
    answers: list[Any] = json.loads(done.stdout)
    return answers
