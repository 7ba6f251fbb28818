"""A small HTTP server that speaks the calls the Kaggle client makes, and can misbehave.

    python -m tests.download.kaggle_server ARCHIVE --port 8123 --token secret [--faults cut 500 ...]

It knows one data set. An archive is asked for with a bearer token or with a user name and key, is answered by a
redirect to a signed address, and is served from there with ETag, Last-Modified and ranges.
"""

from __future__ import annotations

import argparse
import base64
import hashlib
import json
import re
import socket
import struct
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

HOST = "127.0.0.1"
SIGNATURE = "signature-that-nobody-should-see"
API_FAULTS = ("401", "403", "429", "500")
FILE_FAULTS = ("cut", "reset", "short", "stall", "drip", "change", "no-range", "any-range", "wrong-range", "404")


@dataclass
class Seen:
    """One request, and how many bytes of a body went out in answer to it."""

    method: str
    path: str
    headers: dict[str, str]
    sent: int = 0


@dataclass
class Kaggle:
    """What the server serves, and how it misbehaves: ``faults`` strike one after the other, then all is well."""

    archive: bytes
    token: str = "token"
    username: str = "someone"
    key: str = "key"
    dataset: str = "owner/slug"
    version: int = 1
    licence: str = "CC0-1.0"
    faults: list[str] = field(default_factory=list)
    retry_after: str = "1"
    replacement: bytes = b""
    has_validators: bool = True
    seen: list[Seen] = field(default_factory=list)
    port: int = 0

    @property
    def url(self) -> str:
        return f"http://{HOST}:{self.port}"

    @property
    def file_url(self) -> str:
        # Another host name than the interface's, as in reality: a client must not send its token there.
        return f"http://localhost:{self.port}/files/archive.zip?X-Signature={SIGNATURE}"

    @property
    def etag(self) -> str:
        return f'"{hashlib.md5(self.archive, usedforsecurity=False).hexdigest()}"'

    @property
    def downloads(self) -> list[Seen]:
        return [seen for seen in self.seen if seen.path.startswith("/files/")]

    def strikes(self, kinds: tuple[str, ...]) -> str:
        """The next fault, if it is of these kinds."""
        return self.faults.pop(0) if self.faults and self.faults[0] in kinds else ""


