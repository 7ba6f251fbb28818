"""Tokens and passwords that the clients read end up in no file of the project and in no output."""

from __future__ import annotations

import base64
import gzip
import hashlib
import os
import subprocess
import sys
import textwrap
import threading
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from http.server import BaseHTTPRequestHandler, SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import ClassVar
from urllib.parse import quote

import pytest

from medcnn.runtime import paths
from tests.download.kaggle_server import SIGNATURE, Kaggle, serve
from tests.faults.test_archives import PLAIN, contents, packed
from tests.pipeline.conftest import ENVIRONMENT, SHRUNK, commit, repository
from tests.project import ROOT, shrink

pytestmark = [pytest.mark.slow, pytest.mark.dvc, pytest.mark.network]

STUDY = "brain_mri"
MARK = "seCret+mark/{}=~"
"""With letters that addresses, base64 and JSON write differently."""
VARIABLES = (
    "KAGGLE_API_TOKEN",
    "KAGGLE_KEY",
    "HF_TOKEN",
    "HUGGING_FACE_HUB_TOKEN",
    "AWS_ACCESS_KEY_ID",
    "AWS_SECRET_ACCESS_KEY",
    "AWS_SESSION_TOKEN",
    "AZURE_STORAGE_KEY",
    "GITHUB_TOKEN",
    "GH_TOKEN",
    "GDRIVE_CREDENTIALS_DATA",
)
FILES = {
    ".kaggle/access_token": "{}\n",
    ".kaggle/kaggle.json": '{{"username": "someone", "key": "{}"}}',
    ".cache/huggingface/token": "{}",
    ".aws/credentials": "[default]\naws_access_key_id = someone\naws_secret_access_key = {}\n",
    ".netrc": "machine 127.0.0.1 login someone password {}\n",
}
PASSWORD, QUERY, REMOTE, PROXY = (MARK.format(name) for name in ("password", "query", "remote", "proxy"))
SECRETS = [MARK.format(name) for name in (*VARIABLES, *FILES)] + [PASSWORD, QUERY, REMOTE, PROXY, SIGNATURE]
IN_PARAMS = (PASSWORD, QUERY)
"""What the user wrote into params.yaml, which git and DVC record as it is."""
RECORDS = ("params.yaml", "dvc.lock", ".git/", ".dvc/cache/runs/", ".dvc/tmp/")


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    """Every variable and every file with a token of its own."""
    home = tmp_path / "home"
    for name, text in FILES.items():
        path = home / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text.format(MARK.format(name)))
        path.chmod(0o600)
    proxy = f"http://someone:{quote(PROXY, safe='')}@127.0.0.1:9"
    return {
        **ENVIRONMENT,
        **{name: MARK.format(name) for name in VARIABLES},
        **dict.fromkeys(("HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy"), proxy),
        "KAGGLE_USERNAME": "someone",
        "HOME": str(home),
        "NO_PROXY": "127.0.0.1,localhost",
        "no_proxy": "127.0.0.1,localhost",
        "PYTHONPATH": str(ROOT),
    }


def spoken(folder: Path, environment: dict[str, str], *command: str, code: int = 0) -> str:
    """What a command printed."""
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == code, done.stdout[-2000:] + done.stderr[-2000:]
    return done.stdout + done.stderr


def spellings(secret: str) -> set[bytes]:
    """The secret as it is, in addresses, in JSON, and within base64 whatever stands before it."""
    plain = secret.encode()
    spelt = {plain, quote(secret, safe="").encode(), quote(secret).encode(), plain.hex().encode()}
    for lead in range(3):
        for encode in (base64.b64encode, base64.urlsafe_b64encode):
            # The letters at both ends mix with what stands beside the secret.
            spelt.add(encode(b"." * lead + plain)[4:-4])
    return spelt


def layers(path: Path) -> Iterator[bytes]:
    """The bytes of a file, and what they unpack to."""
    data = path.read_bytes()
    yield data
    if zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as archive:
            yield from (archive.read(member) for member in archive.infolist())
    yield from (found for unpack in (gzip.decompress, zlib.decompress) if (found := unpacked(data, unpack)))


def unpacked(data: bytes, unpack: Callable[[bytes], bytes]) -> bytes:
    try:
        return unpack(data)
    except (OSError, EOFError, zlib.error):
        return b""


def leaks(folder: Path, said: str, *wanted: str) -> list[str]:
    """The places where a secret stands, other than where the user himself put it."""
    sought = {spelt: secret for secret in SECRETS for spelt in spellings(secret)}
    found = [f"printed {secret}" for spelt, secret in sought.items() if spelt in said.encode()]
    for path in sorted(path for path in folder.rglob("*") if path.is_file() and not path.is_symlink()):
        name = path.relative_to(folder).as_posix()
        recorded = name.startswith(RECORDS) and not name.startswith(str(paths.state("")))
        known = {*(IN_PARAMS if recorded else ()), *((REMOTE,) if name == ".dvc/config.local" else ())}
        whole = b"\n".join(layers(path))
        found += [f"{name} {secret}" for spelt, secret in sought.items() if secret not in known and spelt in whole]
    return found


@contextmanager
def listening(handler: type[BaseHTTPRequestHandler] | partial[SimpleHTTPRequestHandler]) -> Iterator[int]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    yield server.server_port
    server.shutdown()
    server.server_close()


