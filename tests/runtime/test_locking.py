from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from medcnn.core.errors import MedcnnError
from medcnn.runtime.locking import held
from tests.project import ROOT

WAITING = """
from pathlib import Path
from medcnn.runtime.locking import held
with held(Path("lock"), "trains"):
    print(Path("done").read_text())
"""


def test_the_second_is_refused_where_it_is_not_to_wait(tmp_path: Path):
    lock = tmp_path / "folder/lock"
    with held(lock, "trains"), pytest.raises(MedcnnError, match="another run trains; wait until it has ended"):  # noqa: SIM117
        with held(lock, "trains", wait=False):
            pass
    with held(lock, "trains", wait=False):
        pass


def test_the_second_says_for_what_it_waits_and_goes_on_after_the_first(tmp_path: Path):
    with held(tmp_path / "lock", "trains"):
        second = subprocess.Popen(
            [sys.executable, "-c", WAITING],
            cwd=tmp_path,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        assert second.stderr is not None
        assert second.stderr.readline() == "waiting for another run that trains\n"
        (tmp_path / "done").write_text("the first")
    assert second.communicate(timeout=30)[0] == "the first\n"


def test_a_child_that_inherits_the_lock_keeps_it(tmp_path: Path):
    with held(tmp_path / "lock", "trains") as descriptor:
        child = subprocess.Popen(["cat"], stdin=subprocess.PIPE, pass_fds=[descriptor])
    with pytest.raises(MedcnnError), held(tmp_path / "lock", "trains", wait=False):
        pass
    child.communicate()
    with held(tmp_path / "lock", "trains", wait=False):
        pass
