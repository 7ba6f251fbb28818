"""The disk fills up, is read-only, loses a folder, changes under DVC's eyes, or has names that nobody would choose."""

from __future__ import annotations

import contextlib
import os
import re
import resource
import shutil
import subprocess
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from medcnn.runtime import paths
from tests.faults.conftest import ALONE, TARGETS, assert_clean, locked, project, started
from tests.pipeline.conftest import sh

pytestmark = [pytest.mark.slow, pytest.mark.dvc]

IMAGES = paths.prepared("phantom")


@contextlib.contextmanager
def mounted(folder: Path, *options: str) -> Iterator[None]:
    """Mount something over a folder; skip where that is not allowed."""
    folder.mkdir(parents=True, exist_ok=True)
    if subprocess.run(["mount", *options, str(folder)], capture_output=True, check=False).returncode:
        pytest.skip("mounting takes root, outside of most containers")
    try:
        yield
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


def full(folder: Path, kilobytes: int) -> contextlib.AbstractContextManager[None]:
    """A small disk in a folder's place."""
    return mounted(folder, "-t", "tmpfs", "-o", f"size={kilobytes}k", "none")


def fails(folder: Path, stage: str) -> str:
    """What a run said that failed at a stage, in one line of ours and without a traceback."""
    run = started(folder, "dvc", "repro", stage)
    output = run.communicate()[0]
    assert run.returncode != 0, output
    assert f"Running stage '{stage}'" in output
    assert "Traceback" not in output
    errors = [line for line in output.splitlines() if line.startswith("error: ")]
    assert len(errors) == 1, output
    return errors[0]


def test_a_full_disk_stops_a_run_that_goes_on_with_room(tmp_path: Path, undisturbed: Path) -> None:
    folder = project(tmp_path / "project", ALONE)
    for stage, place, kilobytes, said in (
        ("download@phantom", paths.state("partial").relative_to(paths.project()), 100, "the disk is full"),
        ("prepare@phantom", IMAGES.parent, 100, "No space left on device"),
        ("train@phantom-tiny", paths.models("phantom"), 8, "No space left on device"),
    ):
        with full(folder / place, kilobytes):
            assert said in fails(folder, stage)
            left = [path for path in (folder / place).rglob("*") if path.is_file() and path.suffix != ".lock"]
            assert not left, "something half-made stayed"
    sh(folder, "dvc", "repro", *TARGETS)
    assert locked(folder) == locked(undisturbed)
    assert_clean(folder)


def test_features_that_the_disk_has_no_room_for_are_one_line(copy: Path) -> None:
    sh(copy, "python", "-m", "stages.weights", "lite0")
    features = paths.state("features").relative_to(paths.project())
    with full(copy / features, 16):
        output = sh(copy, "python", "-m", "stages.train", "phantom", "lite0", code=1)
        assert "Traceback" not in output
        assert re.search(rf"error: written in part, as on a full disk \(.*\): {copy / features}", output)
        assert not list((copy / features).rglob("*.npy"))


def test_a_limit_on_file_sizes_leaves_nothing_half_made(copy: Path, undisturbed: Path) -> None:
    size = max(path.stat().st_size for path in (copy / IMAGES).iterdir())
    shutil.rmtree(copy / IMAGES)
    hard = resource.getrlimit(resource.RLIMIT_FSIZE)[1]
    limit = partial(resource.setrlimit, resource.RLIMIT_FSIZE, (size - 1000, hard))
    # Of the stage alone: DVC's own database is larger.
    stage = started(copy, "python", "-m", "stages.prepare", "phantom", preexec_fn=limit)
    said = stage.communicate()[0].splitlines()
    assert stage.returncode == 1
    assert len(said) == 1
    assert said[0].startswith("error: File too large: data/prepared/phantom/")
    assert not [path for path in (copy / IMAGES).rglob("*") if path.is_file()]
    sh(copy, "dvc", "repro", "--force", "--single-item", "prepare@phantom")
    assert locked(copy) == locked(undisturbed)


def test_read_only_data_is_one_line(copy: Path) -> None:
    data = copy / "data"
    with mounted(data, "--bind", str(data)):
        subprocess.run(["mount", "-o", "remount,ro,bind", str(data)], check=True)
        assert "Running stage" not in sh(copy, "dvc", "repro", *TARGETS)
        output = sh(copy, "dvc", "repro", "--force", "prepare@phantom", code=255)
        assert "Read-only file system" in output
        assert "Traceback" not in output
        assert "Read-only file system" in sh(copy, "python", "-m", "stages.prepare", "phantom", code=1)
    assert "Running stage" not in sh(copy, "dvc", "repro", *TARGETS)


def test_a_cache_that_vanished_is_filled_from_what_lies_there(copy: Path, undisturbed: Path) -> None:
    shutil.rmtree(copy / ".dvc/cache")
    shutil.rmtree(copy / ".dvc/tmp")
    assert f"not in cache:       {paths.onnx_model('phantom', 'tiny')}" in sh(copy, "dvc", "status")
    sh(copy, "dvc", "commit", "--force", "--with-deps", *TARGETS)
    assert "Running stage" not in sh(copy, "dvc", "repro", *TARGETS)
    shutil.rmtree(copy / IMAGES)
    output = sh(copy, "dvc", "repro", *TARGETS)
    assert re.findall("Running stage '(.+)'", output) in ([], ["prepare@phantom"])
    assert locked(copy) == locked(undisturbed)


@pytest.mark.parametrize("how", ["changed", "truncated"])
def test_data_that_somebody_touched_is_noticed_and_made_good(how: str, copy: Path, undisturbed: Path) -> None:
    pixels = next((undisturbed / IMAGES).glob("images*.npy")).relative_to(undisturbed)
    touched = [paths.manifest("phantom"), pixels, paths.predictions("phantom") / "tiny.csv"]
    for path in touched:
        content = (undisturbed / path).read_bytes()
        middle = len(content) // 2
        changed = content[:middle] + bytes([content[middle] ^ 1]) + content[middle + 1 :]
        (copy / path).chmod(0o644)
        (copy / path).write_bytes(changed if how == "changed" else content[:middle])
    status = sh(copy, "dvc", "status")
    assert all(f"modified:           {path}" in status for path in (touched[0], touched[2]))
    assert str(IMAGES) in status
    sh(copy, "dvc", "repro", *TARGETS)
    assert all((copy / path).read_bytes() == (undisturbed / path).read_bytes() for path in touched)
    assert locked(copy) == locked(undisturbed)


def test_times_of_files_that_jump_repeat_nothing(copy: Path, undisturbed: Path) -> None:
    for number, path in enumerate(sorted(path for path in (copy / "data").rglob("*") if path.is_file())):
        when = (0, 4_000_000_000, 946_684_800)[number % 3]
        os.utime(path, (when, when))
    assert "Running stage" not in sh(copy, "dvc", "repro", *TARGETS)
    assert locked(copy) == locked(undisturbed)


@pytest.mark.parametrize(
    "name",
    [
        pytest.param('it\'s a "project"; $HOME & ünï-東京', id="spaces, quotes and other alphabets"),
        pytest.param("/".join(["long" * 50] * 9), id="1,800 characters"),
    ],
)
def test_a_project_may_lie_anywhere(name: str, tmp_path: Path, undisturbed: Path) -> None:
    folder = project(tmp_path / name, ALONE)
    sh(folder, "dvc", "repro", "train@phantom-tiny")
    there = locked(undisturbed)
    assert locked(folder) == {name: there[name] for name in locked(folder)}
    assert "train@phantom-tiny" in locked(folder)