class Refusing(BaseHTTPRequestHandler):
    """Answers 403 and repeats whatever it was sent, as careless servers do."""

    headers_seen: ClassVar[list[str]] = []

    def do_GET(self):
        self.headers_seen.append(str(self.headers))
        body = f"{self.path}\n{self.headers}".encode()
        self.send_response(403, f"refused {self.path}")
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Location", self.path)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        """Stay quiet."""


def address(port: int) -> str:
    return (
        f"http://someone:{quote(PASSWORD, safe='')}@127.0.0.1:{port}/scans.zip?token={quote(QUERY, safe='')}&download=1"
    )


def scans(folder: Path) -> Path:
    return packed(folder / "scans.zip", [(name, data) for name, data in contents().items() if name in PLAIN])


def test_the_search_finds_what_is_hidden(tmp_path: Path) -> None:
    """Or else the other tests would prove nothing."""
    (tmp_path / "basic").write_bytes(base64.b64encode(f"user:{PASSWORD}".encode()))
    (tmp_path / "log.gz").write_bytes(gzip.compress(f"url={quote(QUERY, safe='')}".encode()))
    with zipfile.ZipFile(tmp_path / "model.keras", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("config.json", MARK.format("HF_TOKEN"))
    assert {leak.split()[0] for leak in leaks(tmp_path, REMOTE)} == {"basic", "log.gz", "model.keras", "printed"}


def test_a_whole_run_from_a_secret_address_leaves_no_secret(tmp_path: Path, environment: dict[str, str]) -> None:
    folder = repository(tmp_path / "one")
    served = tmp_path / "served"
    served.mkdir()
    digest = hashlib.sha256(scans(served).read_bytes()).hexdigest()
    handler = type("Quiet", (SimpleHTTPRequestHandler,), {"log_message": lambda *_: None})
    with listening(partial(handler, directory=str(served))) as port:
        changes = {
            "run.studies": [STUDY],
            "run.models": ["tiny"],
            "run.chains": {"first": [], "second": []},
            "run.cascades": {"first": [], "second": []},
            f"studies.{STUDY}.source": {"kind": "url", "url": address(port), "sha256": digest},
            f"studies.{STUDY}.labels.exclude": [],
            f"studies.{STUDY}.split.folds": 2,
            f"studies.{STUDY}.images.size": 32,
            f"studies.{STUDY}.images.views.count": 1,
        }
        shrink(folder, SHRUNK | changes)
        commit(folder)
        spoken(folder, environment, "dvc", "remote", "add", "--local", "far", "s3://bucket/path")
        spoken(folder, environment, "dvc", "remote", "modify", "--local", "far", "secret_access_key", REMOTE)
        said = spoken(folder, environment, "dvc", "repro")
    said += spoken(folder, environment, "dvc", "metrics", "show")
    assert (folder / paths.REPORT).exists()
    assert PASSWORD not in (folder / ".dvc/config.local").read_text()
    assert leaks(folder, said) == []


@pytest.mark.parametrize("token", ["right", "wrong"])
def test_a_kaggle_token_right_or_wrong_is_not_repeated(tmp_path: Path, environment: dict[str, str], token: str) -> None:
    folder = source_alone(tmp_path, kind="kaggle", dataset="owner/slug", version=1)
    key = MARK.format("KAGGLE_API_TOKEN") if token == "right" else "another"
    kaggle = Kaggle(scans(tmp_path).read_bytes(), token=key, key=key, faults=["429"] if token == "right" else [])
    with serve(kaggle) as server:
        site = tmp_path / "site"
        site.mkdir()
        patch = f"""
            from kagglesdk import kaggle_env
            kaggle_env._env_to_endpoint[kaggle_env.KaggleEnv.PROD] = {server.url!r}
        """
        (site / "sitecustomize.py").write_text(textwrap.dedent(patch))
        site_path = {"PYTHONPATH": f"{site}{os.pathsep}{ROOT}", "VERBOSE": "1"}
        code = 0 if token == "right" else 1
        said = spoken(folder, environment | site_path, sys.executable, "-m", "stages.download", STUDY, code=code)
    sent = "".join(seen.headers.get("Authorization", "") for seen in kaggle.seen)
    assert MARK.format("KAGGLE_API_TOKEN") in sent
    assert leaks(folder, said) == []


@pytest.mark.parametrize("fault", ["refused", "proxy", "netrc"])
def test_an_address_that_is_refused_with_an_echo_is_not_repeated(
    tmp_path: Path, environment: dict[str, str], fault: str
) -> None:
    with listening(Refusing) as port:
        url = f"http://127.0.0.1:{port}/scans.zip" if fault == "netrc" else address(port)
        folder = source_alone(tmp_path, kind="url", url=url, sha256="0" * 64)
        direct = {} if fault != "proxy" else {"NO_PROXY": "", "no_proxy": ""}
        haste = impatient(tmp_path)
        said = spoken(folder, environment | direct | haste, sys.executable, "-m", "stages.download", STUDY, code=1)
    assert {"refused": "answered 403", "proxy": "no connection", "netrc": "answered 403"}[fault] in said
    if fault == "netrc":
        basic = base64.b64encode(f"someone:{MARK.format('.netrc')}".encode()).decode()
        assert basic in Refusing.headers_seen[-1]
    assert leaks(folder, said) == []


def impatient(folder: Path) -> dict[str, str]:
    """An environment in which no second is waited between attempts."""
    site = folder / "site"
    site.mkdir()
    (site / "sitecustomize.py").write_text("import time\ntime.sleep = lambda seconds: None\n")
    return {"PYTHONPATH": f"{site}{os.pathsep}{ROOT}"}


def source_alone(folder: Path, **source: object) -> Path:
    """A project of nothing but params.yaml."""
    (folder / "project").mkdir()
    return shrink(folder / "project", {f"studies.{STUDY}.source": source})
