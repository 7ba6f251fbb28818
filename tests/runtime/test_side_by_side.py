"""Stages side by side, with the real DVC on stages that only copy a file."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import pytest

from medcnn.runtime.pipeline import Plan, entries, reordered
from tests.pipeline.conftest import ENVIRONMENT, commit, sh
from tests.project import ROOT

pytestmark = [pytest.mark.slow, pytest.mark.dvc]

PIPELINE = """
stages:
  make:
    matrix: {n: [b, c, a, d]}
    cmd: date +%s.%N > ${item.n}.begun; sleep 0.5; cp source ${item.n}.made; date +%s.%N > ${item.n}.ended
    deps: [source]
    outs: ["${item.n}.made"]
  use:
    matrix: {n: [b, c, a, d]}
    cmd: cp ${item.n}.made ${item.n}.used; echo ${item.n} >> used
    deps: ["${item.n}.made"]
    outs: ["${item.n}.used"]
  benchmark:
    matrix: {n: [x, y]}
    cmd: date +%s.%N > ${item.n}.begun; sleep 0.5; cp b.made ${item.n}.timed; date +%s.%N > ${item.n}.ended
    deps: [b.made]
    outs: ["${item.n}.timed"]
  report:
    cmd: cat *.used *.timed > page
    deps: [b.used, c.used, a.used, d.used, x.timed, y.timed]
    outs: [page]
"""
COMMAND = (sys.executable, "-m", "medcnn", "repro", "--jobs", "2")
ALL = "dvc.yaml"
"""Everything there is, as a target: without one the answer of the results would follow, of which there are none."""
WITH_MEDCNN = {**ENVIRONMENT, "PYTHONPATH": str(ROOT)}
INTERRUPTED = "interrupted: run the same command again to go on\n"
WAITS = "touch waiting; while ! test -e go; do sleep 0.1; done; "

HOLDER = """
import fcntl, time
with open(".dvc/tmp/lock", "a") as file:
    fcntl.flock(file, fcntl.LOCK_EX)
    print(flush=True)
    time.sleep(5)
"""


@pytest.fixture(scope="module")
def untouched(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A repository in which nothing has run."""
    folder = tmp_path_factory.mktemp("side") / "repository"
    folder.mkdir()
    shutil.copy(ROOT / "params.yaml", folder)
    (folder / "dvc.yaml").write_text(PIPELINE)
    (folder / "source").write_text("1")
    sh(folder, "git", "init", "--quiet")
    sh(folder, "dvc", "init", "--quiet")
    commit(folder)
    return folder


