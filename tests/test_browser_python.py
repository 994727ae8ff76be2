"""The wheel of our package that visitors load: bytecode of this very source, or the source."""

import base64
import csv
import gzip
import hashlib
import io
import json
import zipfile
from pathlib import Path

import pytest
from small_site import write_small_site

from latefind.errors import RuntimeFilesError
from latefind_build import browser_python
from latefind_build.archives import read_archive, write_archive, write_wheel
from latefind_build.browser_modules import BrowserModules, browser_modules
from latefind_build.browser_python import browser_wheel, pyodide_files, visitor_files
from latefind_build.cli import main
from latefind_build.runtime import FACTS, LOCK

BRIDGE, ERRORS = b"import json\nfrom latefind.errors import E\n", b"class E(Exception): pass\n"


@pytest.fixture
def package(tmp_path: Path) -> Path:
    """A package of ours, with a module that the browser never reaches."""
    folder = tmp_path / "latefind"
    folder.mkdir()
    (folder / "__init__.py").write_bytes(b"")
    (folder / "bridge.py").write_bytes(BRIDGE)
    (folder / "errors.py").write_bytes(ERRORS)
    (folder / "builder.py").write_bytes(b"import latefind.bridge")
    return folder


@pytest.fixture
def runtime(package: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A packed runtime for it, in which the bridge is compiled."""
    folder = tmp_path / "runtime"
    (folder / "pyodide").mkdir(parents=True)
    (folder / "latefind").mkdir()
    (folder / "latefind/bridge.pyc").write_bytes(b"bytecode")
    numpy = write_wheel({"numpy/__init__.pyc": b"n" * 999}, "numpy-1.dist-info", stored=True)
    (folder / "pyodide/numpy-1-py3-none-any.whl").write_bytes(numpy)
    (folder / "pyodide/python_stdlib.zip").write_bytes(write_archive({"json.pyc": b"j" * 999}, stored=True))
    lock = {"info": {}, "packages": {"numpy": {"file_name": "numpy-1-py3-none-any.whl", "sha256": "?"}}}
    (folder / "pyodide" / LOCK).write_text(json.dumps(lock))
    facts = {"sources": {"bridge.py": hashlib.sha256(BRIDGE).hexdigest()}, "dropped": ["turtle", "numpy.fft"]}
    (folder / FACTS).write_text(json.dumps(facts))
    monkeypatch.setattr(browser_python, "browser_modules", lambda: browser_modules(package))
    return folder


def test_modules_are_those_that_the_bridge_reaches(package: Path) -> None:
    assert list(browser_modules(package).sources) == ["__init__.py", "bridge.py", "errors.py"]


def test_modules_of_the_browser_have_no_word_index() -> None:
    """Words are searched in JavaScript: docs/design.md, the word index."""
    names = browser_modules().sources.keys()
    assert {"bridge.py", "search.py", "tokenizer_unigram.py"} <= names
    assert not [name for name in names if "lexical" in name]


@pytest.mark.parametrize(
    "source",
    [
        "import numpy.fft",
        "import numpy.fft as fourier",
        "from numpy import fft",
        "from numpy.fft import rfft",
        "import numpy as np\nnp.fft.rfft",
        "import numpy\nnumpy.fft.rfft(1)",
        "def later():\n    import numpy.fft",
    ],
)
def test_imports_are_seen_however_they_are_written(package: Path, source: str) -> None:
    (package / "errors.py").write_text(source)
    assert "numpy.fft" in browser_modules(package).imports["errors.py"]


def test_wheel_has_bytecode_of_unchanged_sources_and_the_others_as_they_are(runtime: Path) -> None:
    members = read_archive(browser_wheel(runtime)[1])
    assert members["latefind/bridge.pyc"] == b"bytecode"
    assert members["latefind/errors.py"] == ERRORS
    assert "latefind/bridge.py" not in members


def test_wheel_of_a_changed_module_has_its_source(runtime: Path, package: Path) -> None:
    (package / "bridge.py").write_bytes(BRIDGE + b"\n")
    members = read_archive(browser_wheel(runtime)[1])
    assert members["latefind/bridge.py"] == BRIDGE + b"\n"
    assert "latefind/bridge.pyc" not in members


@pytest.mark.parametrize("source", ["import turtle", "import numpy as np\nnp.fft.rfft"])
def test_import_of_what_the_runtime_has_no_more_is_refused(runtime: Path, package: Path, source: str) -> None:
    (package / "errors.py").write_text(source)
    with pytest.raises(RuntimeFilesError, match=r"latefind/errors.py: .*(turtle|numpy.fft).*make runtime"):
        browser_wheel(runtime)


def test_record_of_the_wheel_lists_every_member_with_its_hash(runtime: Path) -> None:
    members = read_archive(browser_wheel(runtime)[1])
    record = next(name for name in members if name.endswith("/RECORD"))
    rows = list(csv.reader(io.StringIO(members[record].decode())))
    assert {name for name, _, _ in rows} == members.keys()
    for name, digest, size in rows:
        if name != record:
            expected = base64.urlsafe_b64encode(hashlib.sha256(members[name]).digest()).rstrip(b"=").decode()
            assert (digest, size) == (f"sha256={expected}", str(len(members[name])))


def test_lock_has_the_hashes_of_the_files_beside_it(runtime: Path) -> None:
    files = pyodide_files(runtime)
    packages = json.loads(files[LOCK])["packages"]
    assert set(packages) == {"numpy", "latefind"}
    for package in packages.values():
        assert package["sha256"] == hashlib.sha256(files[package["file_name"]]).hexdigest()


def test_visitors_get_what_python_reads_in_one_archive(runtime: Path) -> None:
    [archive] = visitor_files(runtime, stored=True).values()
    members = read_archive(archive)
    assert {LOCK, "python_stdlib.zip", "site-packages/latefind/bridge.pyc"} <= members.keys()
    assert members["site-packages/numpy/__init__.pyc"] == b"n" * 999


def test_archive_is_in_gzip_unless_hosts_compress_it(runtime: Path) -> None:
    [(stored, archive)] = visitor_files(runtime, stored=True).items()
    [(packed, data)] = visitor_files(runtime).items()
    assert (stored, packed) == ("python.zip", "python.bin")
    assert gzip.decompress(data) == archive
    with zipfile.ZipFile(io.BytesIO(archive)) as opened:
        assert {member.compress_type for member in opened.infolist()} == {zipfile.ZIP_STORED}


def test_build_with_siblings_stores_what_they_compress_better(tmp_path: Path) -> None:
    write_small_site(tmp_path)
    assert main(["build", str(tmp_path), "--precompress"]) == 0
    [archive] = tmp_path.glob("latefind/runtime/pyodide-*/python.zip")
    sizes = [archive.with_name(archive.name + suffix).stat().st_size for suffix in ("", ".gz", ".br")]
    assert sizes == sorted(sizes, reverse=True)
    assert sizes[0] > 2 * sizes[1]


def test_archive_depends_on_nothing_but_its_members() -> None:
    one = write_archive({"b": b"2", "a": b"1"}, stored=True)
    assert one == write_archive({"a": b"1", "b": b"2"}, stored=True)
    assert read_archive(one) == {"a": b"1", "b": b"2"}


def test_empty_package_is_an_empty_set(tmp_path: Path) -> None:
    assert browser_modules(tmp_path / "latefind") == BrowserModules({}, {})
