"""``latefind serve``: a static server for looking at a site, with the headers that a real host should set.

It serves the files of one folder and nothing else: no listing, no upload, nothing outside the folder. The
headers are the advice of ``docs/hosting.md`` in running form, so that a policy which breaks search shows up
here rather than in production.

Where a file has compressed siblings (``latefind build --precompress``), a browser that takes them gets those.

The content security policy is sent with every file of a site that ``latefind site`` made, and with the
search bundle of any site (a worker's policy comes with its own response, not from the page). Pages that
something else generated get none: we cannot know which inline scripts they need.
"""

import errno
import gzip
import os
import re
import sys
from email.utils import formatdate
from functools import lru_cache, partial
from http import HTTPStatus
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from io import BytesIO
from pathlib import Path
from socket import AF_INET6
from typing import Any, BinaryIO
from urllib.parse import quote, unquote, urlsplit

from latefind.errors import UsageError
from latefind_build.precompress import ENCODINGS, sibling
from latefind_build.pwa import LOADER
from latefind_build.site import MARKER

CONTENT_SECURITY_POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self' 'wasm-unsafe-eval'",
        "worker-src 'self'",
        "connect-src 'self'",
        "style-src 'self'",
        "img-src 'self' data:",
        "font-src 'self'",
        "manifest-src 'self'",
        "base-uri 'none'",
        "form-action 'self'",
        "frame-ancestors 'none'",
    )
)

MIME_TYPES = {
    ".bin": "application/octet-stream",
    ".css": "text/css; charset=utf-8",
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".json": "application/json",
    ".mjs": "text/javascript; charset=utf-8",
    ".onnx": "application/octet-stream",
    ".svg": "image/svg+xml",
    ".txt": "text/plain; charset=utf-8",
    ".wasm": "application/wasm",
    ".webmanifest": "application/manifest+json",
    ".webp": "image/webp",
    ".whl": "application/zip",
    ".woff2": "font/woff2",
    ".xml": "application/xml",
    ".zip": "application/zip",
}
"""Types by suffix; fixed here, because Python's own table depends on the system it runs on."""

BUNDLE_FILE = "latefind.js"
"""A folder that holds this file is a search bundle."""

COMPRESSED = frozenset(
    (".css", ".html", ".js", ".json", ".mjs", ".svg", ".txt", ".wasm", ".webmanifest", ".xml")
)
"""What is sent as gzip to whoever takes it, as hosts do; the rest is compressed already, or gains little."""

SMALLEST_COMPRESSED = 512
"""Bytes below which gzip saves nothing worth having."""

FOREVER = "public, max-age=31536000, immutable"
REVALIDATE = "no-cache"

_HASH = r"-[0-9a-f]{8,64}"
_HASHED = re.compile(
    rf"(?:^|/)(?:runtime/[^/]+{_HASH}/.+"
    rf"|(?:model|index|lexical|latefind-theme)/(?:[^/]+/)*[^/]+{_HASH}\.[A-Za-z0-9.]+)$"
)


def serve(directory: Path, port: int, host: str = "127.0.0.1") -> None:
    """Serve ``directory`` until Ctrl-C; port 0 takes a free one. The address goes to standard output.

    Raises
    ------
    UsageError
        The folder is missing, or the address cannot be used.
    """
    with make_server(directory, port, host) as server:
        sys.stdout.write(f"{address(server)}\n")
        sys.stdout.flush()
        sys.stderr.write(f"Serving {directory}. Ctrl-C stops.\n")
        try:
            server.serve_forever()
        except KeyboardInterrupt:
            sys.stderr.write("\n")


