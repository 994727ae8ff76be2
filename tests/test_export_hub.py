"""Finding checkpoints: folders, and a hub on this machine with the routes that huggingface_hub asks."""

import hashlib
import http.server
import json
import re
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import huggingface_hub
import pytest
from huggingface_hub import constants, file_download
from huggingface_hub.utils import disable_progress_bars, reset_sessions

from latefind.errors import ModelError, UsageError
from latefind_export.hub import locate

COMMIT = "0123456789abcdef0123456789abcdef01234567"
WEIGHTS = bytes(range(256)) * 40_000
"""10 MB, to be interrupted."""

FILES = {
    "config.json": b'{"model_type": "bert"}',
    "modules.json": b"[]",
    "README.md": b"# A model",
    "vocab.txt": b"[PAD]\n",
    "1_Dense/config.json": b"{}",
    "1_Dense/model.safetensors": b"head",
    "model.safetensors": WEIGHTS,
    "pytorch_model.bin": b"pickle",
    "1_Dense/pytorch_model.bin": b"pickle",
    "onnx/config.json": b"{}",
    "onnx/model.onnx": b"graph",
    "modeling_own.py": b"print('code')",
}


@dataclass
class Hub:
    """What the server has and does; ``requests`` are (method, path, Range)."""

    files: dict[str, bytes] = field(default_factory=lambda: dict(FILES))
    requests: list[tuple[str, str, str | None]] = field(default_factory=list)
    failures: dict[str, tuple[int, str]] = field(default_factory=dict)
    """Model → status and the code of the error in the header."""
    cut_after: int | None = None
    """Bytes of the weights after which the connection breaks off."""

    def downloads(self) -> list[str]:
        return [
            path.partition("/resolve/")[2].partition("/")[2]
            for _, path, _ in self.requests
            if "/resolve/" in path
        ]


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Hub]:
    state = Hub()

    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *arguments: object) -> None:
            pass

        def do_HEAD(self) -> None:
            self.answer(body=False)

        def do_GET(self) -> None:
            self.answer(body=True)

        def answer(self, *, body: bool) -> None:
            path = unquote(self.path)
            state.requests.append((self.command, path, self.headers["Range"]))
            info = re.fullmatch(r"/api/models/([\w-]+/[\w-]+)(?:/revision/(.+))?", path)
            file = re.fullmatch(r"/([\w-]+/[\w-]+)/resolve/([^/]+)/(.+)", path)
            found = info or file
            failure = state.failures.get(found[1]) if found else (404, "RepoNotFound")
            if failure is None and found and found[2] not in (None, "main", COMMIT):
                failure = (404, "RevisionNotFound")
            if failure:
                self.send({"X-Error-Code": failure[1]}, b'{"error": "no"}', body, failure[0])
            elif info:
                siblings = [{"rfilename": name} for name in state.files]
                data = {"id": info[1], "modelId": info[1], "sha": COMMIT, "siblings": siblings}
                self.send({"Content-Type": "application/json"}, json.dumps(data).encode(), body)
            elif file:
                self.send_file(state.files[file[3]], body)

        def send_file(self, content: bytes, body: bool) -> None:
            etag = hashlib.sha256(content).hexdigest()
            headers = {"ETag": f'"{etag}"', "X-Repo-Commit": COMMIT, "Accept-Ranges": "bytes"}
            start = int((self.headers["Range"] or "bytes=0-")[6:].partition("-")[0])
            status = 206 if start else 200
            if start:
                headers["Content-Range"] = f"bytes {start}-{len(content) - 1}/{len(content)}"
            self.send(headers, content[start:], body, status)

        def send(self, headers: dict[str, str], content: bytes, body: bool, status: int = 200) -> None:
            self.send_response(status)
            for name, value in {**headers, "Content-Length": str(len(content))}.items():
                self.send_header(name, value)
            self.end_headers()
            if body and state.cut_after is not None and len(content) > state.cut_after:
                self.wfile.write(content[: state.cut_after])
                self.close_connection = True
            elif body:
                self.wfile.write(content)

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    use_hub(monkeypatch, f"http://127.0.0.1:{server.server_address[1]}", tmp_path / "cache")
    yield state
    reset_sessions()
    server.shutdown()
    server.server_close()


def use_hub(monkeypatch: pytest.MonkeyPatch, endpoint: str, cache: Path, *, offline: bool = False) -> None:
    """Do what environment variables do, which the library reads only once, when it is imported."""
    template = endpoint + "/{repo_id}/resolve/{revision}/{filename}"
    monkeypatch.setattr(constants, "ENDPOINT", endpoint)
    monkeypatch.setattr(constants, "HUGGINGFACE_CO_URL_TEMPLATE", template)
    monkeypatch.setattr(file_download, "HUGGINGFACE_CO_URL_TEMPLATE", template)
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(cache))
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", offline)
    reset_sessions()
    disable_progress_bars()


# --------------------------------------------------------------------------------------------- folders


def test_locate_takes_a_folder_by_its_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "owner" / "model").mkdir(parents=True)
    monkeypatch.chdir(tmp_path)
    location = locate("owner/model")
    assert (location.folder, location.source) == (Path("owner/model"), "model")
    monkeypatch.chdir(tmp_path / "owner")
    assert locate(".").source == "owner"


