"""What is in an index, read from its manifest: counts, bytes a part and a vector, the visitor's download."""

from pathlib import Path
from typing import TypedDict

from latefind.format import FORMAT_VERSION
from latefind.manifest import ROLES, Manifest
from latefind_build.assemble import MARKER
from latefind_build.native import find_bundle


class RoleSize(TypedDict):
    """Files and bytes of one role."""

    files: int
    bytes: int


class Description(TypedDict):
    """What ``latefind inspect --json`` prints."""

    format: int
    generator: str
    tier: str
    model: dict[str, object]
    languages: list[str]
    counts: dict[str, int]
    roles: dict[str, RoleSize]
    download: int
    bytes_per_vector: float
    bytes_per_passage: float


def describe_index(directory: Path) -> Description:
    """Read the manifest of a site or bundle and add it up."""
    path = find_bundle(directory) / MARKER
    manifest = Manifest.from_bytes(path.read_bytes(), str(path))
    roles: dict[str, RoleSize] = {}
    for role in ROLES:
        parts = manifest.by_role(role)
        roles[role] = {"files": len(parts), "bytes": sum(part.size for part in parts)}
    vectors = roles["vectors"]["bytes"]
    return {
        "format": FORMAT_VERSION,
        "generator": manifest.generator,
        "tier": manifest.tier,
        "model": dict(manifest.model),
        "languages": list(manifest.languages),
        "counts": dict(manifest.counts),
        "roles": roles,
        "download": sum(role["bytes"] for role in roles.values()),
        "bytes_per_vector": vectors / max(1, manifest.counts.get("vectors", 0)),
        "bytes_per_passage": vectors / max(1, manifest.counts.get("passages", 0)),
    }


def format_description(description: Description) -> str:
    """Lay the description out for reading."""
    model = description["model"]
    lines = [
        f"format      {description['format']} ({description['generator']}, tier {description['tier']})",
        f"model       {model.get('name')}, {model.get('dimensions')} dimensions, {model.get('license')}",
        f"languages   {', '.join(description['languages']) or 'unknown'}",
        *(f"{name:<11} {count:,}" for name, count in description["counts"].items() if count),
        f"a vector    {description['bytes_per_vector']:.1f} bytes",
        f"a passage   {description['bytes_per_passage']:.0f} bytes",
        "",
        "What a visitor downloads for the first answer (uncompressed):",
        *(
            f"  {role:<12} {size['files']:>4} files {size['bytes'] / 1e6:>8.2f} MB"
            for role, size in description["roles"].items()
        ),
        f"  {'total':<12} {'':>10} {description['download'] / 1e6:>8.2f} MB",
    ]
    return "\n".join(lines)
