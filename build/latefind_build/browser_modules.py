"""Which modules of ``latefind`` the browser runs, and what else their sources import.

Found by reading the sources, not by running them, so that a build on a machine without Node finds the same.
Imports inside functions count. What the builder alone needs is not reached from the bridge, and is left out.
"""

import ast
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import latefind

START = "latefind.bridge"


@dataclass(frozen=True, slots=True)
class BrowserModules:
    """The sources that the browser runs, by path below the package's folder, and what each may import.

    The names in ``imports`` may be modules or what is in them: ``from json import dumps`` gives ``json`` and
    ``json.dumps``, and ``np.fft.rfft`` under ``import numpy as np`` gives ``numpy.fft`` and
    ``numpy.fft.rfft``, since NumPy imports its packages at first use.
    """

    sources: Mapping[str, bytes]
    imports: Mapping[str, frozenset[str]]


def browser_modules(package: Path = Path(latefind.__file__).parent) -> BrowserModules:
    """Follow the imports from the bridge through ``package``."""
    sources: dict[str, bytes] = {}
    imports: dict[str, frozenset[str]] = {}
    waiting = [package.name, START]
    while waiting:
        path = package / _file_of(waiting.pop(), package.name)
        if path.name in sources or not path.is_file():
            continue
        source = path.read_bytes()
        names = frozenset(_names(ast.parse(source)))
        sources[path.name] = source
        imports[path.name] = names
        waiting += [name for name in names if name.startswith(f"{package.name}.")]
    return BrowserModules(dict(sorted(sources.items())), imports)


def _file_of(module: str, package: str) -> str:
    """Return the file of a module, or of the module that a name is in; the package has no folders."""
    return "__init__.py" if module == package else f"{module.split('.')[1]}.py"


def _names(tree: ast.AST) -> Iterator[str]:
    aliases: dict[str, str] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                aliases[alias.asname or alias.name.split(".")[0]] = (
                    alias.name if alias.asname else alias.name.split(".")[0]
                )
                yield alias.name
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)
    for node in ast.walk(tree):
        dotted = _dotted(node) if isinstance(node, ast.Attribute) else ""
        first, _, rest = dotted.partition(".")
        if first in aliases and rest:
            yield f"{aliases[first]}.{rest}"


def _dotted(node: ast.expr) -> str:
    """Return ``a.b.c`` of an expression of names alone, nothing of any other."""
    if isinstance(node, ast.Name):
        return node.id
    if not isinstance(node, ast.Attribute):
        return ""
    value = _dotted(node.value)
    return value and f"{value}.{node.attr}"
