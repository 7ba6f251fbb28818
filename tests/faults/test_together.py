"""Two runs in one project at a time: each ends well or says what holds it up, and the lock file is right."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from tests.faults.conftest import TARGETS, assert_clean, locked, started
from tests.pipeline.conftest import sh

pytestmark = [pytest.mark.slow, pytest.mark.dvc]


def test_two_runs_at_once(copy: Path, undisturbed: Path) -> None:
    command = ("dvc", "repro", "--force", "train@phantom-tiny")
    runs = [started(copy, *command) for _ in range(2)]
    outputs = [run.communicate()[0] for run in runs]
    codes = [run.returncode for run in runs]
    assert 0 in codes, "\n".join(outputs)
    for code, output in zip(codes, outputs, strict=True):
        assert "Traceback" not in output
        assert code == 0 or any(said in output for said in ("is busy", "Unable to acquire lock")), output
    assert "Running stage" not in sh(copy, "dvc", "repro", *TARGETS)
    assert locked(copy) == locked(undisturbed)
    assert_clean(copy)


def test_a_queued_experiment_beside_a_run(copy: Path, undisturbed: Path) -> None:
    sh(copy, "dvc", "exp", "run", "--queue", "-S", "models.tiny.dropout=0.4", "evaluate@phantom")
    beside = started(copy, "dvc", "repro", "--force", *TARGETS)
    sh(copy, "dvc", "queue", "start")
    output = beside.communicate()[0]
    assert beside.returncode == 0, output
    deadline = time.monotonic() + 300
    while "Running" in (status := sh(copy, "dvc", "queue", "status")) and time.monotonic() < deadline:
        time.sleep(1)
    assert "Success" in status, status
    assert locked(copy) == locked(undisturbed)
    assert "0.4" in sh(copy, "dvc", "exp", "show", "--csv")
