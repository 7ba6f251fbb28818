"""The server of the report and the demo, asked as a browser asks it, and as nobody should."""

from __future__ import annotations

import http.client
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from medcnn.core import files
from medcnn.demo import serving
from medcnn.runtime import paths
from tests.project import ROOT, run

pytestmark = pytest.mark.network


@pytest.fixture(scope="module")
def port(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    folder = tmp_path_factory.mktemp("served")
    files.write_text(folder / "secret.txt", "secret")
    files.write_text(folder / paths.TRY, "<!doctype html>")
    for name in ("try.js", "ort/ort.mjs", "ort/ort.wasm", "models/model.onnx", ".hidden/file.txt"):
        files.write_text(folder / paths.DEMO / name, "content")
    with serving.serving(folder / "plots", 0) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server.server_port
        server.shutdown()


def asked(port: int, path: str, host: str = "", **headers: str) -> http.client.HTTPResponse:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    connection.request("GET", path, headers={"Host": host or f"127.0.0.1:{port}", **headers})
    return connection.getresponse()


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("/report/try.html", "text/html; charset=utf-8"),
        ("/demo/try.js", "text/javascript"),
        ("/demo/ort/ort.mjs", "text/javascript"),
        ("/demo/ort/ort.wasm", "application/wasm"),
        ("/demo/models/model.onnx", "application/octet-stream"),
    ],
)
def test_files_have_the_types_that_browsers_insist_on(port: int, path: str, kind: str):
    answer = asked(port, path)
    assert (answer.status, answer.headers["Content-Type"]) == (200, kind)


def test_pages_are_kept_to_this_server_and_get_threads(port: int):
    headers = asked(port, "/report/try.html").headers
    policy = headers["Content-Security-Policy"]
    assert "default-src 'self'" in policy
    assert "http" not in policy
    assert "*" not in policy
    assert headers["Cross-Origin-Opener-Policy"] == "same-origin"
    assert headers["Cross-Origin-Embedder-Policy"] == "require-corp"


def test_a_file_is_asked_for_again_but_sent_once(port: int):
    first = asked(port, "/demo/try.js")
    assert first.headers["Cache-Control"] == "no-cache"
    again = asked(port, "/demo/try.js", **{"If-Modified-Since": first.headers["Last-Modified"]})
    assert again.status == 304


def test_the_root_leads_to_the_page(port: int):
    answer = asked(port, "/")
    assert (answer.status, answer.headers["Location"]) == (302, "/report/try.html")


@pytest.mark.parametrize(
    "path",
    ["/demo/", "/demo", "/../secret.txt", "/%2e%2e/secret.txt", "/demo/.hidden/file.txt", "/none.html", "//demo/"],
)
def test_folders_hidden_files_and_what_lies_outside_are_not_found(port: int, path: str):
    answer = asked(port, path)
    assert answer.status == 404
    assert b"secret" not in answer.read().partition(b"\n\n")[2]


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1", "evil.example:8000", "127.0.0.1.evil.example"])
def test_no_other_name_is_answered(port: int, host: str):
    """A page elsewhere whose name leads here (DNS rebinding) reads nothing."""
    assert asked(port, "/report/try.html", host).status == 421
    assert asked(port, "/report/try.html", f"localhost:{port}").status == 200


def test_a_port_in_use_is_one_line(port: int, tmp_path: Path):
    files.write_text(tmp_path / paths.TRY, "<!doctype html>")
    done = run(tmp_path, "medcnn", "demo", "serve", "--port", str(port))
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (1, "", 1)
    assert f"port {port}" in done.stderr
    assert "--port" in done.stderr


def test_without_a_page_it_says_how_to_write_it(tmp_path: Path):
    done = run(tmp_path, "medcnn", "demo", "serve", "--port", "0")
    assert (done.returncode, done.stderr.count("\n")) == (1, 1)
    assert "plots/report/try.html" in done.stderr
    assert "medcnn report" in done.stderr


def test_it_prints_its_address_and_stops_at_an_interrupt(tmp_path: Path):
    files.write_text(tmp_path / paths.TRY, "<!doctype html>")
    command = [sys.executable, "-m", "medcnn", "demo", "serve", "--port", "0"]
    with subprocess.Popen(
        command, cwd=tmp_path, env={**os.environ, "PYTHONPATH": str(ROOT)}, stdout=subprocess.PIPE, text=True
    ) as server:
        address = server.stdout.readline().split()[0]
        hint = server.stdout.readline()
        number = int(address.split(":")[2].partition("/")[0])
        status = asked(number, "/report/try.html").status
        server.send_signal(signal.SIGINT)
        assert server.wait(10) == 0
    assert status == 200
    assert "medcnn demo make" in hint


def test_what_is_no_port_is_one_line(tmp_path: Path):
    done = run(tmp_path, "medcnn", "demo", "serve", "--port", "65536")
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (2, "", 1)
    assert "65536" in done.stderr
