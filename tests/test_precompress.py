"""Compressed siblings: what gets them, that they unpack to the file, and who is given them."""

import gzip
import http.client
import json
import os
import shutil
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import brotli
import pytest
from conftest import SUB_PATH, watch
from playwright.sync_api import Browser
from small_site import write_small_site

from latefind_build import precompress as module
from latefind_build.cli import main
from latefind_build.precompress import precompress, transfer_sizes
from latefind_build.serve import address, make_server

WORDS = "the quick brown fox jumps over the lazy dog " * 100
ASK = """async (base) => {
  const { createSearch } = await import(base + "latefind.js");
  const search = await createSearch({ base });
  const { results } = await search.query("stop snails eating my lettuce", { mode: "semantic" });
  return results[0].id;
}"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "sub").mkdir()
    (tmp_path / "words.js").write_text(WORDS)
    (tmp_path / "sub/page.html").write_text(WORDS)
    (tmp_path / "short.js").write_text("let a;")
    (tmp_path / "random.bin").write_bytes(os.urandom(20_000))
    (tmp_path / "picture.png").write_text(WORDS)
    return tmp_path


def test_siblings_unpack_to_their_file(folder: Path) -> None:
    precompress(folder)
    for name in ("words.js", "sub/page.html"):
        assert brotli.decompress((folder / f"{name}.br").read_bytes()).decode() == WORDS
        assert gzip.decompress((folder / f"{name}.gz").read_bytes()).decode() == WORDS


def test_siblings_only_of_what_becomes_smaller(folder: Path) -> None:
    assert precompress(folder) == 4
    made = {path.name for path in folder.rglob("*") if path.suffix in {".br", ".gz"}}
    assert made == {"words.js.br", "words.js.gz", "page.html.br", "page.html.gz"}


def test_siblings_are_the_same_every_time(folder: Path) -> None:
    precompress(folder)
    first = [(folder / f"words.js{suffix}").read_bytes() for suffix in (".br", ".gz")]
    precompress(folder)
    assert [(folder / f"words.js{suffix}").read_bytes() for suffix in (".br", ".gz")] == first


def test_sibling_that_no_longer_pays_is_removed(folder: Path) -> None:
    precompress(folder)
    (folder / "words.js").write_bytes(os.urandom(20_000))
    precompress(folder)
    assert not (folder / "words.js.br").exists()
    assert not (folder / "words.js.gz").exists()


def test_transfer_size_is_the_sibling_s(folder: Path) -> None:
    precompress(folder)
    [sizes] = transfer_sizes([folder / "words.js"])
    assert sizes.raw == len(WORDS)
    assert sizes.brotli == (folder / "words.js.br").stat().st_size
    assert sizes.gzip == (folder / "words.js.gz").stat().st_size


def test_transfer_size_without_siblings_is_what_a_host_makes(folder: Path) -> None:
    words, random, picture = transfer_sizes(
        [folder / name for name in ("words.js", "random.bin", "picture.png")]
    )
    assert words.brotli < words.gzip < words.raw
    assert random.raw == random.gzip == random.brotli
    assert picture.raw == picture.gzip == picture.brotli


Ask = Callable[..., tuple[http.client.HTTPMessage, bytes]]


@pytest.fixture
def ask(folder: Path) -> Iterator[Ask]:
    precompress(folder)
    server = make_server(folder, 0)
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()

    def send(path: str, **headers: str) -> tuple[http.client.HTTPMessage, bytes]:
        connection = http.client.HTTPConnection(*server.server_address[:2], timeout=30)
        connection.request(
            "GET", path, headers={key.replace("_", "-"): text for key, text in headers.items()}
        )
        response = connection.getresponse()
        body = response.read()
        connection.close()
        return response.headers, body

    yield send
    server.shutdown()
    server.server_close()


@pytest.mark.parametrize(
    ("accepted", "given"),
    [
        ("gzip, deflate, br, zstd", "br"),
        ("gzip", "gzip"),
        ("br;q=0, gzip;q=0.5", "gzip"),
        ("*", "br"),
        ("identity", None),
        ("", None),
    ],
)
def test_server_gives_what_the_client_takes(ask: Ask, accepted: str, given: str | None) -> None:
    headers, body = ask("/words.js", Accept_Encoding=accepted)
    unpack = {"br": brotli.decompress, "gzip": gzip.decompress, None: bytes}[given]
    assert headers["Content-Encoding"] == given
    assert unpack(body).decode() == WORDS
    assert headers["Content-Type"] == "text/javascript; charset=utf-8"
    assert headers["Vary"] == "Accept-Encoding"


def test_server_tells_the_forms_apart_by_their_tags(ask: Ask) -> None:
    tags = {ask("/words.js", Accept_Encoding=name)[0]["ETag"] for name in ("br", "gzip", "identity")}
    assert len(tags) == 3


def test_server_without_siblings_says_nothing_of_encodings(ask: Ask) -> None:
    headers, _ = ask("/random.bin", Accept_Encoding="br")
    assert headers["Vary"] is None
    assert headers["Content-Encoding"] is None


def test_server_gives_no_sibling_that_is_older_than_its_file(ask: Ask, folder: Path) -> None:
    (folder / "words.js").write_text("new")
    later = (folder / "words.js.br").stat().st_mtime + 10
    os.utime(folder / "words.js", (later, later))
    headers, body = ask("/words.js", Accept_Encoding="br")
    assert headers["Content-Encoding"] is None
    assert body == b"new"


@pytest.fixture(scope="module")
def compressed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The small site, built with siblings; in a hurry, as their size is of no matter here."""
    site = tmp_path_factory.mktemp("compressed") / SUB_PATH
    write_small_site(site)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "LARGE_QUALITY", 1)
        patch.setattr(module, "QUALITY", 1)
        assert main(["build", str(site), "--pwa", "--precompress"]) == 0
    return site


