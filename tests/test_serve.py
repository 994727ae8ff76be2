"""`latefind serve`: real requests to a server on a free port."""

import gzip
import http.client
import os
import signal
import socket
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from conftest import obey_ctrl_c

from latefind.errors import UsageError
from latefind_build.serve import CONTENT_SECURITY_POLICY, FOREVER, address, make_server

WAIT = 30
"""Seconds after which a server that should have answered has failed."""

POLL = 0.01
"""Seconds between two looks of the server at whether it should stop."""


@pytest.fixture
def site(tmp_path):
    folder = tmp_path / "site"
    (folder / "guide").mkdir(parents=True)
    (folder / "index.html").write_text("<p>home")
    (folder / "guide/index.html").write_text("<p>guide")
    (folder / "note.txt").write_text("note")
    (tmp_path / "secret.txt").write_text("secret")
    return folder


@pytest.fixture
def ask(site):
    """Send one request exactly as written; return status, headers and body."""
    server = make_server(site, 0)
    thread = threading.Thread(target=server.serve_forever, args=(POLL,), daemon=True)
    thread.start()

    def send(path: str, method: str = "GET", **headers: str):
        connection = http.client.HTTPConnection(*server.server_address[:2], timeout=WAIT)
        names = {name.replace("_", "-"): value for name, value in headers.items()}
        connection.request(method, path, headers=names)
        response = connection.getresponse()
        body = response.read()
        connection.close()
        return response.status, response.headers, body

    yield send
    server.shutdown()
    server.server_close()
    thread.join()


def test_serve_file(ask):
    status, headers, body = ask("/note.txt")

    assert (status, body) == (200, b"note")
    assert headers["Content-Length"] == "4"


def test_serve_folder_gives_its_index(ask):
    assert ask("/guide/")[::2] == (200, b"<p>guide")


def test_serve_folder_without_slash_redirects_and_keeps_the_query(ask):
    status, headers, _ = ask("/guide?q=a%20b")

    assert (status, headers["Location"]) == (301, "/guide/?q=a%20b")


def test_serve_redirect_stays_on_this_host(ask):
    status, headers, _ = ask("//guide")

    assert (status, headers["Location"]) == (301, "/guide/")


def test_serve_folder_without_index_is_not_listed(ask, site):
    (site / "empty").mkdir()

    assert ask("/empty/")[0] == 404


def test_serve_head_has_no_body(ask):
    status, headers, body = ask("/note.txt", "HEAD")

    assert (status, headers["Content-Length"], body) == (200, "4", b"")


def test_serve_name_with_spaces_and_accents(ask, site):
    (site / "déjà vu.txt").write_text("again")

    assert ask("/d%C3%A9j%C3%A0%20vu.txt")[::2] == (200, b"again")


@pytest.mark.parametrize(
    "path",
    [
        "/../secret.txt",
        "/guide/../../secret.txt",
        "/%2e%2e/secret.txt",
        "/..%2fsecret.txt",
        "/guide/%2e%2e%2f%2e%2e%2fsecret.txt",
        "/..\\secret.txt",
        "//secret.txt",
        "/link.txt",
        "/note.txt%00.html",
        "/note.txt/",
    ],
)
def test_serve_nothing_outside_the_folder(ask, site, path):
    (site / "link.txt").symlink_to(site.parent / "secret.txt")

    status, _, body = ask(path)

    assert status == 404
    assert b"secret" not in body


def test_serve_absolute_path_names_nothing_outside(ask, tmp_path):
    assert ask(f"/{tmp_path / 'secret.txt'}")[0] == 404


@pytest.mark.parametrize(
    ("name", "content_type"),
    [
        ("a.html", "text/html; charset=utf-8"),
        ("a.js", "text/javascript; charset=utf-8"),
        ("a.mjs", "text/javascript; charset=utf-8"),
        ("a.css", "text/css; charset=utf-8"),
        ("a.wasm", "application/wasm"),
        ("a.json", "application/json"),
        ("a.webmanifest", "application/manifest+json"),
        ("a.onnx", "application/octet-stream"),
        ("a.bin", "application/octet-stream"),
        ("a.whl", "application/zip"),
        ("a.svg", "image/svg+xml"),
        ("a.unknown", "application/octet-stream"),
    ],
)
def test_serve_content_type(ask, site, name, content_type):
    (site / name).write_text("x")

    assert ask(f"/{name}")[1]["Content-Type"] == content_type


