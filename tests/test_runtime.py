"""Where the browser's NumPy and stemmers come from: the first source that has the pinned hash."""

import hashlib
from pathlib import Path

import pytest

from latefind.errors import RuntimeFilesError
from latefind_build import runtime
from latefind_build.runtime import Wheel, find_stemmers, find_wheel, packed_runtime

WHEEL = Wheel("numpy-1-cp314-cp314-wasm32.whl", hashlib.sha256(b"right").hexdigest(), "1", "314")


@pytest.fixture(autouse=True)
def no_network(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Sources beyond this machine answer as an unplugged one would; the cache is the test's own."""

    def unplugged(wheel: Wheel) -> bytes:
        raise OSError("network unreachable")

    for source in ("_from_cdn", "_from_index", "_from_carrier"):
        monkeypatch.setattr(runtime, source, unplugged)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


def test_wheel_from_the_named_folder_is_cached(tmp_path: Path) -> None:
    (tmp_path / WHEEL.file_name).write_bytes(b"right")
    assert find_wheel(WHEEL, tmp_path) == b"right"
    (tmp_path / WHEEL.file_name).unlink()
    assert find_wheel(WHEEL) == b"right"


def test_wheel_with_another_hash_is_passed_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / WHEEL.file_name).write_bytes(b"wrong")
    monkeypatch.setattr(runtime, "_from_carrier", lambda wheel: b"right")
    assert find_wheel(WHEEL, tmp_path) == b"right"


def test_wheel_that_no_source_has_names_every_source(tmp_path: Path) -> None:
    (tmp_path / WHEEL.file_name).write_bytes(b"wrong")
    with pytest.raises(RuntimeFilesError) as error:
        find_wheel(WHEEL, tmp_path)
    for piece in ("another file", "cache", "CDN", "package index", "--wheels", WHEEL.file_name):
        assert piece in str(error.value)


def test_runtime_that_was_never_packed_says_how(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runtime, "PACKED", tmp_path)
    with pytest.raises(RuntimeFilesError, match="make runtime"):
        packed_runtime()


def test_stemmers_with_another_hash_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "sphinx-9.0.4-py3-none-any.whl").write_bytes(b"wrong")
    monkeypatch.setattr(runtime, "_pip_download", lambda *unused: {"sphinx": b"wrong too"})
    with pytest.raises(RuntimeFilesError, match=r"sphinx.*another file.*package index: another file"):
        find_stemmers(tmp_path)