@pytest.fixture(scope="module")
def serial(untouched: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same after a plain ``dvc repro``."""
    folder = Path(shutil.copytree(untouched, tmp_path_factory.mktemp("serial") / "repository"))
    sh(folder, "dvc", "repro")
    return folder


@pytest.fixture
def folder(untouched: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(untouched, tmp_path / "repository"))


def repro(folder: Path, *targets: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*COMMAND, *(targets or (ALL,))],
        cwd=folder,
        env=WITH_MEDCNN,
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )


def spans(folder: Path, *names: str) -> list[tuple[float, float]]:
    return [(moment(folder / f"{name}.begun"), moment(folder / f"{name}.ended")) for name in names]


def moment(path: Path) -> float:
    return float(path.read_text())


def change_command(folder: Path, before: str, after: str) -> None:
    path = folder / "dvc.yaml"
    assert before in path.read_text()
    path.write_text(path.read_text().replace(before, after))


def started(folder: Path) -> subprocess.Popen[str]:
    """The command, when one of its stages waits for the file ``go``."""
    change_command(folder, "sleep 0.5; cp source", f"{WAITS}cp source")
    child = subprocess.Popen(
        [*COMMAND, ALL], cwd=folder, env=WITH_MEDCNN, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    while not (folder / "waiting").exists():
        assert child.poll() is None
        time.sleep(0.05)
    return child


def at_work(folder: Path) -> list[str]:
    """The commands that run in a folder."""
    running = []
    for process in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            if (process / "cwd").resolve() == folder:
                running.append((process / "cmdline").read_bytes().replace(b"\0", b" ").decode())
    return running


def wait_until_idle(folder: Path) -> None:
    deadline = time.monotonic() + 60
    while at_work(folder):
        assert time.monotonic() < deadline, at_work(folder)
        time.sleep(0.1)


def test_from_nothing_the_lock_is_that_of_a_serial_run(folder: Path, serial: Path):
    done = repro(folder)
    assert done.returncode == 0, done.stderr
    assert (folder / "dvc.lock").read_bytes() == (serial / "dvc.lock").read_bytes()
    assert all(f"{name}: starts\n" in done.stdout for name in ("make@a", "use@d", "benchmark@x", "report"))
    assert "Data and pipelines are up to date." in done.stdout
    timed = spans(folder, "x", "y")
    assert all(
        other[1] <= one[0] or one[1] <= other[0]
        for one in timed
        for other in (*spans(folder, *"bcad"), *timed)
        if one != other
    ), "what is timed runs alone"


def test_two_run_at_the_same_time(folder: Path):
    change_command(
        folder, "sleep 0.5; cp source", "until test $(ls *.begun | wc -l) = 2; do sleep 0.1; done; cp source"
    )
    assert repro(folder, "make@c", "make@a").returncode == 0


def test_from_a_lock_only_what_a_change_reaches_runs_and_the_order_stays(serial: Path, tmp_path: Path):
    one, other = (Path(shutil.copytree(serial, tmp_path / name)) for name in ("one", "other"))
    for copy in (one, other):
        lock = copy / "dvc.lock"
        kept = [name for name in entries(lock.read_text()) if name != "use@b"]
        head, *blocks = reordered(lock.read_text(), [*kept, "use@b"]).split("  use@b:\n")
        assert blocks
        lock.write_text(head)
        change_command(copy, "cp source ${item.n}.made", "cp source ${item.n}.made; true")
        (copy / "used").unlink()
    done = repro(one)
    assert done.returncode == 0, done.stderr
    sh(other, "dvc", "repro")
    assert (one / "dvc.lock").read_bytes() == (other / "dvc.lock").read_bytes()
    assert entries((one / "dvc.lock").read_text())[-1] == "use@b"
    assert "report: starts" not in done.stdout, "its inputs were made anew with the same bytes"
    assert not (one / "used").exists()


def test_a_target_runs_with_what_it_depends_on_alone(folder: Path):
    assert repro(folder, "use@c").returncode == 0
    assert entries((folder / "dvc.lock").read_text()) == ["make@c", "use@c"]


def test_a_failure_lets_the_neighbour_end_and_starts_nothing_more(folder: Path):
    change_command(folder, "sleep 0.5; cp", "test ${item.n} != b && sleep 3 && cp")
    done = repro(folder)
    assert done.returncode == 1
    assert done.stderr == "error: make@b failed, for the reason above; what ended before is kept\n"
    before, after = done.stdout.split("make@b: failed with exit code 255\n")
    assert "make@c: starts\n" in before
    assert "starts" not in after
    assert "make@c" in entries((folder / "dvc.lock").read_text())
    assert "make@b" not in entries((folder / "dvc.lock").read_text())


def test_an_unknown_target_is_one_line(folder: Path):
    done = repro(folder, "nothing")
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (2, "", 1)
    assert "'nothing'" in done.stderr


@pytest.mark.parametrize("sent", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_ends_all_in_one_line_and_the_next_run_goes_on(sent: signal.Signals, folder: Path, serial: Path):
    child = started(folder)
    child.send_signal(sent)
    assert child.communicate(timeout=60)[1] == INTERRUPTED
    assert child.returncode == 128 + sent
    assert not at_work(folder)
    change_command(folder, WAITS, "sleep 0.5; ")
    assert repro(folder).returncode == 0
    assert (folder / "dvc.lock").read_bytes() == (serial / "dvc.lock").read_bytes()


def test_a_killed_run_leaves_nothing_behind_that_blocks_the_next(folder: Path, serial: Path):
    child = started(folder)
    child.kill()
    child.wait()
    wait_until_idle(folder)
    change_command(folder, WAITS, "sleep 0.5; ")
    sh(folder, "dvc", "repro", "use@d")
    assert repro(folder).returncode == 0
    assert (folder / "dvc.lock").read_bytes() == (serial / "dvc.lock").read_bytes()


def test_whoever_holds_the_lock_of_dvc_is_waited_for(folder: Path):
    other = subprocess.Popen([sys.executable, "-c", HOLDER], cwd=folder, stdout=subprocess.PIPE, text=True)
    assert other.stdout is not None
    other.stdout.readline()
    done = repro(folder, "make@b")
    other.communicate()
    assert (done.returncode, done.stderr) == (0, "")


def test_what_another_run_of_dvc_writes_is_left_to_it(folder: Path):
    writes = {str(folder / "b.made"): {"pid": os.getpid(), "cmd": "dvc repro make@b"}}
    (folder / ".dvc" / "tmp").mkdir(exist_ok=True)
    (folder / ".dvc" / "tmp" / "rwlock").write_text(json.dumps({"write": writes}))
    done = repro(folder)
    assert (done.returncode, done.stderr.count("\n")) == (1, 1)
    assert "dvc repro make@b" in done.stderr
    assert not (folder / "b.made").exists()


def test_a_second_run_waits_for_the_first(folder: Path):
    first = started(folder)
    second = subprocess.Popen(
        [*COMMAND, ALL], cwd=folder, env=WITH_MEDCNN, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert second.stderr is not None
    assert second.stderr.readline() == "waiting for another run that runs stages side by side\n"
    (folder / "go").touch()
    assert first.communicate(timeout=300)[1] == ""
    assert "starts" not in second.communicate(timeout=300)[0]
    assert (first.returncode, second.returncode) == (0, 0)


def test_a_wrong_number_of_jobs_is_exit_code_2(tmp_path: Path):
    shutil.copy(ROOT / "params.yaml", tmp_path)
    done = subprocess.run(
        [*COMMAND[:-1], "0"], cwd=tmp_path, env=WITH_MEDCNN, capture_output=True, text=True, check=False
    )
    assert done.returncode == 2
    assert "'0'" in done.stderr


def test_an_item_is_affected_by_a_change_however_far_above_it():
    needs = {"a": frozenset[str](), "b": frozenset({"a"}), "c": frozenset({"b"}), "d": frozenset[str]()}
    assert Plan(("a", "b", "c", "d"), needs).dependents({"a"}) == ["a", "b", "c"]


def test_items_that_no_other_needs_bring_all_the_others():
    needs = {"a": frozenset[str](), "b": frozenset("a"), "c": frozenset("b"), "d": frozenset("a")}
    plan = Plan(("a", "b", "c", "d"), needs)
    assert plan.part(["d", "b", "a"]).order == ("a", "b", "d")
    assert plan.part(["a", "b", "d"]).ends() == ["b", "d"]
    assert plan.part(["c", "d"]).ends() == ["c", "d"]
    assert plan.without(("b",)).order == ("a", "d")
    assert plan.part([]).ends() == []


def test_entries_of_a_lock_are_put_in_order_as_they_are():
    lock = (
        "schema: '2.0'\nstages:\n  b:\n    cmd: x\n    outs:\n    - path: c\n  a@1:\n    cmd: y\n  other:\n    cmd: z\n"
    )
    assert entries(lock) == ["b", "a@1", "other"]
    ordered = reordered(lock, ["a@1", "b"])
    assert entries(ordered) == ["a@1", "b", "other"]
    assert sorted(ordered.splitlines()) == sorted(lock.splitlines())
    assert reordered(ordered, ["b", "a@1"]) == lock