@pytest.mark.parametrize(
    ("path", "cached"),
    [
        ("latefind/model/model-0123abcd.onnx", FOREVER),
        ("latefind/index/vectors-00000-0123abcd.bin", FOREVER),
        ("latefind/runtime/pyodide-0123abcd/pyodide.mjs", FOREVER),
        ("latefind/runtime/code-0123abcd/strings/de.js", FOREVER),
        ("latefind/index/manifest-0123abcd.json", FOREVER),
        ("assets/find/model/model-0123abcd.onnx", FOREVER),
        ("latefind-theme/theme-0123abcd.css", FOREVER),
        ("images/photo-0123abcd.png", "no-cache"),
        ("latefind/manifest.json", "no-cache"),
        ("latefind/latefind.js", "no-cache"),
        ("latefind/model/model.onnx", "no-cache"),
        ("note.txt", "no-cache"),
    ],
)
def test_serve_only_hashed_files_are_kept_for_ever(ask, site, path, cached):
    (site / path).parent.mkdir(parents=True, exist_ok=True)
    (site / path).write_text("x")

    assert ask(f"/{path}")[1]["Cache-Control"] == cached


def test_serve_unchanged_file_is_not_sent_again(ask):
    tag = ask("/note.txt")[1]["ETag"]

    status, headers, body = ask("/note.txt", If_None_Match=f'"other", W/{tag}')

    assert (status, headers["ETag"], body) == (304, tag, b"")


def test_serve_changed_file_is_sent_again(ask, site):
    tag = ask("/note.txt")[1]["ETag"]
    (site / "note.txt").write_text("another note")

    assert ask("/note.txt", If_None_Match=tag)[::2] == (200, b"another note")


def test_serve_every_answer_forbids_type_guessing_and_referrers(ask):
    for path in ("/", "/note.txt", "/guide", "/nothing"):
        headers = ask(path)[1]
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["Referrer-Policy"] == "same-origin"


def test_serve_site_that_latefind_made_gets_the_policy_everywhere(ask, site):
    (site / ".latefind-site").write_text("")

    assert ask("/guide/")[1]["Content-Security-Policy"] == CONTENT_SECURITY_POLICY


def test_serve_other_sites_get_the_policy_for_the_bundle_only(ask, site):
    (site / "latefind/runtime").mkdir(parents=True)
    (site / "latefind/latefind.js").write_text("")
    (site / "latefind/runtime/x.mjs").write_text("")

    assert ask("/")[1]["Content-Security-Policy"] is None
    assert ask("/latefind/latefind.js")[1]["Content-Security-Policy"] == CONTENT_SECURITY_POLICY
    assert ask("/latefind/runtime/x.mjs")[1]["Content-Security-Policy"] == CONTENT_SECURITY_POLICY


def test_serve_missing_file_shows_the_page_of_the_site(ask, site):
    (site / "404.html").write_text("<p>lost")

    status, headers, body = ask("/nothing/here")

    assert (status, body) == (404, b"<p>lost")
    assert headers["Content-Type"] == "text/html; charset=utf-8"


def test_serve_missing_file_is_never_answered_as_unchanged(ask, site):
    (site / "404.html").write_text("<p>lost")
    tag = ask("/nothing")[1]["ETag"]

    assert ask("/nothing", If_None_Match=tag)[0] == 404


def test_serve_refuses_to_be_written_to(ask):
    assert ask("/note.txt", "POST")[0] == 501


def test_serve_answers_several_visitors_at_once(ask, site):
    # A connection that says nothing must not hold up the others.
    server = make_server(site, 0)
    threading.Thread(target=server.serve_forever, args=(POLL,), daemon=True).start()
    with socket.create_connection(server.server_address[:2]):
        connection = http.client.HTTPConnection(*server.server_address[:2], timeout=WAIT)
        connection.request("GET", "/note.txt")
        assert connection.getresponse().read() == b"note"
        connection.close()
    server.shutdown()
    server.server_close()


