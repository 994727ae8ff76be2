"""What makes a site work offline: the list of its files, and the service worker that keeps them.

The list, ``precache.json`` in the search folder, is made of the files that were written, so whatever a
build adds is in it by itself. It has three parts: files of the search whose names carry their hash, its other
files, and the site's own. Its version is a hash of all of them: another one means that something changed.

A service worker's scope is its own folder. Hence the one file that lies outside the search folder, at the
site's root; see ``web/sw-core.js`` for what it does.
"""

import hashlib
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Literal, TypeAlias, get_args
from urllib.parse import quote

from latefind.errors import UsageError
from latefind_build.files import HASH_LENGTH

OfflinePages: TypeAlias = Literal["all", "visited", "none"]
"""Which pages belong to an offline copy beside the search."""

OFFLINE_PAGES: tuple[OfflinePages, ...] = get_args(OfflinePages)

LIST_FORMAT = 1
LIST = "precache.json"
LOADER = "latefind-sw.js"
CORE = "sw-core.js"

SITE_SUFFIXES = frozenset(
    (
        *(".html", ".htm", ".css", ".js", ".mjs", ".wasm", ".json", ".webmanifest"),
        *(".svg", ".png", ".jpg", ".jpeg", ".gif", ".webp", ".avif", ".ico"),
        *(".woff", ".woff2", ".ttf", ".otf"),
    )
)
"""What pages are made of; films, archives and feeds are not."""

SITE_FILE_BYTES = 5_000_000
"""A file of the site that is larger is left to the network."""

_NOT_KEPT = frozenset({"404.html", LOADER})
_OWN_SCRIPTS = frozenset({LIST, CORE, "sw-store.js", "sw-download.js"})
_SETTINGS = re.compile(r'\{ folder: "latefind/", pages: "all" \}')
_HASHED_NAME = re.compile(rf"-[0-9a-f]{{{HASH_LENGTH},64}}(?:\.[A-Za-z0-9]+)*$")
_MARK = "// Written by latefind"

Row: TypeAlias = tuple[str, int, str]
"""Path below its folder, bytes, SHA-256 in hex."""


def add_offline(bundle: Path, site: Path, subdir: str, pages: OfflinePages) -> None:
    """Complete the search folder ``bundle``, to be ``subdir`` of ``site``, and the site for offline use."""
    write_loader(site, subdir)
    write_list(bundle, site, subdir, pages)


def write_list(bundle: Path, site: Path, subdir: str, pages: OfflinePages) -> None:
    """Write the list into the search folder ``bundle``, which is to be ``subdir`` of ``site``."""
    hashed: list[Row] = []
    search: list[Row] = []
    for path in _files(bundle):
        name = path.relative_to(bundle).as_posix()
        if name not in _OWN_SCRIPTS:
            (hashed if _is_immutable(name) else search).append(_row(path, name))
    taken = () if pages == "none" else _site_files(site, subdir)
    fields = {
        "format": LIST_FORMAT,
        "root": "../" * len(Path(subdir).parts),
        "pages": pages,
        "hashed": hashed,
        "search": search,
        "site": [_row(path, path.relative_to(site).as_posix()) for path in taken],
    }
    version = hashlib.sha256(json.dumps(fields).encode()).hexdigest()[:16]
    text = json.dumps({"version": version, **fields}, ensure_ascii=False, separators=(",", ":"))
    (bundle / LIST).write_text(text + "\n", "utf-8")
    _settle_core(bundle / CORE, subdir, pages)


def write_loader(site: Path, subdir: str) -> None:
    """Write the service worker at the site's root.

    Raises
    ------
    UsageError
        A file of that name is there that latefind did not write.
    """
    target = site / LOADER
    if target.exists() and not target.read_text("utf-8", "replace").startswith(_MARK):
        raise UsageError.expected(
            target, "no file, or one that latefind wrote", "another", "Rename it, or build without --pwa."
        )
    target.write_text(
        f"{_MARK}: keeps this site on the device of visitors who ask for that.\n"
        f'importScripts("{quote(subdir)}/{CORE}");\n'
        'addEventListener("install", () => skipWaiting());\n'
        'addEventListener("activate", (event) => event.waitUntil(clients.claim()));\n',
        "utf-8",
    )


def _settle_core(core: Path, subdir: str, pages: OfflinePages) -> None:
    settings = json.dumps({"folder": f"{quote(subdir)}/", "pages": pages})
    text, found = _SETTINGS.subn(lambda _: settings, core.read_text("utf-8"))
    assert found == 1, f"{CORE} has no settings to fill in"
    core.write_text(text, "utf-8", newline="\n")


def _files(folder: Path) -> Iterator[Path]:
    """Yield every file below ``folder`` that a host publishes, in order."""
    for path in sorted(folder.iterdir()):
        if path.name.startswith("."):
            continue
        if path.is_dir():
            yield from _files(path)
        elif path.is_file():
            yield path


def _site_files(site: Path, subdir: str) -> Iterator[Path]:
    own = site / subdir
    for path in _files(site):
        kept = path.suffix.lower() in SITE_SUFFIXES and path.stat().st_size <= SITE_FILE_BYTES
        if kept and path.relative_to(site).as_posix() not in _NOT_KEPT and own not in path.parents:
            yield path


def _is_immutable(name: str) -> bool:
    """Say whether a file of the search folder carries a hash in its name or its folder's."""
    *folders, last = name.split("/")
    return bool(folders) and any(_HASHED_NAME.search(part) for part in (*folders, last))


def _row(path: Path, name: str) -> Row:
    data = path.read_bytes()
    return name, len(data), hashlib.sha256(data).hexdigest()
