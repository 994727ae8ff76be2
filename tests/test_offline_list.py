"""The list of an offline copy and the service worker's loader, as `latefind build --pwa` writes them."""

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest

from latefind.errors import UsageError
from latefind_build.cli import main
from latefind_build.paths import web_dir
from latefind_build.pwa import SITE_FILE_BYTES, add_offline, write_loader


@pytest.fixture
def site(tmp_path: Path) -> Path:
    """A site with a search folder that holds little more than the service worker's scripts."""
    site = tmp_path / "site"
    files = {
        "index.html": "<p>home",
        "guide/a page.html": "<p>guide",
        "404.html": "<p>lost",
        "logo.png": "png",
        "film.mp4": "film",
        ".hidden/page.html": "<p>hidden",
        "find/me/latefind.js": "//",
        "find/me/model/model-0123abcd.onnx": "model",
        "find/me/runtime/pyodide-0123abcd/pyodide.mjs": "//",
    }
    for name, text in files.items():
        (site / name).parent.mkdir(parents=True, exist_ok=True)
        (site / name).write_text(text)
    for name in ("sw-core.js", "sw-store.js", "sw-download.js"):
        (site / "find/me" / name).write_bytes((web_dir() / name).read_bytes())
    return site


def read(site: Path) -> dict[str, Any]:
    fields: dict[str, Any] = json.loads((site / "find/me/precache.json").read_bytes())
    return fields


def names(site: Path, key: str) -> list[str]:
    return [name for name, _, _ in read(site)[key]]


def test_list_has_what_the_site_is_made_of(site: Path) -> None:
    add_offline(site / "find/me", site, "find/me", "all")
    assert names(site, "site") == ["guide/a page.html", "index.html", "logo.png"]
    assert names(site, "search") == ["latefind.js"]
    assert names(site, "hashed") == ["model/model-0123abcd.onnx", "runtime/pyodide-0123abcd/pyodide.mjs"]
    assert read(site)["root"] == "../../"


def test_list_says_size_and_hash(site: Path) -> None:
    add_offline(site / "find/me", site, "find/me", "all")
    [row] = [row for row in read(site)["site"] if row[0] == "index.html"]
    assert row[1:] == [7, hashlib.sha256(b"<p>home").hexdigest()]


def test_list_without_pages_is_the_search_alone(site: Path) -> None:
    add_offline(site / "find/me", site, "find/me", "none")
    assert names(site, "site") == []
    assert names(site, "search") == ["latefind.js"]


def test_list_leaves_large_files_to_the_network(site: Path) -> None:
    (site / "poster.png").write_bytes(bytes(SITE_FILE_BYTES + 1))
    add_offline(site / "find/me", site, "find/me", "all")
    assert "poster.png" not in names(site, "site")


def test_list_is_the_same_for_the_same_files(site: Path) -> None:
    add_offline(site / "find/me", site, "find/me", "all")
    before = (site / "find/me/precache.json").read_bytes()
    (site / "find/me/precache.json").unlink()
    (site / "find/me/sw-core.js").write_bytes((web_dir() / "sw-core.js").read_bytes())
    add_offline(site / "find/me", site, "find/me", "all")
    assert (site / "find/me/precache.json").read_bytes() == before


def test_list_of_another_page_has_another_version(site: Path) -> None:
    add_offline(site / "find/me", site, "find/me", "all")
    before = read(site)["version"]
    (site / "index.html").write_text("<p>HOME")
    (site / "find/me/sw-core.js").write_bytes((web_dir() / "sw-core.js").read_bytes())
    add_offline(site / "find/me", site, "find/me", "all")
    assert read(site)["version"] != before


def test_service_worker_knows_its_folder_and_pages(site: Path) -> None:
    add_offline(site / "find/me", site, "find/me", "visited")
    assert 'importScripts("find/me/sw-core.js");' in (site / "latefind-sw.js").read_text()
    core = (site / "find/me/sw-core.js").read_text("utf-8")
    assert 'const LATEFIND_SETTINGS = {"folder": "find/me/", "pages": "visited"};' in core


def test_loader_replaces_its_own_file_only(site: Path) -> None:
    write_loader(site, "latefind")
    write_loader(site, "latefind")
    (site / "latefind-sw.js").write_text("// the site's own")
    with pytest.raises(UsageError, match=r"latefind-sw\.js: expected no file, or one that latefind wrote"):
        write_loader(site, "latefind")


def test_build_keeps_records_from_being_a_site(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    records = tmp_path / "records.jsonl"
    records.write_text('{"id": "a", "text": "Bread needs steam."}\n')
    assert main(["build", "--records", str(records), "--output", str(tmp_path / "out"), "--pwa"]) == 2
    assert "--pwa: expected a site, got records" in capsys.readouterr().err


def test_build_writes_nothing_outside_its_folder_unless_asked(built_site: Path) -> None:
    assert not (built_site / "latefind-sw.js").exists()
    assert not (built_site / "latefind/precache.json").exists()
