"""Zip archives whose bytes depend on nothing but their members: wheels, and Python's standard library.

A stored archive is the same wherever it is made; a deflated one may differ with the version of zlib.
"""

import base64
import hashlib
import io
import zipfile
from collections.abc import Mapping

_DATE = (1980, 1, 1, 0, 0, 0)
_LEVEL = 9


def write_archive(members: Mapping[str, bytes], *, stored: bool) -> bytes:
    """Return a zip archive of ``members`` by name, sorted, without dates."""
    method = zipfile.ZIP_STORED if stored else zipfile.ZIP_DEFLATED
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, data in sorted(members.items()):
            archive.writestr(zipfile.ZipInfo(name, _DATE), data, method, _LEVEL)
    return buffer.getvalue()


def read_archive(data: bytes) -> dict[str, bytes]:
    """Return the files of a zip archive by name."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        return {member.filename: archive.read(member) for member in archive.infolist() if not member.is_dir()}


def write_wheel(members: Mapping[str, bytes], info: str, *, stored: bool) -> bytes:
    """Return a wheel of ``members``; its RECORD in the folder ``info`` is written anew."""
    record = f"{info}/RECORD"
    listed = {name: data for name, data in sorted(members.items()) if name != record}
    lines = [f"{name},sha256={_digest(data)},{len(data)}\n" for name, data in listed.items()]
    return write_archive(listed | {record: f"{''.join(lines)}{record},,\n".encode()}, stored=stored)


def _digest(data: bytes) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode()