@pytest.mark.parametrize("name", ["missing", "note.txt"])
def test_serve_needs_a_folder(site, name):
    with pytest.raises(UsageError, match="expected a folder to serve"):
        make_server(site / name, 0)


def test_serve_port_in_use_is_named_with_another(site):
    with make_server(site, 0) as server:
        port = server.server_address[1]

        with pytest.raises(UsageError, match=rf"--port: expected a free port, got {port}, which is in use"):
            make_server(site, port)


@pytest.mark.parametrize("port", [-1, 65536])
def test_serve_port_out_of_range_is_refused(site, port):
    with pytest.raises(UsageError, match="--port: expected a number from 0 to 65535"):
        make_server(site, port)


def test_serve_privileged_port_is_refused_with_advice(site, monkeypatch):
    def bind(*_):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("latefind_build.serve._Server.server_bind", bind)

    with pytest.raises(UsageError, match=r"got 80, which needs privileges\. Try --port 8000\."):
        make_server(site, 80)


def test_serve_host_of_another_machine_is_refused(site):
    with pytest.raises(UsageError, match="--host: expected an address of this machine"):
        make_server(site, 0, "192.0.2.1")


def test_serve_address_is_a_url(site):
    with make_server(site, 0) as server:
        assert address(server) == f"http://127.0.0.1:{server.server_address[1]}/"


def test_serve_prints_its_address_and_ends_cleanly_on_ctrl_c(site):
    code = f"from pathlib import Path; from latefind_build.serve import serve; serve(Path({str(site)!r}), 0)"
    process = subprocess.Popen(
        [sys.executable, "-c", code],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)},
        preexec_fn=obey_ctrl_c,
    )
    assert process.stdout is not None
    url = process.stdout.readline().strip()
    host = url.removeprefix("http://").removesuffix("/")
    connection = http.client.HTTPConnection(host, timeout=WAIT)
    connection.request("GET", "/note.txt")
    answer = connection.getresponse().read()
    connection.close()

    process.send_signal(signal.SIGINT)
    rest, errors = process.communicate(timeout=WAIT)

    assert answer == b"note"
    assert process.returncode == 0
    assert rest == ""
    assert "Traceback" not in errors


def test_serve_folder_given_relative_to_the_working_directory(site, monkeypatch):
    monkeypatch.chdir(site.parent)
    with make_server(Path("site"), 0) as server:
        monkeypatch.chdir("/")
        thread = threading.Thread(target=server.handle_request)
        thread.start()
        connection = http.client.HTTPConnection(*server.server_address[:2], timeout=WAIT)
        connection.request("GET", "/note.txt", headers={"Connection": "close"})
        assert connection.getresponse().read() == b"note"
        connection.close()
        thread.join()


def test_serve_compresses_text_for_whoever_takes_it(ask, site):
    (site / "long.js").write_text("// words, words\n" * 200)
    _, headers, body = ask("/long.js", Accept_Encoding="gzip, deflate")
    assert headers["Content-Encoding"] == "gzip"
    assert int(headers["Content-Length"]) == len(body) < 200
    assert gzip.decompress(body) == (site / "long.js").read_bytes()


@pytest.mark.parametrize("taken", ["", "br", "gzip;q=0", "gzip; q=0.0, br"])
def test_serve_compresses_for_nobody_else(ask, site, taken):
    (site / "long.js").write_text("// words, words\n" * 200)
    _, headers, body = ask("/long.js", Accept_Encoding=taken)
    assert headers["Content-Encoding"] is None
    assert headers["Vary"] == "Accept-Encoding"
    assert body == (site / "long.js").read_bytes()


@pytest.mark.parametrize("name", ["small.js", "data-0123456789abcdef.bin"])
def test_serve_leaves_alone_what_gains_nothing(ask, site, name):
    (site / name).write_bytes(b"x" * (100 if name == "small.js" else 5000))
    assert ask(f"/{name}", Accept_Encoding="gzip")[1]["Content-Encoding"] is None
