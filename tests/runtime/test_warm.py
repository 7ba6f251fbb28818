"""A stage in a warm process does what it does in one of its own, and ends with the command that stands for it."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from medcnn.core import files
from medcnn.download.phantom.lesions import KINDS
from medcnn.runtime import warm
from medcnn.runtime.warm import Warm
from tests.project import ROOT, prepared_study, run, shrink

TRAIN = ("train", "phantom", "tiny")
SECONDS = 60


def project(folder: Path, epochs: int, kept: str = "native") -> Path:
    """A study that can be trained on."""
    folder.mkdir()
    changes = {"models.tiny.epochs": epochs, "models.tiny.patience": epochs, "compute.bytes": kept}
    shrink(folder, {"studies.phantom.images.size": 32, **changes})
    assert not run(folder, "stages.weights", "tiny", MEDCNN_WARM="").returncode
    return prepared_study(folder, "phantom", ("healthy", *KINDS))


def written(folder: Path) -> dict[str, str]:
    """Hashes of the files of a study."""
    found = (path for name in ("data", "metrics", "plots") for path in (folder / name).rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): files.sha256(path) for path in found}


def until(condition: Callable[[], bool]) -> None:
    """Wait until something holds."""
    end = time.monotonic() + SECONDS
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.05)


def started(folder: Path, *arguments: str, goes_on: bool = False) -> subprocess.Popen[str]:
    """A stage that has shown an epoch: the first, or, of a training that goes on, a later one."""
    command = [sys.executable, "-m", f"stages.{arguments[0]}", *arguments[1:]]
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONUNBUFFERED": "1"}
    child = subprocess.Popen(
        command, cwd=folder, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert child.stdout is not None
    line = child.stdout.readline()
    assert line.startswith("Epoch ") and line.startswith("Epoch 1/") is not goes_on
    return child


@pytest.fixture(scope="module")
def ready() -> Iterator[psutil.Process]:
    """A warm process that every stage of these tests is offered."""
    with warm.offered() as offered, pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", str(ROOT))
        offered.start()
        until(offered.place.exists)
        process = next(one for one in psutil.Process().children() if str(offered.place) in one.cmdline())
        yield process


@pytest.mark.slow
@pytest.mark.parametrize("kept", ["native", "portable"])
def test_it_writes_and_says_the_same(kept: str, ready: psutil.Process, tmp_path: Path) -> None:
    own, given = (project(tmp_path / name, 2, kept) for name in ("own", "given"))
    alone = run(own, "stages.train", *TRAIN[1:], MEDCNN_WARM="")
    before = time.monotonic()
    handed = run(given, "stages.train", *TRAIN[1:])
    assert (handed.returncode, handed.stdout, handed.stderr) == (alone.returncode, alone.stdout, alone.stderr)
    assert not alone.returncode and written(own) == written(given)
    assert time.monotonic() - before < SECONDS and not ready.children()


@pytest.mark.slow
@pytest.mark.parametrize("arguments", [("train", "phantom"), ("train", "phantom", "deeep"), ("split", "phantom")])
def test_what_a_user_did_wrong_is_said_the_same(
    arguments: tuple[str, ...], ready: psutil.Process, tmp_path: Path
) -> None:
    shrink(tmp_path, {})
    alone, handed = (
        run(tmp_path, f"stages.{arguments[0]}", *arguments[1:], **own) for own in ({"MEDCNN_WARM": ""}, {})
    )
    assert handed.returncode == alone.returncode != 0 and not ready.children()
    assert (handed.stdout, handed.stderr) == (alone.stdout, alone.stderr)


@pytest.mark.slow
def test_signals_reach_it_and_its_exit_code_comes_back(ready: psutil.Process, tmp_path: Path) -> None:
    child = started(project(tmp_path / "project", 10_000), *TRAIN)
    assert len(ready.children()) == 1
    child.send_signal(signal.SIGINT)
    _, said = child.communicate(timeout=SECONDS)
    assert child.returncode == 128 + signal.SIGINT and "interrupted" in said
    assert not ready.children()


@pytest.mark.slow
def test_it_ends_where_the_command_that_stands_for_it_is_killed(ready: psutil.Process, tmp_path: Path) -> None:
    child = started(project(tmp_path / "project", 10_000), *TRAIN)
    child.kill()
    until(lambda: not ready.children())
    child.communicate()
    killed = started(tmp_path / "project", *TRAIN, goes_on=True)
    ready.children()[0].kill()
    killed.communicate()
    assert killed.returncode == -signal.SIGKILL


@pytest.mark.slow
@pytest.mark.parametrize("asked", [b"", b"\0\0", b"\0\0\0\x04{"], ids=["nothing", "half a length", "half a request"])
def test_one_that_is_killed_while_it_asks_stops_no_other(asked: bytes, ready: psutil.Process) -> None:
    with socket.socket(socket.AF_UNIX) as link:
        link.connect(os.environ[warm.OFFERED])
        link.send(asked)
    done = run(ROOT, "stages.train", "phantom")
    assert done.returncode == 1 and "usage" in done.stderr and ready.is_running() and not ready.children()


@pytest.mark.slow
def test_the_warm_process_takes_its_stages_with_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = project(tmp_path / "project", 10_000)
    # Those of other tests have another one.
    monkeypatch.setenv(warm.OFFERED, "")
    with warm.offered() as offered:
        monkeypatch.setenv("PYTHONPATH", str(ROOT))
        offered.start()
        until(offered.place.exists)
        process = next(one for one in psutil.Process().children() if str(offered.place) in one.cmdline())
        child = started(folder, *TRAIN)
        (stage,) = process.children()
        process.kill()
        _, said = child.communicate(timeout=SECONDS)
    assert child.returncode == 1 and "killed" in said
    until(lambda: not stage.is_running())


def test_a_process_that_is_not_ready_is_not_waited_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(warm.OFFERED, str(tmp_path / "socket"))
    warm.hand_over()
    Warm(tmp_path / "socket").end()
