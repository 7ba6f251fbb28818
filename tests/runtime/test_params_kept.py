from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from medcnn.core import files
from medcnn.core.errors import MedcnnError
from medcnn.runtime import paths
from medcnn.runtime.params_kept import params_kept, put_back, restored

BEFORE = "# mine\nrun:\n  models: [simple] # short\nseed: 1\n"
DVC_LEFT = "run:\n  models:\n  - vgg16\nseed: 1\n"
KEYS = ("run.models",)


@pytest.fixture
def params(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    files.write_text(paths.PARAMS, BEFORE)
    return paths.PARAMS


def test_the_file_is_put_back_byte_for_byte(params: Path):
    with params_kept(KEYS):
        params.write_text(DVC_LEFT)
    assert params.read_text() == BEFORE
    assert not put_back()


def test_the_file_is_put_back_when_the_run_fails(params: Path):
    with pytest.raises(MedcnnError), params_kept(KEYS):
        params.write_text(DVC_LEFT)
        raise MedcnnError("no")
    assert params.read_text() == BEFORE


def test_what_the_user_edited_meanwhile_stays_and_so_do_the_comments():
    assert restored(DVC_LEFT.replace("seed: 1", "seed: 2\nnew: true"), BEFORE, KEYS) == (
        BEFORE.replace("seed: 1", "seed: 2") + "new: true\n"
    )
    assert restored("run:\n  models: [vgg16]\n", BEFORE, KEYS) == BEFORE.replace("seed: 1\n", "")


def test_keys_that_the_file_never_had_do_no_harm():
    assert restored(DVC_LEFT, BEFORE, (*KEYS, "run.no.such", "")) == BEFORE


def test_keys_below_an_empty_one_do_no_harm():
    before = "models:\n  a:\n    plateau:\n"
    assert restored(before, before, ["models.a.plateau.factor"]) == before
    assert restored(before + "seed: 2\n", before + "seed: 1\n", ["models.a.plateau.factor"]) == before + "seed: 2\n"


def test_a_key_that_a_run_added_is_taken_away():
    assert (
        restored("run: 1\naugment:\n  mine: 2\n", "run: 1\naugment: {}\n", ["augment.mine"]) == "run: 1\naugment: {}\n"
    )


def test_a_run_that_was_killed_is_mended_by_the_next(params: Path):
    code = f"""
import os, signal
from pathlib import Path
from medcnn.runtime.params_kept import params_kept
with params_kept({KEYS!r}):
    Path("params.yaml").write_text({DVC_LEFT!r})
    os.kill(os.getpid(), signal.SIGKILL)
"""
    root = Path(__file__).parents[2]
    done = subprocess.run([sys.executable, "-c", code], env={"PYTHONPATH": str(root)}, check=False)
    assert done.returncode == -signal.SIGKILL
    assert params.read_text() == DVC_LEFT
    assert put_back()
    assert params.read_text() == BEFORE


def test_a_file_that_is_no_yaml_any_more_is_left_alone_and_nothing_is_lost(params: Path):
    with pytest.raises(MedcnnError, match="as it was before, it lies in"), params_kept(KEYS):
        params.write_text("run: [")
    assert params.read_text() == "run: ["
    params.write_text(DVC_LEFT)
    assert put_back()
    assert params.read_text() == BEFORE
