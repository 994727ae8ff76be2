"""A host at the end of a line: counts what it sends, and is as far and as slow as it is told.

Slowed down here and not in the browser, because a browser's own throttling does not reach the requests of its
workers. Bytes are those of bodies as they are sent, gzip where ``latefind serve`` compresses.
"""

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from latefind_build.serve import _Handler, _Server, address

PIECE = 8_192
"""Bytes after which another connection gets its turn."""


@dataclass(frozen=True)
class Line:
    """What lies between a visitor and a host; a rate of 0 is not limited."""

    name: str
    seconds: float = 0.0
    bytes_per_second: float = 0.0


LOCAL = Line("this machine")
SLOW_4G = Line("Slow 4G", 0.150, 1_600_000 / 8)
"""As Chromium's developer tools define it, without the cost of opening connections."""


class Host:
    """Serves a folder as ``latefind serve`` does, over a line; of encodings only ``encodings``, if given."""

    def __init__(self, root: Path, line: Line, encodings: frozenset[str] | None = None) -> None:
        self.line = line
        self.encodings = encodings
        self.answers = list[tuple[str, int]]()
        """Path and status of each."""
        self.requests = 0
        self.bytes = 0
        self._lock = threading.Lock()
        self._free = 0.0
        self._sockets: list[socket.socket] = []
        self._server = _Server(("127.0.0.1", 0), partial(_Slowed, directory=str(root.resolve()), host=self))
        self.url = address(self._server)
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()

    def begin(self) -> None:
        """Take a request, which travels."""
        with self._lock:
            self.requests += 1
        time.sleep(self.line.seconds)

    def send(self, size: int) -> None:
        """Wait until a piece has gone over the line, which all connections share."""
        with self._lock:
            self.bytes += size
            if not self.line.bytes_per_second:
                return
            self._free = max(time.monotonic(), self._free) + size / self.line.bytes_per_second
            arrives = self._free
        time.sleep(max(0.0, arrives - time.monotonic()))

    def stop(self) -> None:
        """Stop listening, and end the connections that a browser keeps."""
        self._server.shutdown()
        self._server.server_close()
        for connection in self._sockets:
            try:
                connection.shutdown(socket.SHUT_RDWR)
            except OSError:
                continue  # The browser was faster.


class _Slowed(_Handler):
    def __init__(self, *arguments: Any, host: Host, **settings: Any) -> None:
        self.host = host
        super().__init__(*arguments, **settings)

    def setup(self) -> None:
        super().setup()
        self.host._sockets.append(self.connection)

    def do_GET(self) -> None:  # noqa: N802 (the base class's name)
        self.host.begin()
        super().do_GET()

    def log_message(self, format: str, *arguments: object) -> None:  # noqa: A002 (the base class's name)
        pass  # A connection that was kept and not used is no news.

    def send_response(self, code: int, message: str | None = None) -> None:
        self.host.answers.append((self.path, int(code)))
        super().send_response(code, message)

    def _accepts(self, encoding: str) -> bool:
        allowed = self.host.encodings is None or encoding in self.host.encodings
        return allowed and super()._accepts(encoding)

    def copyfile(self, source: Any, outputfile: Any) -> None:
        while piece := source.read(PIECE):
            self.host.send(len(piece))
            outputfile.write(piece)


@contextmanager
def open_line(root: Path, line: Line, encodings: frozenset[str] | None = None) -> Iterator[Host]:
    """Serve ``root`` over ``line``."""
    host = Host(root, line, encodings)
    try:
        yield host
    finally:
        host.stop()
