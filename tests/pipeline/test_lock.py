from __future__ import annotations

import sys
from pathlib import Path

import pytest

from tests.pipeline.conftest import sh
from tests.project import ROOT

pytestmark = [pytest.mark.slow, pytest.mark.dvc]
CHECK = (sys.executable, str(ROOT / ".ci/lock.py"))


def test_a_lock_of_this_code_and_these_params_passes_without_its_data(wired: Path) -> None:
    sh(wired, "git", "clean", "-fdxq", "data", "plots")
    assert sh(wired, *CHECK) == ""


@pytest.mark.parametrize(
    ("file", "before", "after", "named"),
    [
        ("medcnn/train/fitting.py", "import", "import  ", "train@phantom-tiny: medcnn/train"),
        ("params.yaml", "seed: ", "seed: 1", "split@phantom: params.yaml: seed"),
    ],
)
def test_a_lock_of_other_code_or_params_is_stale(file: str, before: str, after: str, named: str, wired: Path) -> None:
    path = wired / file
    path.write_text(path.read_text().replace(before, after, 1))
    assert named in sh(wired, *CHECK, code=1).splitlines()
