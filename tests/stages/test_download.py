import json
import os
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from tests.download.conftest import small_archive
from tests.download.kaggle_server import SIGNATURE, Kaggle, serve

pytestmark = pytest.mark.network

ROOT = Path(__file__).resolve().parents[2]
TOKEN = "token-that-nobody-should-see"
# Python 3.10's client takes a token only beside a user name and a key.
SIGNED_IN = {"KAGGLE_API_TOKEN": TOKEN, "KAGGLE_USERNAME": "someone", "KAGGLE_KEY": "key"}


@pytest.fixture
def project(tmp_path):
    """A folder with the real params, of which a test changes the source of the study ``scans``."""
    folder = tmp_path / "project"
    folder.mkdir()
    (tmp_path / "home").mkdir()
    (tmp_path / "site").mkdir()
    set_source(folder, kind="kaggle", dataset="owner/slug", version=1)
    return folder


def set_source(folder, **source):
    params = YAML(typ="safe").load(ROOT / "params.yaml")
    params["studies"]["scans"] = {**params["studies"]["brain_mri"], "source": source}
    YAML().dump(params, folder / "params.yaml")


def run(folder, server=None, **variables):
    """Run the stage as DVC does, with Kaggle's address replaced by the test server's."""
    site = folder.parent / "site"
    if server:
        patch = f"""
            from kagglesdk import kaggle_env
            kaggle_env._env_to_endpoint[kaggle_env.KaggleEnv.PROD] = {server.url!r}
        """
        (site / "sitecustomize.py").write_text(textwrap.dedent(patch))
    environment = {name: value for name, value in os.environ.items() if not name.startswith("KAGGLE_")}
    environment |= {"HOME": str(folder.parent / "home"), "PYTHONPATH": f"{site}{os.pathsep}{ROOT}"}
    return subprocess.run(
        [sys.executable, "-m", "stages.download", "scans"],
        cwd=folder,
        env={**environment, "NO_PROXY": "localhost,127.0.0.1", **variables},
        capture_output=True,
        text=True,
        timeout=60,
    )


def fails(folder, *arguments, **variables):
    """The one line of a failing run, which leaves no data and tells no secret."""
    done = run(folder, *arguments, **variables)
    assert done.returncode == 1
    assert not (folder / "data").exists()
    assert not (folder / "metrics").exists()
    line = done.stderr.splitlines()[-1]
    assert line.startswith("error: ")
    assert "Traceback" not in done.stderr
    written = [path.read_text("latin-1") for path in folder.parent.rglob("*") if path.is_file()]
    for text in (done.stdout, done.stderr, *written):
        assert TOKEN not in text
        assert SIGNATURE not in text
    return line


def test_a_kaggle_data_set_and_its_receipt(project):
    with serve(Kaggle(small_archive(), token=TOKEN, faults=["cut"])) as server:
        done = run(project, server, **SIGNED_IN, VERBOSE="1")
    assert done.returncode == 0, done.stderr
    assert (project / "data/raw/scans/slug.zip").read_bytes() == server.archive
    assert json.loads((project / "metrics/download/scans.json").read_text()) == {
        "bytes": len(server.archive),
        "kind": "kaggle",
        "licence": "CC0-1.0",
        "name": "slug.zip",
        "planted": [],
        "sha256": done.stdout.split()[-1],
        "version": 1,
    }
    assert sum(seen.sent for seen in server.downloads) == len(server.archive)
    for secret in (TOKEN, SIGNATURE):
        assert secret not in done.stdout + done.stderr


def test_a_wrong_token(project):
    with serve(Kaggle(small_archive(), token="another")) as server:
        assert "401" in fails(project, server, **SIGNED_IN)


def test_a_wrong_checksum(project):
    set_source(project, kind="kaggle", dataset="owner/slug", version=1, sha256="0" * 64)
    with serve(Kaggle(small_archive(), token=TOKEN)) as server:
        assert f"expected {'0' * 64}, got" in fails(project, server, **SIGNED_IN)


def test_no_credentials(project):
    line = fails(project)
    assert "KAGGLE_API_TOKEN" in line
    assert "-S studies.scans.source.kind=archive -S studies.scans.source.path=FILE.zip" in line


def test_a_local_archive_is_switched_to_by_two_keys(project):
    (project / "FILE.zip").write_bytes(small_archive())
    set_source(project, kind="archive", path="FILE.zip", dataset="owner/slug", version=1)
    done = run(project)
    assert done.returncode == 0, done.stderr
    receipt = (project / "metrics/download/scans.json").read_text()
    assert json.loads(receipt)["name"] == "FILE.zip"
    assert str(project) not in receipt
