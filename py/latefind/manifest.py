"""``manifest.json``: which parts belong to an index, what they weigh, and what they must hash to.

The browser reads the manifest first; everything else that it loads is named in it with byte size and
SHA-256. Written by the builder, read by Python and, as plain JSON, by ``web/latefind.js``.
"""

import base64
import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import Any

from latefind.errors import FormatError, IntegrityError, VersionError
from latefind.format import FORMAT_VERSION

ROLES = (
    "pyodide",
    "onnxruntime",
    "package",
    "encoder",
    "tokenizer",
    "settings",
    "index",
    "names",
    "shard",
    "lexical",
)
"""What a part is for, in the order in which the manifest lists them."""

ENGINE_ROLES = ("tokenizer", "settings", "index", "names", "shard")
"""The parts that the Python engine reads; the others are files of the runtime and the query encoder."""

TIERS = ("small", "large")
"""Small: the index part has the one shard. Large: it has the summary, and shards are fetched as queries want
them."""

ON_DEMAND = ("names", "shard")
"""Roles that the large tier loads only when a request needs them."""


@dataclass(frozen=True, slots=True)
class Part:
    """One file of the bundle. What its role means is in ``docs/format.md``.

    Attributes
    ----------
    path : str
        Below the manifest.
    size : int
        Bytes.
    sha256 : str
        In hex.
    data : bytes
        The whole file once more, where the manifest brings it along to spare a request; mostly empty.
    """

    role: str
    path: str
    size: int
    sha256: str
    data: bytes = b""

    @classmethod
    def of(cls, role: str, path: str, data: bytes) -> "Part":
        """Describe ``data``."""
        return cls(role, path, len(data), hashlib.sha256(data).hexdigest())

    def verify(self, data: bytes) -> None:
        """Raise :class:`IntegrityError` unless ``data`` is what the manifest promises."""
        if len(data) != self.size:
            raise IntegrityError.expected(
                self.path, f"{self.size} bytes", str(len(data)), "Fetch the file again, or build again."
            )
        found = hashlib.sha256(data).hexdigest()
        if found != self.sha256:
            raise IntegrityError.expected(
                self.path, f"SHA-256 {self.sha256[:12]}…", f"{found[:12]}…", "Fetch or build it again."
            )


@dataclass(frozen=True, slots=True)
class Manifest:
    """The manifest of one index.

    Attributes
    ----------
    base : str
        Prefix of relative result URLs, itself relative to the manifest's URL unless absolute.
    counts : mapping
        ``pages``, ``sections``, ``passages``, ``vectors``.
    runtime : mapping
        Folders of Pyodide and onnxruntime-web, and the packages that Pyodide loads.
    parts : sequence of Part
        Every file that semantic search loads, and the root of the word index, which names its other files.
    """

    generator: str
    base: str
    languages: Sequence[str]
    model: Mapping[str, object]
    counts: Mapping[str, int]
    parts: Sequence[Part]
    runtime: Mapping[str, object] = field(default_factory=dict)
    tier: str = "small"

    def by_role(self, role: str) -> list[Part]:
        """Return the parts of one role, in order."""
        return [part for part in self.parts if part.role == role]

    def shards(self) -> list[Part]:
        """Return the parts that have sections, in their order: of the small tier the index part itself."""
        return self.by_role("index" if self.tier == "small" else "shard")

    def initial(self) -> list[Part]:
        """Return the engine's parts that must be there before the first query."""
        later = ON_DEMAND if self.tier == "large" else ()
        return [part for part in self.parts if part.role in ENGINE_ROLES and part.role not in later]

    def to_bytes(self) -> bytes:
        """Serialise, with stable key order and a final newline."""
        data = {
            "format": FORMAT_VERSION,
            "generator": self.generator,
            "base": self.base,
            "languages": list(self.languages),
            "tier": self.tier,
            "model": dict(self.model),
            "counts": dict(self.counts),
            "runtime": dict(self.runtime),
            "parts": [_part_fields(part) for part in self.parts],
        }
        return (json.dumps(data, ensure_ascii=False, indent=1) + "\n").encode("utf-8")

    @classmethod
    def from_bytes(cls, data: bytes, where: str = "manifest.json") -> "Manifest":
        """Parse and check a manifest.

        Raises
        ------
        VersionError
            Another format version; the message names both.
        FormatError
            Not JSON, or a field is missing or malformed.
        IntegrityError
            The data of a part that it brings along are not that part.
        """
        try:
            fields = json.loads(data)
        except ValueError as error:
            raise FormatError.expected(where, "JSON", str(error), "Build the index again.") from error
        if not isinstance(fields, dict):
            raise FormatError.expected(where, "a JSON object", type(fields).__name__)
        if fields.get("format") != FORMAT_VERSION:
            raise VersionError.expected(
                where,
                f"format version {FORMAT_VERSION}",
                f"version {fields.get('format')!r}",
                "Build the index with the latefind that serves it.",
            )
        if fields.get("tier") not in TIERS:
            raise FormatError.expected(f"{where}: tier", " or ".join(TIERS), repr(fields.get("tier")))
        try:
            return cls(
                generator=str(fields["generator"]),
                base=str(fields["base"]),
                languages=[str(language) for language in fields["languages"]],
                tier=str(fields["tier"]),
                model=dict(fields["model"]),
                counts={str(key): int(value) for key, value in fields["counts"].items()},
                runtime=dict(fields["runtime"]),
                parts=[_read_part(part, where) for part in fields["parts"]],
            )
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise FormatError.expected(where, "a complete manifest", f"{error!r}", "Build again.") from error


def _part_fields(part: Part) -> dict[str, object]:
    fields = {"role": part.role, "path": part.path, "bytes": part.size, "sha256": part.sha256}
    return fields | ({"data": base64.b64encode(part.data).decode("ascii")} if part.data else {})


def _read_part(fields: Any, where: str) -> Part:
    data = base64.b64decode(str(fields.get("data", "")), validate=True)
    part = Part(str(fields["role"]), str(fields["path"]), int(fields["bytes"]), str(fields["sha256"]), data)
    path = PurePosixPath(part.path)
    if path.is_absolute() or ".." in path.parts or "\\" in part.path or ":" in part.path:
        raise FormatError.expected(where, "a part's path below the manifest", part.path)
    if part.role not in ROLES:
        raise FormatError.expected(where, f"a role among {', '.join(ROLES)}", part.role)
    if part.size < 0 or len(part.sha256) != 64:
        raise FormatError.expected(f"{where}: {part.path}", "a size and a SHA-256", repr(fields))
    if data:
        part.verify(data)
    return part
