"""Joins the modules of ``web/`` into the few that are published; ``make code``.

``python -m latefind_build.code_pack`` has Rollup join the modules (``web/join.mjs``, which says into which),
leaves out JSDoc, makes one style of those that import others, and copies the strings. Byte for byte the same
each time. :mod:`latefind_build.modules` says what becomes of it.
"""

import argparse
import re
import subprocess
import sys
import tempfile
from pathlib import Path

from latefind.errors import LatefindError, RuntimeFilesError
from latefind_build.files import replaced_folder
from latefind_build.modules import MARKER, PACKED, source_digest, strip_jsdoc
from latefind_build.paths import web_dir
from latefind_build.progress import say

JOIN = "join.mjs"

_IMPORT = re.compile(r'^@import "([^"]+)";\n', re.MULTILINE)
_JOINED_STRINGS = "en.js"
"""Part of the shell."""


def pack_code(web: Path, output: Path) -> None:
    """Join the modules of ``web`` and write them, strings and styles to ``output``."""
    with replaced_folder(output, MARKER) as work:
        with tempfile.TemporaryDirectory() as joined:
            _join(web / JOIN, Path(joined))
            for path in sorted(Path(joined).iterdir()):
                _write(work / path.name, strip_jsdoc(path.read_text("utf-8")))
        for path in sorted((web / "strings").glob("*.js")):
            if path.name != _JOINED_STRINGS:
                _write(work / "strings" / path.name, strip_jsdoc(path.read_text("utf-8")))
        for path in sorted(web.glob("*.css")):
            _write(work / path.name, _join_styles(path))
        _write(work / MARKER, source_digest(web) + "\n")


def _join(script: Path, output: Path) -> None:
    try:
        command = ["node", str(script), str(output)]
        subprocess.run(command, check=True, text=True, capture_output=True)  # noqa: S603
    except FileNotFoundError as error:
        raise RuntimeFilesError.expected("node", "Node 20 or newer", "nothing", "Install Node.") from error
    except subprocess.CalledProcessError as error:
        advice = "Run `npm ci` in web/ if Rollup is missing; otherwise mend the module."
        raise RuntimeFilesError.expected(
            script, "modules that can be joined", error.stderr.strip(), advice
        ) from error


def _join_styles(path: Path) -> str:
    return _IMPORT.sub(lambda found: (path.parent / found[1]).read_text("utf-8"), path.read_text("utf-8"))


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(exist_ok=True)
    path.write_text(text, "utf-8", newline="\n")


def main() -> int:
    """Join the modules: the command behind ``make code``."""
    parser = argparse.ArgumentParser(description="Join the modules of web/: see above.")
    parser.add_argument("--output", type=Path, default=PACKED, help="where to (default: the package)")
    try:
        pack_code(web_dir(), parser.parse_args().output)
    except LatefindError as error:
        say(str(error))
        return error.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main())