class Handler(BaseHTTPRequestHandler):
    """Answers the client's calls; 2.x posts JSON to ``<service>/<Call>``, 1.7 gets ``/api/v1/datasets/...``."""

    protocol_version = "HTTP/1.1"
    kaggle: Kaggle

    def handle(self):
        # A client may leave at any time.
        with suppress(ConnectionError):
            super().handle()

    def do_POST(self):
        body = json.loads(self.rfile.read(int(self.headers.get("Content-Length", 0))) or b"{}")
        call = urlsplit(self.path).path.rpartition("/")[2]
        self._note()
        if call == "IntrospectToken":
            known = body.get("token") == self.kaggle.token
            self._json({"active": known, "username": self.kaggle.username if known else ""})
        elif call == "DownloadDataset":
            self._download(f"{body['ownerSlug']}/{body['datasetSlug']}", body.get("datasetVersionNumber"))
        elif call == "GetDataset":
            self._json({"currentVersionNumber": self.kaggle.version})
        elif call == "GetDatasetMetadata":
            self._metadata()
        else:
            self._error(404)

    def do_GET(self):
        self._note()
        parts = urlsplit(self.path)
        if parts.path.startswith("/files/"):
            self._file(parse_qs(parts.query))
        elif match := re.fullmatch(r"/api/v1/datasets/download/([^/]+/[^/]+)", parts.path):
            # The older client spells it without capitals.
            self._download(match[1], int(parse_qs(parts.query.lower())["datasetversionnumber"][0]))
        elif parts.path.startswith("/api/v1/datasets/metadata/"):
            self._metadata()
        else:
            self._error(404)

    def _download(self, dataset, version):
        if not self._is_known_user():
            return self._error(401)
        if fault := self.kaggle.strikes(API_FAULTS):
            return self._error(int(fault))
        if (dataset, version) != (self.kaggle.dataset, self.kaggle.version):
            return self._error(404)
        self.send_response(302)
        self.send_header("Location", self.kaggle.file_url)
        self.send_header("Content-Length", "0")
        return self.end_headers()

    def _metadata(self):
        if not self._is_known_user():
            return self._error(401)
        info = {"datasetSlug": self.kaggle.dataset.split("/")[1], "licenses": [{"name": self.kaggle.licence}]}
        return self._json({"info": info, "errorMessage": ""})

    def _is_known_user(self):
        given = self.headers.get("Authorization", "")
        pair = base64.b64encode(f"{self.kaggle.username}:{self.kaggle.key}".encode()).decode()
        return given in (f"Bearer {self.kaggle.token}", f"Basic {pair}")

    def _file(self, query):
        fault = self.kaggle.strikes(FILE_FAULTS)
        if query.get("X-Signature") != [SIGNATURE]:
            return self._error(403)
        if fault == "404":
            return self._error(404)
        data = self.kaggle.archive
        start = self._start(fault)
        self.send_response(206 if start else 200)
        if start:
            self.send_header("Content-Range", f"bytes {start}-{len(data) - 1}/{len(data)}")
        if self.kaggle.has_validators:
            self.send_header("ETag", self.kaggle.etag)
            self.send_header("Last-Modified", "Wed, 01 Jan 2020 00:00:00 GMT")
        self.send_header("Content-Type", "application/zip")
        self.send_header("Content-Length", str(len(data) - start))
        self.end_headers()
        return self._body(data[start:], fault)

    def _start(self, fault):
        """Where to begin: at the range asked for, unless the file is not the one that the client knows."""
        match = re.fullmatch(r"bytes=(\d+)-", self.headers.get("Range", ""))
        known = self.headers.get("If-Range", self.kaggle.etag) == self.kaggle.etag or fault == "any-range"
        start = int(match[1]) if match and known and fault != "no-range" else 0
        return start - 10 if fault == "wrong-range" else start

    def _body(self, data, fault):
        half = len(data) // 2
        if fault == "stall":
            self._send(data[:half])
            time.sleep(1)
        elif fault == "drip":
            for index in range(200):
                self._send(data[index : index + 1])
                time.sleep(0.02)
        elif fault in ("cut", "reset", "change"):
            self._send(data[:half])
        else:
            self._send(data[:-10] if fault == "short" else data)
        if fault == "change":
            self.kaggle.archive = self.kaggle.replacement
        if fault == "reset":
            # Leave the client time to read, then drop the connection without a farewell.
            time.sleep(0.2)
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.close_connection = bool(fault)

    def _send(self, data):
        # Counted first: a client that has it all may look at the figure at once.
        self.seen.sent += len(data)
        self.wfile.write(data)

    def _json(self, value, status=200):
        data = json.dumps(value).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        if status == 429:
            self.send_header("Retry-After", self.kaggle.retry_after)
        self.end_headers()
        self.wfile.write(data)

    def _error(self, status):
        # Like a careless server, it repeats the credentials in its answer.
        self._json({"code": status, "message": f"refused {self.headers.get('Authorization')}"}, status)

    def _note(self):
        self.seen = Seen(self.command, self.path, dict(self.headers))
        self.kaggle.seen.append(self.seen)

    def log_message(self, *_):
        """Stay quiet."""


@contextmanager
def serve(kaggle: Kaggle) -> Iterator[Kaggle]:
    """Serve on a free port, or on ``kaggle.port`` if it is set."""
    server = ThreadingHTTPServer((HOST, kaggle.port), type("Handler", (Handler,), {"kaggle": kaggle}))
    server.daemon_threads = True
    kaggle.port = server.server_port
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    try:
        yield kaggle
    finally:
        server.shutdown()
        server.server_close()


def main() -> None:
    parser = argparse.ArgumentParser(description="Serve an archive as Kaggle would.")
    parser.add_argument("archive", type=Path)
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--token", default="token")
    parser.add_argument("--username", default="someone")
    parser.add_argument("--key", default="key")
    parser.add_argument("--dataset", default="owner/slug")
    parser.add_argument("--dataset-version", type=int, default=1, dest="version")
    parser.add_argument("--faults", nargs="*", choices=API_FAULTS + FILE_FAULTS, default=[])
    options = vars(parser.parse_args())
    archive = options.pop("archive").read_bytes()
    with serve(Kaggle(archive, **options)) as kaggle, suppress(KeyboardInterrupt):
        print(f"serving {kaggle.dataset} version {kaggle.version} at {kaggle.url}", flush=True)
        threading.Event().wait()


if __name__ == "__main__":
    main()
