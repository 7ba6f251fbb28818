from __future__ import annotations

from pathlib import Path

import pytest

from medcnn.core import files
from medcnn.runtime import paths
from tests.export.networks import STUDY, small_network, trained_study
from tests.project import SIZE, run, stage

pytestmark = [pytest.mark.slow, pytest.mark.tensorflow]

FACTS = paths.metrics("export_ensembles", STUDY)


def written(folder: Path) -> dict[str, bytes]:
    found = [*(folder / paths.combined_models(STUDY)).rglob("*.onnx"), folder / FACTS]
    return {str(path.relative_to(folder)): path.read_bytes() for path in found}


def test_the_same_bytes_whatever_the_hash_seed_and_nothing_of_another_run(tmp_path: Path) -> None:
    networks = {name: small_network(4, SIZE, seed=seed) for seed, name in enumerate(("simple", "deep"))}
    cascades = {"first": ["simple"], "second": ["deep"]}
    folder = trained_study(
        tmp_path,
        networks,
        run__cascades=cascades,
        ensemble__combiners=["vote"],
        benchmark__calibration__images=8,
    )
    stage(folder, "ensemble", STUDY)
    for name in networks:
        stage(folder, "export", STUDY, name)
    runs = []
    for seed in ("1", "2"):
        stale = (paths.model(STUDY, "ensemble_mean"), paths.models(STUDY) / "lite0")
        for path in stale:
            (folder / path).mkdir(parents=True)
        done = run(folder, "stages.export_ensembles", STUDY, PYTHONHASHSEED=seed)
        assert (done.returncode, done.stderr) == (0, "")
        runs.append(written(folder))
        assert not any((folder / path).exists() for path in stale)
    assert runs[0] == runs[1]
    names = ["ensemble_vote", "simple_deep_cascade"]
    assert sorted(files.read_json(folder / FACTS)) == names
    assert sorted(path.name for path in (folder / paths.combined_models(STUDY)).iterdir()) == names
    assert len(runs[0]) == 5


def test_a_run_of_one_model_writes_an_empty_folder_and_an_empty_record(tmp_path: Path) -> None:
    folder = trained_study(tmp_path, {"simple": small_network(4, SIZE)})
    stage(folder, "ensemble", STUDY)
    stage(folder, "export_ensembles", STUDY)
    assert files.read_json(folder / FACTS) == {}
    assert list((folder / paths.combined_models(STUDY)).iterdir()) == []
