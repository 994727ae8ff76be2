"""Where latefind's own files lie: the same code runs from a checkout and from an installed wheel.

The wheel carries the repository's ``web/`` as ``latefind_build/_web``; an editable install finds it beside
``build/`` in the checkout.
"""

from pathlib import Path

from latefind.errors import RuntimeFilesError

_PACKAGE = Path(__file__).resolve().parent


def web_dir() -> Path:
    """Return the folder with the browser's modules, style sheets and templates."""
    for folder in (_PACKAGE / "_web", _PACKAGE.parent.parent / "web"):
        if (folder / "templates").is_dir():
            return folder
    raise RuntimeFilesError.expected(
        _PACKAGE / "_web", "the folder with latefind's web files", "nothing", "Install latefind again."
    )
