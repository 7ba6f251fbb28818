from __future__ import annotations

from pathlib import Path

import pytest

from medcnn.runtime import paths


def test_metrics_are_a_file_a_name_below_the_stage() -> None:
    assert paths.metrics("train", "s", "m") == Path("metrics/train/s/m.json")
    assert paths.metrics("split", "s") == Path("metrics/split/s.json")


def test_a_queued_experiment_shares_the_state_of_the_project_it_was_copied_from(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    copy = tmp_path / "project/.dvc/tmp/exps/abc"
    copy.mkdir(parents=True)
    monkeypatch.chdir(copy)
    assert paths.state("features") == tmp_path / "project/.dvc/tmp/medcnn/features"
    monkeypatch.chdir(tmp_path / "project")
    assert paths.state("features") == tmp_path / "project/.dvc/tmp/medcnn/features"
