"""The manifest: round trip, integrity of parts, and manifests that must be refused."""

import json
from dataclasses import replace

import pytest

from latefind.errors import FormatError, IntegrityError, VersionError
from latefind.manifest import Manifest, Part

MANIFEST = Manifest(
    generator="latefind 0.1.0",
    base="../",
    languages=["en"],
    model={"name": "m", "license": "MIT", "dimensions": 2},
    counts={"pages": 1, "sections": 1, "passages": 1, "vectors": 3},
    parts=[Part.of("index", "index/v.bin", b"abc")],
)


def changed(**fields: object) -> bytes:
    return json.dumps(json.loads(MANIFEST.to_bytes()) | fields).encode()


def test_manifest_round_trips() -> None:
    assert Manifest.from_bytes(MANIFEST.to_bytes()) == MANIFEST


def test_manifest_that_brings_a_part_along_round_trips() -> None:
    part = replace(Part.of("lexical", "index/lexical.bin", b"abc"), data=b"abc")
    manifest = replace(MANIFEST, parts=[*MANIFEST.parts, part])
    assert Manifest.from_bytes(manifest.to_bytes()).by_role("lexical")[0].data == b"abc"


def test_data_that_are_not_the_part_are_refused() -> None:
    part = replace(Part.of("lexical", "index/lexical.bin", b"abc"), data=b"abd")
    with pytest.raises(IntegrityError, match=r"^index/lexical\.bin: .*SHA-256"):
        Manifest.from_bytes(replace(MANIFEST, parts=[part]).to_bytes())


def test_part_accepts_its_own_bytes() -> None:
    MANIFEST.parts[0].verify(b"abc")


@pytest.mark.parametrize(("data", "says"), [(b"ab", "expected 3 bytes, got 2"), (b"abd", "SHA-256")])
def test_part_refuses_other_bytes_and_names_the_file(data: bytes, says: str) -> None:
    with pytest.raises(IntegrityError, match=rf"^index/v\.bin: .*{says}"):
        MANIFEST.parts[0].verify(data)


def test_manifest_of_another_version_is_refused_naming_both() -> None:
    with pytest.raises(VersionError, match="expected format version 3, got version 999"):
        Manifest.from_bytes(changed(format=999))


@pytest.mark.parametrize(
    ("data", "says"),
    {
        "not JSON": (b"<html>", "expected JSON"),
        "not an object": (b"[]", "expected a JSON object"),
        "no counts": (changed(counts=None), "complete manifest"),
        "data that are no base64": (
            changed(parts=[{"role": "lexical", "path": "a", "bytes": 1, "sha256": "0" * 64, "data": "?"}]),
            "complete manifest",
        ),
        "part without a size": (changed(parts=[{"role": "shard", "path": "a"}]), "complete manifest"),
        "part outside": (
            changed(parts=[{"role": "shard", "path": "../a", "bytes": 1, "sha256": "0" * 64}]),
            "below the manifest",
        ),
        "part of another host": (
            changed(parts=[{"role": "shard", "path": "https://x/a", "bytes": 1, "sha256": "0" * 64}]),
            "below the manifest",
        ),
        "unknown role": (
            changed(parts=[{"role": "virus", "path": "a", "bytes": 1, "sha256": "0" * 64}]),
            "a role among",
        ),
        "negative size": (
            changed(parts=[{"role": "shard", "path": "a", "bytes": -1, "sha256": "0" * 64}]),
            "a size and a SHA-256",
        ),
    }.values(),
)
def test_manifest_malformed_is_refused(data: bytes, says: str) -> None:
    with pytest.raises(FormatError, match=says):
        Manifest.from_bytes(data)
