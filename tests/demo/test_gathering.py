"""What `make demo` refuses, in one line; what it makes is tested in the browser."""

from __future__ import annotations

import base64
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from medcnn.core import files
from medcnn.demo import vendoring
from medcnn.runtime import paths
from tests.project import run, shrink
from tests.results.examples import compared


@pytest.fixture
def project(tmp_path: Path) -> Path:
    shrink(tmp_path, {"run.studies": ["phantom"]})
    files.write_json(tmp_path / paths.metrics("comparisons", "phantom"), compared("simple"))
    return tmp_path


def test_without_an_exported_model_it_says_what_to_run(project: Path):
    done = run(project, "medcnn", "demo", "make")
    assert (done.returncode, done.stderr.count("\n")) == (1, 1)
    assert "phantom" in done.stderr
    assert "`dvc repro`" in done.stderr


@contextmanager
def registry(content: bytes) -> Iterator[str]:
    """A registry on this machine that answers every request with the same bytes."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def test_without_a_registry_it_says_what_is_needed(project: Path):
    files.write_text(project / paths.onnx_model("phantom", "simple"), "")
    done = run(project, "medcnn", "demo", "make", NPM_CONFIG_REGISTRY="http://127.0.0.1:9")
    assert (done.returncode, done.stderr.count("\n")) == (1, 1)
    assert f"onnxruntime-web-{vendoring.RUNTIME.version}.tgz" in done.stderr
    assert not (project / paths.DEMO).exists()


def test_other_bytes_than_those_that_are_pinned_are_refused(project: Path):
    files.write_text(project / paths.onnx_model("phantom", "simple"), "")
    with registry(b"another package") as address:
        done = run(project, "medcnn", "demo", "make", NPM_CONFIG_REGISTRY=address)
    assert (done.returncode, done.stderr.count("\n")) == (1, 1)
    assert "sha512" in done.stderr
    assert not (project / paths.DEMO).exists()
    assert not list(project.rglob("*.tgz"))


def test_the_version_and_the_hash_are_pinned():
    assert re.fullmatch(r"1\.\d+\.\d+", vendoring.RUNTIME.version)
    assert len(base64.b64decode(vendoring.RUNTIME.integrity, validate=True)) == 64
