"""A server for the report and the demo: on this machine alone, read-only, and with headers that keep pages to it."""

from __future__ import annotations

import errno
import functools
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from http import HTTPStatus
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from medcnn.core.errors import MedcnnError
from medcnn.runtime import paths

ADDRESS = "127.0.0.1"
INDEX = "index.json"
ROOT = paths.TRY.parent.parent
HOME = f"/{paths.TRY.relative_to(ROOT).as_posix()}"
HEADERS = {
    # A page may narrow this further. It holds for workers too, which know nothing of the policy in the page.
    "Content-Security-Policy": "default-src 'self' data: blob: 'unsafe-inline' 'wasm-unsafe-eval'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    # Without these two a browser gives WebAssembly no threads.
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Embedder-Policy": "require-corp",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-cache",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}


class Handler(SimpleHTTPRequestHandler):
    """Files below a folder, by name: no listings, no hidden files, and no answer to a name that is not this host's."""

    # What the system's tables say of these differs, and browsers insist.
    extensions_map = {  # noqa: RUF012
        **SimpleHTTPRequestHandler.extensions_map,
        ".html": "text/html; charset=utf-8",
        ".js": "text/javascript",
        ".json": "application/json",
        ".mjs": "text/javascript",
        ".wasm": "application/wasm",
    }

    def send_head(self) -> Any:
        """Send the headers of an answer; returns the file to send, if there is one."""
        if self.headers.get("Host") not in self._names():
            # Else a page elsewhere could read these files by a name of its own that leads here (DNS rebinding).
            self.send_error(HTTPStatus.MISDIRECTED_REQUEST)
            return None
        if self.path == "/":
            self.send_response(HTTPStatus.FOUND)
            self.send_header("Location", HOME)
            self.send_header("Content-Length", "0")
            self.end_headers()
            return None
        found = Path(self.translate_path(self.path))
        if found.is_dir() or any(part.startswith(".") for part in found.relative_to(self.directory).parts):
            self.send_error(HTTPStatus.NOT_FOUND)
            return None
        return super().send_head()

    def end_headers(self) -> None:
        """Add what every answer carries."""
        for name, value in HEADERS.items():
            self.send_header(name, value)
        super().end_headers()

    def log_message(self, *_: Any) -> None:
        """Say nothing: the browser shows what is missing."""

    def _names(self) -> set[str]:
        port = self.connection.getsockname()[1]
        return {f"{ADDRESS}:{port}", f"localhost:{port}"}


class Server(ThreadingHTTPServer):
    """A server with a port of its own that prints nothing about browsers that disconnect."""

    # Newer Pythons let two servers share a port.
    allow_reuse_port = False

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Ignore a browser that disconnects in the middle of an answer."""
        if not isinstance(sys.exc_info()[1], ConnectionError):
            super().handle_error(request, client_address)


def serve(port: int) -> None:
    """Serve ``plots/`` until the user stops it.

    Raises:
        MedcnnError: there is no page yet, or the port is taken or not allowed.
    """
    if not paths.TRY.exists():
        raise MedcnnError(f"{paths.TRY} not found: `medcnn report` writes it")
    with serving(ROOT, port) as server:
        print(f"http://{ADDRESS}:{server.server_port}{HOME} (this machine alone; Ctrl-C stops it)", flush=True)
        if not (paths.DEMO / INDEX).exists():
            print(f"{paths.DEMO} holds no models yet: type `medcnn demo make`, then load the page again", flush=True)
        try:
            server.serve_forever()
        except KeyboardInterrupt:
            print()
            raise SystemExit(0) from None


@contextmanager
def serving(root: Path, port: int) -> Iterator[Server]:
    """A server bound to the port, or to any free one for 0; it answers once ``serve_forever`` is called.

    Raises:
        MedcnnError: the port is taken or not allowed.
    """
    try:
        server = Server((ADDRESS, port), functools.partial(Handler, directory=str(root.resolve())))
    except OSError as error:
        if error.errno not in (errno.EADDRINUSE, errno.EACCES):
            raise
        reason = "is in use" if error.errno == errno.EADDRINUSE else "needs rights that you do not have"
        raise MedcnnError(f"port {port} {reason}: choose another, as in `medcnn demo serve --port 8001`") from error
    with server:
        yield server
