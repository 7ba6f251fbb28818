"""The stages on a real Ray cluster of three node processes: same bytes as here, killed workers, no cluster."""

from __future__ import annotations

import os
import re
import select
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path

import pytest

from tests.cluster import nodes
from tests.cluster.nodes import Cluster
from tests.project import ROOT, SMALL_PHANTOM, run, shrink

pytest.importorskip("ray", reason="ray is not installed: pip install -r requirements-ray.txt")
pytestmark = pytest.mark.slow

LOCAL = {
    **SMALL_PHANTOM,
    "run.models": ["tiny", "lite0"],
    "run.chains": {"first": [], "second": []},
    "run.cascades": {"first": [], "second": []},
    "models.tiny.epochs": 200,
    "models.tiny.patience": 200,
    "models.lite0.epochs": 2,
    "evaluate.resamples": 200,
    "compute.cpus_per_task": 1,
}
BEFORE = (("download", "phantom"), ("split", "phantom"), ("weights", "tiny"), ("weights", "lite0"))
HEAVY = ("prepare phantom", "train phantom tiny", "train phantom lite0", "ensemble phantom", "evaluate phantom")
PRINTED = re.compile(r"\(medcnn pid=(\d+)[^)]*\) Epoch (\d+)/200:")


@pytest.fixture(scope="module")
def begun(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project with all that the heavy stages stand on."""
    folder = shrink(tmp_path_factory.mktemp("begun"), LOCAL)
    for stage, argument in BEFORE:
        done = run(folder, f"stages.{stage}", argument)
        assert done.returncode == 0, done.stderr
    return folder


@pytest.fixture(scope="module")
def local(begun: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """What the heavy stages write on this machine."""
    folder = copied(begun, tmp_path_factory, {})
    for command in HEAVY:
        finished(started(folder, command))
    return digests(folder)


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    """A cluster of one node; tests add to it."""
    with nodes.cluster(1) as made:
        yield made


def copied(begun: Path, factory: pytest.TempPathFactory, compute: dict[str, str]) -> Path:
    folder = factory.mktemp("project")
    shutil.copytree(begun, folder, dirs_exist_ok=True)
    return shrink(folder, LOCAL | {f"compute.{key}": value for key, value in compute.items()})


def started(folder: Path, command: str) -> subprocess.Popen[str]:
    stage, *arguments = command.split()
    return subprocess.Popen(
        [sys.executable, "-m", f"stages.{stage}", *arguments],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def finished(process: subprocess.Popen[str]) -> str:
    output, _ = process.communicate(timeout=300)
    assert process.returncode == 0, output
    return output


def digests(folder: Path) -> dict[str, str]:
    """The hashes of everything that the stages wrote, without the state folder."""
    paths = (path for top in ("data", "metrics", "plots") for path in (folder / top).rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): sha256(path.read_bytes()).hexdigest() for path in paths}


def test_one_node_makes_the_bytes_of_this_machine(
    begun: Path, local: dict[str, str], cluster: Cluster, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = copied(begun, tmp_path_factory, {"backend": "ray", "address": cluster.address})
    outputs = {command: finished(started(folder, command)) for command in HEAVY}
    assert digests(folder) == local
    assert PRINTED.search(outputs["train phantom tiny"]), "the epochs are shown, and a worker trained them"
    assert "Traceback" not in "".join(outputs.values())


def test_three_nodes_make_the_same_though_a_worker_is_killed_in_mid_training(
    begun: Path, local: dict[str, str], cluster: Cluster, tmp_path_factory: pytest.TempPathFactory
) -> None:
    cluster.add(2)
    folder = copied(begun, tmp_path_factory, {"backend": "ray", "address": cluster.address})
    prepare, tiny, lite0, *rest = HEAVY
    finished(started(folder, prepare))
    # Both at once: each on a node of its own.
    beside, training = started(folder, lite0), started(folder, tiny)
    assert training.stdout
    first = next(found for line in training.stdout if (found := PRINTED.search(line)))
    os.kill(int(first[1]), signal.SIGKILL)
    shown = [found.groups() for found in PRINTED.finditer(finished(training))]
    second = [int(epoch) for process, epoch in shown if process != first[1]]
    assert second[0] > int(first[2]), "it went on from the backup"
    assert second[-1] == 200
    finished(beside)
    for command in rest:
        finished(started(folder, command))
    assert digests(folder) == local


def test_an_interrupted_stage_stops_its_task(
    begun: Path, local: dict[str, str], cluster: Cluster, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = copied(begun, tmp_path_factory, {"backend": "ray", "address": cluster.address})
    finished(started(folder, HEAVY[0]))
    training = started(folder, HEAVY[1])
    assert training.stdout
    first = next(found for line in training.stdout if (found := PRINTED.search(line)))
    training.send_signal(signal.SIGINT)
    output, _ = training.communicate(timeout=60)
    assert training.returncode == 130
    assert "interrupted: run the same command again to go on" in output
    assert "Traceback" not in output
    assert ended(int(first[1]))


def ended(process: int) -> bool:
    """Whether a process ends within some seconds."""
    try:
        handle = os.pidfd_open(process)
    except ProcessLookupError:
        return True
    try:
        return bool(select.select([handle], [], [], 30)[0])
    finally:
        os.close(handle)


def test_a_fault_of_a_task_is_the_line_that_it_is_here(
    begun: Path, cluster: Cluster, tmp_path_factory: pytest.TempPathFactory
) -> None:
    compute = {"backend": "ray", "address": cluster.address}
    here, there = (
        run(copied(begun, tmp_path_factory, where), "stages.train", "phantom", "tiny") for where in ({}, compute)
    )
    assert (there.returncode, there.stderr) == (here.returncode, here.stderr)
    assert here.returncode
    assert here.stderr.count("\n") == 1


def test_more_cpus_than_a_node_has_is_one_line(
    begun: Path, cluster: Cluster, tmp_path_factory: pytest.TempPathFactory
) -> None:
    compute = {"backend": "ray", "address": cluster.address, "cpus_per_task": 2}
    done = run(copied(begun, tmp_path_factory, compute), "stages.train", "phantom", "tiny")
    assert done.returncode == 2
    assert done.stderr.startswith("error: compute.cpus_per_task: 2 asked for")
    assert done.stderr.count("\n") == 1


@pytest.mark.parametrize("listens", [False, True], ids=["nothing listens", "something else listens"])
def test_a_cluster_that_cannot_be_reached_is_one_line(
    listens: bool, begun: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    with socket.socket() as other:
        other.bind((nodes.HOST, 0))
        if listens:
            other.listen()
        compute = {"backend": "ray", "address": f"{nodes.HOST}:{other.getsockname()[1]}"}
        done = run(copied(begun, tmp_path_factory, compute), "stages.train", "phantom", "tiny")
    assert done.returncode == 2
    assert done.stderr.startswith(f"error: compute.address: no Ray cluster answers at '{compute['address']}'; ")
    assert done.stderr.count("\n") == 1
