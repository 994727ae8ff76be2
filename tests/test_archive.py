"""What Python reads in the browser comes in one archive, which the worker unpacks."""

import base64
import gzip
import json
import subprocess
import zipfile
from pathlib import Path
from typing import Any

import pytest

from latefind_build.archives import write_archive

RUNNER = Path(__file__).with_name("run_unpack.mjs")
MEMBERS = {"empty": b"", "folder/ä.pyc": bytes(range(256)), "site-packages/a/b.so": b"\0asm" * 99}


def unpack(path: Path) -> Any:
    done = subprocess.run(["node", RUNNER, path], check=True, capture_output=True, text=True)
    return json.loads(done.stdout)


@pytest.mark.parametrize("packed", [lambda data: data, gzip.compress], ids=["as it is", "gzip"])
def test_archive_is_unpacked_to_what_is_in_it(tmp_path: Path, packed: Any) -> None:
    path = tmp_path / "python.bin"
    path.write_bytes(packed(write_archive(MEMBERS, stored=True)))
    files = unpack(path)["files"]
    assert {name: base64.b64decode(data) for name, data in files.items()} == MEMBERS


def test_archive_of_another_program_is_unpacked_too(tmp_path: Path) -> None:
    path = tmp_path / "python.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as archive:
        info = zipfile.ZipInfo("with/extra.txt", (2026, 1, 1, 0, 0, 0))
        info.extra = b"\x99\x99\x04\x00four"
        archive.writestr(info, "text")
    assert base64.b64decode(unpack(path)["files"]["with/extra.txt"]) == b"text"


@pytest.mark.parametrize(
    ("damage", "told"),
    [
        (lambda data: data[:-9], "expected a zip archive"),
        (lambda data: b"", "expected a zip archive"),
        (lambda data: gzip.compress(data)[:-99], "expected a whole gzip file"),
        (lambda data: data.replace(b"PK\x01\x02", b"PK\x01\x03", 1), "expected an entry"),
    ],
    ids=["cut", "empty", "cut gzip", "entry"],
)
def test_damaged_archive_says_what_was_expected(tmp_path: Path, damage: Any, told: str) -> None:
    path = tmp_path / "python.bin"
    path.write_bytes(damage(write_archive(MEMBERS, stored=True)))
    answer = unpack(path)
    assert answer["code"] == "integrity"
    assert answer["message"].startswith("python.bin: ")
    assert told in answer["message"]


def test_archive_that_is_deflated_inside_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "python.bin"
    path.write_bytes(write_archive(MEMBERS, stored=False))
    assert "expected files that are stored, got method 8" in unpack(path)["message"]