def make_server(directory: Path, port: int, host: str = "127.0.0.1") -> ThreadingHTTPServer:
    """Return a server that is bound but not yet serving; see :func:`serve`."""
    if not directory.is_dir():
        got = "a file" if directory.exists() else "nothing"
        raise UsageError.expected(
            directory, "a folder to serve", got, "Build the site first, or check the path."
        )
    if not 0 <= port <= 65535:
        raise UsageError.expected("--port", "a number from 0 to 65535", str(port))
    handler = partial(_Handler, directory=str(directory.resolve()))
    server_class = _Server6 if ":" in host else _Server
    try:
        return server_class((host, port), handler)
    except OSError as error:
        raise _bind_error(error, host, port) from error


def address(server: ThreadingHTTPServer) -> str:
    """Return the URL of the served folder."""
    host, port = server.server_address[:2]
    name = f"[{host!s}]" if ":" in str(host) else str(host)
    return f"http://{name}:{port}/"


def _bind_error(error: OSError, host: str, port: int) -> UsageError:
    if error.errno == errno.EADDRINUSE:
        other = port + 1 if port < 65535 else 8000
        return UsageError.expected(
            "--port", "a free port", f"{port}, which is in use", f"Try --port {other}."
        )
    if error.errno == errno.EACCES:
        got = f"{port}, which needs privileges"
        return UsageError.expected("--port", "a port that you may use", got, "Try --port 8000.")
    got = f"{host} ({error.strerror or error})"
    return UsageError.expected("--host", "an address of this machine", got, "Try --host 127.0.0.1.")


@lru_cache(maxsize=128)
def _compress(file: Path, modified: int) -> bytes:
    """Return ``file`` as gzip; large ones quickly, as somebody waits. ``modified`` tells a new one."""
    data = file.read_bytes()
    return gzip.compress(data, 1 if len(data) > 1_000_000 else 6, mtime=0)


class _Server(ThreadingHTTPServer):
    """A thread for each connection; Ctrl-C does not wait for them."""

    daemon_threads = True
    # Two servers that share a port by SO_REUSEADDR would each get some requests (on Windows).
    allow_reuse_address = os.name == "posix"

    def handle_error(self, request: Any, client_address: Any) -> None:
        # A browser that leaves a page closes its connections; that is no news.
        if not isinstance(sys.exc_info()[1], ConnectionError):
            super().handle_error(request, client_address)


class _Server6(_Server):
    address_family = AF_INET6