@pytest.mark.parametrize(
    "name", ["./no/such", "/no/such/folder", "../model", "model", "a/b/c", "~/nowhere", ""]
)
def test_locate_reports_a_path_that_does_not_exist(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    if name:
        with pytest.raises(UsageError, match="expected a folder that exists, or owner/name"):
            locate(name)


def test_locate_reports_a_file(tmp_path: Path) -> None:
    (tmp_path / "model.safetensors").write_bytes(b"")
    with pytest.raises(UsageError, match="expected a checkpoint's folder, got a file"):
        locate(str(tmp_path / "model.safetensors"))


def test_locate_refuses_a_revision_of_a_folder(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="--revision: expected a name of the hub's"):
        locate(str(tmp_path), revision="main")


# ------------------------------------------------------------------------------------------------- hub


def test_locate_downloads_the_checkpoints_files_and_names_the_commit(hub: Hub) -> None:
    location = locate("owner/model")
    assert location.source == f"owner/model@{COMMIT}"
    got = {str(path.relative_to(location.folder)) for path in location.folder.rglob("*") if path.is_file()}
    assert got == {
        *("config.json", "modules.json", "README.md", "vocab.txt", "model.safetensors"),
        *("1_Dense/config.json", "1_Dense/model.safetensors"),
    }
    assert (location.folder / "model.safetensors").read_bytes() == WEIGHTS


def test_locate_downloads_nothing_twice(hub: Hub) -> None:
    locate("owner/model")
    hub.requests.clear()
    locate("owner/model")
    assert hub.downloads() == []


def test_locate_uses_the_cache_where_the_hub_is_off(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = locate("owner/model").folder
    hub.requests.clear()
    use_hub(monkeypatch, constants.ENDPOINT, Path(constants.HF_HUB_CACHE), offline=True)
    assert locate("owner/model").folder == folder
    assert hub.requests == []


def test_locate_says_what_is_not_cached(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    use_hub(monkeypatch, constants.ENDPOINT, Path(constants.HF_HUB_CACHE), offline=True)
    with pytest.raises(ModelError, match=r"since HF_HUB_OFFLINE is set, got nothing\. Run the command once"):
        locate("owner/model")


def test_locate_resumes_an_interrupted_download(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(constants, "DOWNLOAD_CHUNK_SIZE", 1_000_000)  # what the library writes at once
    hub.cut_after = 4_000_000
    with pytest.raises(ModelError, match="it goes on where it stopped"):
        locate("owner/model")
    hub.cut_after = None
    hub.requests.clear()
    location = locate("owner/model")
    assert (location.folder / "model.safetensors").read_bytes() == WEIGHTS
    gets = {path: start for method, path, start in hub.requests if method == "GET"}
    assert gets[f"/owner/model/resolve/{COMMIT}/model.safetensors"] == "bytes=4000000-"


@pytest.mark.parametrize(
    ("failure", "message"),
    [
        ((401, "RepoNotFound"), "expected a folder here, or a model on the hub, got neither"),
        ((404, "RepoNotFound"), "expected a folder here, or a model on the hub, got neither"),
        ((403, "GatedRepo"), r"one behind a gate\. Accept its terms"),
        ((404, "RevisionNotFound"), "expected a branch, tag or commit of the repository, got 'main'"),
        ((500, ""), "expected an answer of the hub, got 500"),
    ],
)
def test_locate_says_what_the_hub_answered(failure: tuple[int, str], message: str, hub: Hub) -> None:
    hub.failures["owner/model"] = failure
    with pytest.raises(ModelError, match=message):
        locate("owner/model")


def test_locate_reports_a_hub_that_is_not_reached(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    use_hub(monkeypatch, "http://127.0.0.1:1", tmp_path)
    with pytest.raises(ModelError, match=r"expected its files from http://127\.0\.0\.1:1, got a failure"):
        locate("owner/model")


def test_locate_reports_an_unknown_revision(hub: Hub) -> None:
    with pytest.raises(ModelError, match=r"got 'v9'\. Check --revision"):
        locate("owner/model", revision="v9")


def test_locate_reports_a_full_disk(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*arguments: Any, **options: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(huggingface_hub, "snapshot_download", fail)
    with pytest.raises(ModelError, match=r"got a full disk\. Free some space"):
        locate("owner/model")


def test_locate_refuses_pickled_weights_without_downloading_them(hub: Hub) -> None:
    del hub.files["model.safetensors"], hub.files["1_Dense/model.safetensors"]
    with pytest.raises(ModelError, match=r"got pytorch_model\.bin, .* Only safetensors are read"):
        locate("owner/model")
    assert hub.downloads() == []


def test_locate_refuses_custom_code_before_it_downloads_weights(hub: Hub) -> None:
    hub.files["config.json"] = b'{"auto_map": {"AutoModel": "modeling_own.Model"}}'
    with pytest.raises(ModelError, match=r"custom code .* use --trust-remote-code"):
        locate("owner/model")
    assert not {"model.safetensors", "modeling_own.py"} & set(hub.downloads())


@pytest.mark.parametrize("revision", [None, "main", COMMIT[:12]])
def test_locate_trusts_code_of_one_commit_only(revision: str | None, hub: Hub) -> None:
    with pytest.raises(UsageError, match="--revision with the commit, 40 hex digits"):
        locate("owner/model", revision, trust_remote_code=True)
    assert hub.requests == []


def test_locate_downloads_trusted_code(hub: Hub) -> None:
    hub.files["config.json"] = b'{"auto_map": {"AutoModel": "modeling_own.Model"}}'
    location = locate("owner/model", COMMIT, trust_remote_code=True)
    assert (location.folder / "modeling_own.py").is_file()