def test_build_precompresses_the_bundle(compressed: Path) -> None:
    bundle = compressed / "latefind"
    [inside] = bundle.glob("runtime/code-*/inside.js")
    files = [inside, bundle / "manifest.json", bundle / "precache.json"]
    assert all(path.with_name(f"{path.name}{end}").is_file() for path in files for end in (".br", ".gz"))
    assert len(list(bundle.rglob("*.wasm.br"))) == 2


def test_build_keeps_siblings_out_of_the_offline_copy(compressed: Path) -> None:
    text = (compressed / "latefind/precache.json").read_text("utf-8")
    assert ".br" not in text
    assert ".gz" not in text


def test_search_works_from_siblings(compressed: Path, chromium: Browser) -> None:
    root = compressed.parent.parent
    server = make_server(root, 0)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    url = f"{address(server)}{SUB_PATH}/"
    with watch(chromium) as watched:
        watched.page.goto(url)
        assert watched.page.evaluate(ASK, f"{url}latefind/") == "garden/#slugs"
        assert watched.console == []
    server.shutdown()
    server.server_close()


def test_inspect_prints_the_download_by_part(compressed: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["inspect", str(compressed), "--json"]) == 0
    description = json.loads(capsys.readouterr().out)
    transfer = description["transfer"]
    assert list(transfer) == ["page", "worker", "python", "onnxruntime", "model", "index"]
    assert all(part["files"] and part["brotli"] <= part["raw"] for part in transfer.values())
    loaded = sum(transfer[name]["raw"] for name in ("python", "onnxruntime", "model", "index"))
    assert loaded == description["download"]


def test_inspect_says_what_the_next_page_keeps(compressed: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["inspect", str(compressed)]) == 0
    shown = capsys.readouterr().out
    assert "A visitor downloads until the first semantic answer:" in shown
    assert "The next page takes it from the browser's cache" in shown


def test_inspect_counts_what_a_page_asks_for(
    compressed: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(compressed / "latefind", copy, ignore=shutil.ignore_patterns("*.br", "*.gz"))
    [stemmer] = copy.glob("runtime/code-*/stem/en.js")
    stemmer.unlink()
    counts = []
    for folder in (compressed, copy):
        assert main(["inspect", str(folder), "--json"]) == 0
        counts.append(json.loads(capsys.readouterr().out)["transfer"]["page"]["files"])
    assert counts[1] < counts[0]