class _Handler(SimpleHTTPRequestHandler):
    """GET and HEAD of files below ``directory``."""

    protocol_version = "HTTP/1.1"
    server_version = "latefind"
    sys_version = ""
    timeout = 60
    directory: str

    def send_head(self) -> BinaryIO | None:
        """Send status and headers; return the open file where a body follows."""
        path = unquote(urlsplit(self.path).path, errors="surrogateescape")
        file = self._find(path)
        if file is not None and file.is_dir():
            if not path.endswith("/"):
                self._redirect(path)
                return None
            file = file / "index.html"
        if file is None or not file.is_file():
            return self._send_missing()
        return self._send_file(file, HTTPStatus.OK)

    def _find(self, path: str) -> Path | None:
        """Return what ``path`` names below the folder, None where it names nothing that we may serve."""
        root = Path(self.directory)
        parts = [part for part in path.split("/") if part]
        # A backslash or a colon is a separator or a drive elsewhere; "." and ".." a browser resolves itself.
        if any(part in {".", ".."} or set(part) & set("\\:\0") for part in parts):
            return None
        file = root.joinpath(*parts)
        try:
            inside = file.resolve(strict=True).is_relative_to(root)
        except (OSError, RuntimeError):
            return None
        trailing_slash_on_file = path.endswith("/") and file.is_file()
        return file if inside and not trailing_slash_on_file else None

    def _redirect(self, path: str) -> None:
        # A path that begins with two slashes would be another host.
        query = urlsplit(self.path).query
        self.send_response(HTTPStatus.MOVED_PERMANENTLY)
        self.send_header("Location", "/" + quote(path.strip("/")) + "/" + (f"?{query}" if query else ""))
        self.send_header("Content-Length", "0")
        self.end_headers()

    def _send_missing(self) -> BinaryIO | None:
        page = Path(self.directory) / "404.html"
        if page.is_file():
            return self._send_file(page, HTTPStatus.NOT_FOUND)
        body = b"404: there is nothing at this address.\n"
        self.send_response(HTTPStatus.NOT_FOUND)
        self.send_header("Content-Type", MIME_TYPES[".txt"])
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Cache-Control", REVALIDATE)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)
        return None

    def _send_file(self, file: Path, status: HTTPStatus) -> BinaryIO | None:
        siblings = {name: path for name in ENCODINGS if (path := sibling(file, name))}
        encoding = next((name for name in siblings if self._accepts(name)), None)
        try:
            stream = (siblings[encoding] if encoding else file).open("rb")
        except OSError:
            self.send_error(HTTPStatus.FORBIDDEN, "This file cannot be read")
            return None
        facts = os.fstat(stream.fileno())
        tag = f'"{facts.st_mtime_ns:x}-{facts.st_size:x}"'
        unchanged = status is HTTPStatus.OK and self._has(tag)
        packed = None if unchanged or encoding else self._packed(file, stream, facts.st_size)
        self.send_response(HTTPStatus.NOT_MODIFIED if unchanged else status)
        headers = self._headers_for(file) | ({"Vary": "Accept-Encoding"} if siblings else {})
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("ETag", tag)
        self.send_header("Last-Modified", formatdate(facts.st_mtime, usegmt=True))
        if unchanged:
            self.end_headers()
            stream.close()
            return None
        if encoding or packed is not None:
            self.send_header("Content-Encoding", encoding or "gzip")
        self.send_header("Content-Length", str(facts.st_size if packed is None else len(packed)))
        self.end_headers()
        return stream if packed is None else BytesIO(packed)

    def _packed(self, file: Path, stream: BinaryIO, size: int) -> bytes | None:
        """Return the file as gzip where that pays and the client takes it; then ``stream`` is closed."""
        if not self._accepts("gzip") or file.suffix.lower() not in COMPRESSED or size < SMALLEST_COMPRESSED:
            return None
        stream.close()
        return _compress(file, file.stat().st_mtime_ns)

    def _accepts(self, encoding: str) -> bool:
        """Say whether the client takes ``encoding``."""
        for item in self.headers.get("Accept-Encoding", "").split(","):
            name, *parameters = (piece.strip().lower() for piece in item.split(";"))
            if name in {encoding, "*"}:
                return not any(re.fullmatch(r"q=0(\.0*)?", parameter) for parameter in parameters)
        return False

    def _has(self, tag: str) -> bool:
        """Say whether the client's copy is the one that ``tag`` names."""
        sent = self.headers.get("If-None-Match", "")
        return any(item.strip().removeprefix("W/") in {tag, "*"} for item in sent.split(","))

    def _headers_for(self, file: Path) -> dict[str, str]:
        path = file.relative_to(self.directory).as_posix()
        headers = {
            "Content-Type": MIME_TYPES.get(file.suffix.lower()) or self.guess_type(path),
            "Cache-Control": FOREVER if _HASHED.search(path) else REVALIDATE,
        }
        if file.suffix.lower() in COMPRESSED:
            headers["Vary"] = "Accept-Encoding"
        if self._is_ours(file):
            headers["Content-Security-Policy"] = CONTENT_SECURITY_POLICY
        return headers

    def _is_ours(self, file: Path) -> bool:
        root = Path(self.directory)
        if (root / MARKER).is_file() or file.name == LOADER:
            return True
        folders = file.relative_to(root).parents
        return any((root / folder / BUNDLE_FILE).is_file() for folder in folders)

    def end_headers(self) -> None:
        self.send_header("X-Content-Type-Options", "nosniff")
        self.send_header("Referrer-Policy", "same-origin")
        super().end_headers()

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        # Only what went wrong is worth a line.
        if isinstance(code, int) and code >= HTTPStatus.BAD_REQUEST:
            super().log_request(code, size)
