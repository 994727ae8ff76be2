"""The page's modules as they are published: joined into few, in a folder whose name carries their hash.

``web/`` has them as they are written, some seventy small files. ``make code``
(:mod:`latefind_build.code_pack`) joins them into the few that a page and its workers ask for, once, for the
package: who builds a site needs no Node. A build copies them, with stemmers, strings and styles, to
``runtime/code-<hash>/``, where browsers may keep them for ever. Pages that we write name them there. At the
fixed names that other pages name lie modules of one line that lead there (:func:`fixed_names`).
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from latefind.errors import RuntimeFilesError
from latefind_build.files import HASH_LENGTH, digest_files
from latefind_build.paths import web_dir
from latefind_build.runtime import packed_runtime

PACKED = Path(__file__).parent / "_code"
MARKER = "sources.sha256"
"""Says of which sources the folder was made."""

SHELL = "latefind-ui.js"
"""Defines the element: all that button and field need."""

INSIDE = "inside.js"
"""All that the first answer needs besides, except strings and a stemmer."""

STYLE = "latefind-ui.css"
OFFLINE = "latefind-offline.js"
WORKERS = ("worker.js", "encoder-worker.js")

CODE_FOLDERS = "runtime/code-*"
SOURCES = ("*.js", "*.css", "strings/*.js", "ui/*.js", "ui/*.css")

_JSDOC = re.compile(r"^[ \t]*/\*\*(?:(?!\*/)[\s\S])*\*/[ \t]*\n", re.MULTILINE)
_GAP = re.compile(r"\n{3,}")

_FIXED = {
    "latefind.js": 'export {{ LatefindError, Search, createSearch }} from "./{folder}inside.js";\n',
    "latefind-highlight.js": 'import "./{folder}latefind-highlight.js";\n',
    "worker.js": 'import "./{folder}worker.js";\n',
    **{
        name: f'export * from "./{{folder}}{name}";\n'
        for name in ("latefind-ui.js", "latefind-offline.js", "offline.js")
    },
    **{
        name: f'@import url("{{folder}}{name}");\n'
        for name in ("latefind-ui.css", "latefind-offline.css", "latefind-page.css")
    },
}


@dataclass(frozen=True, slots=True)
class Code:
    """The modules, stemmers, strings and styles by their names below ``folder`` of the search folder."""

    folder: str
    files: Mapping[str, bytes]

    def address(self, name: str) -> str:
        """Return where ``name`` is below the search folder."""
        assert name in self.files, f"{name} is none of the code's files"
        return self.folder + name

    def answering(self, lang: str = "") -> list[str]:
        """Return where those are that the first answer needs beyond the shell on a page in ``lang``."""
        return [self.address(name) for name in answering(lang) if name in self.files]


def answering(lang: str) -> list[str]:
    """Return what the first answer needs beyond the shell; not each ``lang`` has strings and a stemmer."""
    main = lang.lower().partition("-")[0]
    return [INSIDE, f"strings/{main}.js", f"stem/{main}.js"]


def read_code() -> Code:
    """Read what the package has.

    Raises
    ------
    RuntimeFilesError
        It was never joined, or of other sources: a source checkout without ``make code``.
    """
    folder = packed_code()
    files = {path.relative_to(folder).as_posix(): path.read_bytes() for path in _files(folder)}
    del files[MARKER]
    files |= {f"stem/{path.name}": path.read_bytes() for path in _files(packed_runtime() / "stem")}
    return Code(f"runtime/code-{digest_files(files)[:HASH_LENGTH]}/", files)


def packed_code() -> Path:
    """Return the folder of the joined modules; see :func:`read_code` for what it raises."""
    marker = PACKED / MARKER
    got = marker.read_text("utf-8").strip() if marker.is_file() else "nothing"
    if got != source_digest(web_dir()):
        raise RuntimeFilesError.expected(
            PACKED,
            "the joined modules of web/",
            "nothing" if got == "nothing" else "those of other sources",
            "In a source checkout, run `make code` first.",
        )
    return PACKED


def source_digest(web: Path) -> str:
    """Return the hash of all that is joined, in hex."""
    paths = (path for pattern in SOURCES for path in web.glob(pattern))
    return digest_files({path.relative_to(web).as_posix(): path.read_bytes() for path in paths})


def fixed_names(code: Code) -> dict[str, str]:
    """Return what lies at the fixed names: a line each that leads to where the code is now."""
    return {name: line.format(folder=code.folder) for name, line in _FIXED.items()}


def strip_jsdoc(text: str) -> str:
    """Leave out JSDoc, which is for whoever edits."""
    return _GAP.sub("\n\n", _JSDOC.sub("", text)).lstrip("\n")


def _files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_file())
