"""A server on this machine that publishes weights as Keras and the Hugging Face hub do."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

COMMIT = "0123456789abcdef0123456789abcdef01234567"


class _Handler(BaseHTTPRequestHandler):
    server: Server

    def do_HEAD(self) -> None:
        self._answer(b"")

    def do_GET(self) -> None:
        self.server.asked.append(self.path)
        content = self.server.contents.get(self.path, b"")
        self._answer(content[: self.server.cut] if self.server.cut else content)

    def log_message(self, *_: object) -> None:
        """Say nothing."""

    def _answer(self, body: bytes) -> None:
        content = self.server.contents.get(self.path)
        self.send_response(404 if content is None else 200)
        if content is not None:
            self.send_header("Content-Length", str(len(content)))
            self.send_header("ETag", f'"{hashlib.sha256(content).hexdigest()}"')
            self.send_header("X-Repo-Commit", COMMIT)
        self.end_headers()
        self.wfile.write(body)


class Server(ThreadingHTTPServer):
    """Serves ``contents`` by path; ``cut`` is after how many bytes it hangs up, ``asked`` what was downloaded."""

    contents: dict[str, bytes]
    cut: int
    asked: list[str]

    @property
    def address(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self.server_port}"


@contextmanager
def serving(contents: dict[str, bytes], cut: int = 0) -> Iterator[Server]:
    """Run a server for as long as the block lasts."""
    server = Server(("127.0.0.1", 0), _Handler)
    server.contents, server.cut, server.asked = contents, cut, []
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
