"""The page's modules as they are published: which of them a page needs at once, and without their comments.

A browser finds the modules that a module imports when it has read it, so a graph five levels deep costs
five round trips. Therefore the pages that we write name what they will import (``modulepreload``), and the
element's shell knows what the first answer needs besides (``MODULES`` in ``web/ui/ahead.js``): everything
comes in one round trip. The lists are read from the modules' own imports at build time.
"""

import json
import os.path
import re
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

from latefind.lexical_analysis import LANGUAGES

ELEMENT = "latefind-ui.js"
"""Defines the element; button and field need what it imports, and nothing else."""

AHEAD = "ui/ahead.js"
"""Holds the list of what the first answer needs beyond the shell."""

ANSWERING = ("ui/panel.js", "ui/session.js", "ui/view.js", "latefind.js", "lexical.js")
"""What is imported, by ``import()``, from the first sign that somebody will search to the first answer."""

STYLES = ("latefind-ui.css", "ui/results.css", "ui/variants.css")
"""What the element is drawn with; it shows itself when they are there."""

_COMMENT = re.compile(r"^[ \t]*/\*\*(?:(?!\*/)[\s\S])*\*/[ \t]*$", re.MULTILINE)
_STATIC = re.compile(
    r"""^(?:import|export)\s(?:[\w*{}\s,$]*?\sfrom\s+)?["'](?P<path>\.[^"']+)["']|^import\s*["'](?P<bare>\.[^"']+)["']""",
    re.MULTILINE,
)
_LIST = "const MODULES = [];"


def shell_modules(web: Path) -> list[str]:
    """Return the modules that draw button and field, those that are needed first at the beginning."""
    return _graph(web, (ELEMENT,))


def answer_modules(web: Path, lang: str = "") -> list[str]:
    """Return what the first answer needs besides; with ``lang``, also what a page in it does."""
    shell = set(shell_modules(web))
    main = lang.lower().partition("-")[0]
    strings = [f"strings/{main}.js"] if main != "en" and (web / f"strings/{main}.js").is_file() else []
    stemmer = [f"stem/{main}.js"] if main in LANGUAGES else []
    return [path for path in _graph(web, ANSWERING) if path not in shell] + strings + stemmer


def publish_module(web: Path, path: str) -> str:
    """Return the module at ``path`` as it is published: without JSDoc, with its lines where they were."""
    text = (web / path).read_text("utf-8")
    if path == AHEAD:
        text = _fill(text, answer_modules(web))
    return _COMMENT.sub(lambda match: "\n" * match[0].count("\n"), text)


def _fill(text: str, modules: list[str]) -> str:
    assert text.count(_LIST) == 1, f"{AHEAD} has no list to fill in"
    folder = str(PurePosixPath(AHEAD).parent)
    relative = [os.path.relpath(path, folder).replace(os.sep, "/") for path in modules]
    return text.replace(_LIST, f"const MODULES = {json.dumps(relative)};")


def _graph(web: Path, entries: tuple[str, ...]) -> list[str]:
    """Return ``entries`` and all that they import statically, breadth first."""
    found = list(entries)
    for path in found:  # Grows while it is walked.
        found.extend(name for name in _imports(web, path) if name not in found)
    return found


def _imports(web: Path, path: str) -> Iterator[str]:
    text = _COMMENT.sub("", (web / path).read_text("utf-8"))
    names = dict.fromkeys(match["path"] or match["bare"] for match in _STATIC.finditer(text))
    for name in names:
        yield os.path.normpath(PurePosixPath(path).parent / name).replace(os.sep, "/")
