"""What is in an index: counts, bytes a part and a vector, and what a visitor downloads, and when."""

from pathlib import Path
from typing import TypedDict

from latefind.format import FORMAT_VERSION
from latefind.manifest import ON_DEMAND, ROLES, Manifest
from latefind.routing import MAX_SHARDS
from latefind_build.assemble import MARKER
from latefind_build.download import Transfer, describe_download, format_download
from latefind_build.native import find_bundle, read_shards

VECTOR_ROLES = ("index", "shard")
"""What vectors take, texts left out; the names serve :meth:`latefind.search.Engine.rank` alone."""

WORD_FILES = "lexical-*.bin"
"""The files of a word index, in the folder of its root."""


class RoleSize(TypedDict):
    """Files and bytes of one role."""

    files: int
    bytes: int


class Description(TypedDict):
    """What ``latefind inspect --json`` prints.

    ``download`` is what the first semantic answer needs beside the manifest: all parts of a small index; of a
    large one all but the names and shards, and the most shards that a query fetches, of mean size.
    ``transfer`` is that part by part, with the page's own code, and compressed. ``bytes_per_vector`` and
    ``bytes_per_passage`` count the codec's tables, the summary and the passages' ranges, but no text.
    """

    format: int
    generator: str
    tier: str
    tier_meaning: str
    model: dict[str, object]
    languages: list[str]
    counts: dict[str, int]
    roles: dict[str, RoleSize]
    download: int
    transfer: dict[str, Transfer]
    text_bytes: int
    bytes_per_vector: float
    bytes_per_passage: float


def describe_index(directory: Path) -> Description:
    """Read the manifest and the shards of a site or bundle, and add them up."""
    folder = find_bundle(directory)
    path = folder / MARKER
    manifest = Manifest.from_bytes(path.read_bytes(), str(path))
    roles: dict[str, RoleSize] = {}
    for role in ROLES:
        parts = manifest.by_role(role)
        roles[role] = {"files": len(parts), "bytes": sum(part.size for part in parts)}
    roles["lexical"] = _word_index_size(folder, manifest)
    text = sum(len(record) for shard in read_shards(folder, manifest) for record in shard.records)
    vectors = sum(roles[role]["bytes"] for role in VECTOR_ROLES) - text
    return {
        "format": FORMAT_VERSION,
        "generator": manifest.generator,
        "tier": manifest.tier,
        "tier_meaning": _explain_tier(manifest.tier, roles),
        "model": dict(manifest.model),
        "languages": list(manifest.languages),
        "counts": dict(manifest.counts),
        "roles": roles,
        "download": _first_download(manifest),
        "transfer": describe_download(folder.resolve(), manifest),
        "text_bytes": text,
        "bytes_per_vector": vectors / max(1, manifest.counts.get("vectors", 0)),
        "bytes_per_passage": vectors / max(1, manifest.counts.get("passages", 0)),
    }


def _word_index_size(folder: Path, manifest: Manifest) -> RoleSize:
    """Return what the word index takes: its root, which the manifest names, and the files beside it."""
    folders = [(folder / part.path).parent for part in manifest.by_role("lexical")]
    files = [path for place in folders for path in place.glob(WORD_FILES)]
    return {"files": len(files), "bytes": sum(path.stat().st_size for path in files)}


def _explain_tier(tier: str, roles: dict[str, RoleSize]) -> str:
    index, shards = roles["index"], roles["shard"]
    if tier == "small":
        return f"one file of {index['bytes'] / 1e6:.2f} MB is loaded, every vector is scanned"
    mean = shards["bytes"] / max(1, shards["files"])
    return (
        f"a summary of {index['bytes'] / 1e6:.2f} MB stays in memory and names, for each query, "
        f"at most {MAX_SHARDS} of {shards['files']} shards of {mean / 1e3:.0f} kB; those not yet in memory "
        "are fetched"
    )


def _first_download(manifest: Manifest) -> int:
    later = (*ON_DEMAND, "lexical")
    always = sum(part.size for part in manifest.parts if part.role not in later and not part.data)
    shards = [part.size for part in manifest.by_role("shard")]
    return always + min(MAX_SHARDS, len(shards)) * sum(shards) // max(1, len(shards))


def format_description(description: Description) -> str:
    """Lay the description out for reading."""
    model = description["model"]
    lines = [
        f"format      {description['format']} ({description['generator']})",
        f"model       {model.get('name')}, {model.get('dimensions')} dimensions, {model.get('license')}",
        f"languages   {', '.join(description['languages']) or 'unknown'}",
        *(f"{name:<11} {count:,}" for name, count in description["counts"].items() if count),
        f"tier        {description['tier']}: {description['tier_meaning']}",
        f"a vector    {description['bytes_per_vector']:.1f} bytes, tables included",
        f"a passage   {description['bytes_per_passage']:.0f} bytes, its text not counted",
        f"texts       {description['text_bytes'] / 1e6:.2f} MB",
        "",
        "Parts (uncompressed):",
        *(
            f"  {role:<12} {size['files']:>4} files {size['bytes'] / 1e6:>8.2f} MB"
            for role, size in description["roles"].items()
            if size["files"]
        ),
        "",
        *format_download(description["transfer"]),
    ]
    return "\n".join(lines)
