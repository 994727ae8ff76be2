"""The files of the theme of ``latefind site``: a style, a script, icons, each with its hash in its name."""

from collections.abc import Mapping
from functools import cache

from latefind_build.files import hashed_name
from latefind_build.paths import web_dir

THEME_DIR = "latefind-theme"
"""Folder of the theme's own files. No leading underscore: some hosts drop such folders."""

ICONS: Mapping[str, Mapping[str, str]] = {
    "icon.svg": {"sizes": "any", "type": "image/svg+xml"},
    "icon-192.png": {"sizes": "192x192", "type": "image/png"},
    "icon-512.png": {"sizes": "512x512", "type": "image/png"},
    "icon-maskable-512.png": {"sizes": "512x512", "type": "image/png", "purpose": "maskable"},
}
_MADE_OF = {"theme.css": ("site.css", "syntax.css"), "theme.js": ("theme.js",)} | {
    name: (name,) for name in ICONS
}


@cache
def theme_names() -> Mapping[str, str]:
    """Return the published name of each file, below the site's root."""
    return {name: hashed_name(f"{THEME_DIR}/{name}", data) for name, data in _contents().items()}


def theme_files() -> dict[str, bytes]:
    """Return the files by their published names."""
    return {theme_names()[name]: data for name, data in _contents().items()}


@cache
def _contents() -> Mapping[str, bytes]:
    folder = web_dir() / "templates" / "site"
    return {
        name: b"\n".join((folder / part).read_bytes() for part in parts) for name, parts in _MADE_OF.items()
    }
