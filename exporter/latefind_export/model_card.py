"""What a model card says of itself: the YAML front matter of ``README.md``, read without trusting it.

A card is prose by strangers, often broken: whatever cannot be read counts as not said.
"""

import re
from pathlib import Path
from typing import Any

import yaml

from latefind_export.checkpoint import Card

UNKNOWN_LICENSE = "unknown"

LONGEST_MATTER = 100_000
"""Characters of front matter that are parsed; with evaluation results, 50,000 happen."""

LONGEST_TEXT = 200
"""Characters of a name or licence that are kept."""

SPDX = {
    name.lower(): name
    for name in (
        *("AFL-3.0", "AGPL-3.0", "Apache-2.0", "Artistic-2.0", "BSD-2-Clause", "BSD-3-Clause", "BSL-1.0"),
        *("CC-BY-2.0", "CC-BY-3.0", "CC-BY-4.0", "CC-BY-NC-2.0", "CC-BY-NC-3.0", "CC-BY-NC-4.0", "CC0-1.0"),
        *("CC-BY-NC-ND-4.0", "CC-BY-NC-SA-3.0", "CC-BY-NC-SA-4.0", "CC-BY-ND-4.0", "CC-BY-SA-3.0"),
        *("CC-BY-SA-4.0", "EPL-2.0", "EUPL-1.2", "GPL-2.0", "GPL-3.0", "ISC", "LGPL-2.1", "LGPL-3.0", "MIT"),
        *("MPL-2.0", "MS-PL", "NCSA", "ODbL-1.0", "OFL-1.1", "PostgreSQL", "Unlicense", "WTFPL", "Zlib"),
    )
}
"""Licences as SPDX spells them, by how the hub does: in lower case."""

_TAG = re.compile(r"[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*")


def read_card(folder: Path, name: str) -> Card:
    """Return the card of the checkpoint in ``folder``; ``name`` is its name, which cards do not say."""
    matter = _front_matter(folder / "README.md")
    return Card(_clean(name), _license(matter), _languages(matter.get("language")))


def _front_matter(path: Path) -> dict[str, Any]:
    try:
        text = path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return {}
    found = re.match(r"\ufeff?\s*---[ \t]*\r?\n(.*?)\r?\n---[ \t]*(?:\r?\n|\Z)", text, re.DOTALL)
    if found is None or len(found[1]) > LONGEST_MATTER:
        return {}
    try:
        matter = yaml.safe_load(found[1])
    except (yaml.YAMLError, ValueError, RecursionError):  # ValueError: a date such as 2024-13-45
        return {}
    return matter if isinstance(matter, dict) else {}


def _license(matter: dict[str, Any]) -> str:
    stated = matter.get("license")
    if isinstance(stated, list) and len(stated) == 1:
        stated = stated[0]
    if stated == "other":
        stated = matter.get("license_name")
    text = _clean(stated) if isinstance(stated, str) else ""
    return SPDX.get(text.lower(), text) or UNKNOWN_LICENSE


def _languages(stated: object) -> tuple[str, ...]:
    tags = stated if isinstance(stated, list) else [stated]
    # Norwegian's tag is false in YAML 1.1.
    texts = ["no" if tag is False else tag for tag in tags]
    kept = (text.strip() for text in texts if isinstance(text, str))
    return tuple(dict.fromkeys(tag for tag in kept if _TAG.fullmatch(tag)))


def _clean(text: str) -> str:
    """Return one line of printable characters: it goes into messages, JSON and Markdown."""
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())[:LONGEST_TEXT]
