"""The audit of dependencies against a database of vulnerabilities on loopback."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from tests.project import ROOT

pytestmark = pytest.mark.slow
FINDING = {
    "id": "GHSA-1234",
    "aliases": ["CVE-2026-1234"],
    "modified": "2026-01-01T00:00:00Z",
    "published": "2026-01-01T00:00:00Z",
    "affected": [
        {
            "package": {"name": "pillow", "ecosystem": "PyPI"},
            "ranges": [{"type": "ECOSYSTEM", "events": [{"introduced": "0"}, {"fixed": "99.0"}]}],
        }
    ],
}


class Database(BaseHTTPRequestHandler):
    """Answers as osv.dev does; it knows of one vulnerability."""

    def do_POST(self):
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        found = {"vulns": [FINDING]} if asked["package"]["name"] == "pillow" else {}
        body = json.dumps(found).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        """Stay quiet."""


@pytest.fixture
def database() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Database)
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


def audit(folder: Path, url: str, ignored: str = "") -> tuple[int, str]:
    pytest.importorskip("pip_audit")
    (folder / "requirements.txt").write_text("pillow==12.0.0\ntqdm==4.67.1 ; python_version >= '3'\n")
    (folder / "ignored").write_text(f"# a comment\n{ignored}\n")
    command = [sys.executable, str(ROOT / ".ci/audit.py"), "--ignored", "ignored", "-s", "osv", "--osv-url", url]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    return done.returncode, done.stdout + done.stderr


@pytest.mark.parametrize(
    ("ignored", "code"),
    [("", 1), ("GHSA-1234 2999-01-01 we decode no such file", 0), ("CVE-2026-1234 2020-01-01 we did not then", 1)],
)
def test_a_finding_fails_unless_it_is_ignored_for_now(tmp_path: Path, database: str, ignored: str, code: int) -> None:
    got, said = audit(tmp_path, database, ignored)
    assert got == code, said
    verdict = "fixed in 99.0" if code else "ignored until 2999-01-01: we decode no such file"
    assert f"pillow 12.0.0: CVE-2026-1234, {verdict}\n" in said
    assert f"audited 2 of 2 packages: 1 vulnerabilities, {1 - code} ignored" in said
    listed = json.loads((tmp_path / "build/dependencies.cdx.json").read_text())
    assert "pkg:pypi/numpy@" in " ".join(component["purl"] for component in listed["components"])


def test_a_database_out_of_reach_fails_nothing(tmp_path: Path) -> None:
    code, said = audit(tmp_path, "http://127.0.0.1:9")
    assert code == 0
    assert said.startswith("NOT AUDITED: ")
    assert len(said.splitlines()) == 1
