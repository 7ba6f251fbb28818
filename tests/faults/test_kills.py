"""Whatever is killed, and however, the next `dvc repro` goes on and ends with the bytes of an undisturbed run."""

from __future__ import annotations

import os
import signal
import time
from itertools import product
from pathlib import Path

import pytest

from medcnn.runtime import paths
from tests.faults.conftest import BOTH, TARGETS, assert_clean, forget, locked, project
from tests.faults.kills import Run, killed, moments, reads, repeated, table
from tests.pipeline.conftest import sh

pytestmark = [pytest.mark.slow, pytest.mark.dvc]
BOTH_TARGETS = ("evaluate@phantom", "export@phantom-lite0")


def test_a_stage_killed_at_ten_moments_of_a_run(tmp_path: Path) -> None:
    alone = project(tmp_path / "alone", BOTH)
    sh(alone, "dvc", "repro", *BOTH_TARGETS)
    folder = project(tmp_path / "killed", BOTH)
    kills, runs = killed(folder, BOTH_TARGETS, moments("tiny", 5))
    print(f"\n{table(kills)}")
    assert len(kills) >= 10
    assert not repeated(runs, kills)
    assert locked(folder) == locked(alone)
    assert_clean(folder)


def test_signals_to_a_training_are_one_line_and_it_goes_on(copy: Path, undisturbed: Path) -> None:
    for number, to_all in product((signal.SIGINT, signal.SIGTERM), (False, True)):
        # A signal may come when the model was just written: its stage fails, and DVC finds the out it knows.
        forget(copy, paths.keras_model("phantom", "tiny"))
        run = training(copy)
        if to_all:
            os.killpg(run.dvc.pid, number)
        else:
            run.stage.send_signal(number)
        assert run.end() != 0
        said = "\n".join(run.lines)
        assert "Traceback" not in said
        assert len([line for line in run.lines if line.startswith("interrupted")]) == 1, said
        assert_clean(copy)
    forget(copy, paths.keras_model("phantom", "tiny"))
    output = sh(copy, "dvc", "repro", *TARGETS)
    assert "Running stage 'train@phantom-tiny'" in output
    assert "Running stage 'prepare@phantom'" not in output
    assert locked(copy) == locked(undisturbed)


def test_a_killed_dvc_blocks_nothing(copy: Path, undisturbed: Path) -> None:
    forget(copy, paths.keras_model("phantom", "tiny"))
    orphaned = training(copy)
    orphaned.dvc.kill()
    orphaned.dvc.wait()
    # The orphaned stage goes on; the next run waits for it, trains again, or finds it done.
    assert "Running stage 'prepare@phantom'" not in sh(copy, "dvc", "repro", *TARGETS)
    orphaned.end()
    assert "Running stage" not in sh(copy, "dvc", "repro", *TARGETS)
    assert locked(copy) == locked(undisturbed)
    assert_clean(copy)


def training(folder: Path) -> Run:
    """A run that is in the middle of a training."""
    run, inside = Run(folder, TARGETS), reads(".lock")
    while not (run.stages[-1:] == ["train@phantom-tiny"] and inside(run)):
        assert run.dvc.poll() is None, "\n".join(run.lines)
        time.sleep(0.01)
    return run
