"""Results go to a remote and come back whole: an S3 server on this machine, and a folder."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import boto3
import pytest
from moto.server import ThreadedMotoServer

from medcnn.runtime import paths
from tests.faults.conftest import TARGETS, locked
from tests.pipeline.conftest import commit, sh

pytestmark = [pytest.mark.slow, pytest.mark.dvc, pytest.mark.network]

KEYS = {"access_key_id": "test", "secret_access_key": "not-a-secret"}
MODEL = str(paths.onnx_model("phantom", "tiny"))


@pytest.fixture(scope="module")
def endpoint() -> Iterator[str]:
    """The address of an S3 server with the bucket ``results``."""
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    bucket(f"http://{host}:{port}").create()
    yield f"http://{host}:{port}"
    server.stop()


def bucket(endpoint: str):
    keys = {f"aws_{name}": value for name, value in KEYS.items()}
    return boto3.resource("s3", endpoint_url=endpoint, region_name="us-east-1", **keys).Bucket("results")


def with_remote(folder: Path, url: str, endpoint: str | None = None) -> Path:
    """Name the remote in the project's configuration, and its keys in that of this machine alone."""
    sh(folder, "dvc", "remote", "add", "--default", "store", url)
    sh(folder, "dvc", "remote", "modify", "store", "verify", "true")
    if endpoint:
        sh(folder, "dvc", "remote", "modify", "store", "endpointurl", endpoint)
        keep_keys(folder)
    commit(folder)
    return folder


def keep_keys(folder: Path) -> None:
    for name, value in KEYS.items():
        sh(folder, "dvc", "remote", "modify", "--local", "store", name, value)


def pull(clone: Path) -> None:
    """Pull everything; explanations and benchmarks were not run, and are missing."""
    sh(clone, "dvc", "pull", "--allow-missing")


def cloned(folder: Path, clone: Path) -> Path:
    sh(folder, "git", "clone", "--quiet", str(folder), str(clone))
    return clone


def assert_nothing_to_do(clone: Path) -> None:
    output = sh(clone, "dvc", "repro", *TARGETS)
    assert "Running stage" not in output
    assert (clone / MODEL).stat().st_size > 1000


def test_a_clone_pulls_from_s3_and_has_nothing_to_do(copy: Path, endpoint: str, tmp_path: Path) -> None:
    with_remote(copy, "s3://results/all", endpoint)
    sh(copy, "dvc", "push")
    clone = cloned(copy, tmp_path / "clone")
    keep_keys(clone)
    pull(clone)
    assert_nothing_to_do(clone)
    assert locked(clone) == locked(copy)
    assert KEYS["secret_access_key"] not in sh(clone, "git", "grep", "--untracked", "-h", "store", "--", ".dvc/config")


def test_a_clone_pulls_from_a_folder_and_has_nothing_to_do(copy: Path, tmp_path: Path) -> None:
    with_remote(copy, str(tmp_path / "store"))
    sh(copy, "dvc", "push")
    clone = cloned(copy, tmp_path / "clone")
    pull(clone)
    assert_nothing_to_do(clone)


def test_a_corrupted_object_on_s3_is_refused(copy: Path, endpoint: str, tmp_path: Path) -> None:
    with_remote(copy, "s3://results/corrupted", endpoint)
    sh(copy, "dvc", "push", MODEL)
    digest = md5_of(copy, MODEL)
    thing = bucket(endpoint).Object(f"corrupted/files/md5/{digest[:2]}/{digest[2:]}")
    content = thing.get()["Body"].read()
    thing.put(Body=content[:-1] + bytes([content[-1] ^ 1]))
    clone = cloned(copy, tmp_path / "clone")
    keep_keys(clone)
    output = sh(clone, "dvc", "pull", MODEL, code=1)
    assert MODEL in output
    assert "Traceback" not in output
    assert not (clone / MODEL).exists()
    assert not (clone / ".dvc/cache/files/md5" / digest[:2] / digest[2:]).exists()
    thing.put(Body=content)
    sh(clone, "dvc", "pull", MODEL)
    assert (clone / MODEL).read_bytes() == content


def md5_of(folder: Path, out: str) -> str:
    return next(
        entry["md5"] for stage in locked(folder).values() for entry in stage.get("outs", []) if entry["path"] == out
    )
