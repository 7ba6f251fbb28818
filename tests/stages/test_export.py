from __future__ import annotations

from pathlib import Path

import pytest

from medcnn.core import files
from medcnn.core.errors import MedcnnError
from medcnn.runtime import paths
from tests.export.networks import STUDY, small_network, trained_study
from tests.project import SIZE, run, shrink, stage

pytestmark = [pytest.mark.slow, pytest.mark.tensorflow]

FLOAT32, INT8 = paths.onnx_model(STUDY, "simple"), paths.int8_model(STUDY, "simple")
FACTS = paths.metrics("export", STUDY, "simple")


def project(folder: Path, gain: float = 0.0) -> Path:
    """A study with a model as if it had been trained."""
    return trained_study(folder, {"simple": small_network(4, SIZE, gain)}, benchmark__calibration__images=8)


def test_the_same_model_gives_the_same_bytes_whatever_the_hash_seed(tmp_path: Path) -> None:
    folder = project(tmp_path)
    written = []
    for seed in ("1", "2"):
        done = run(folder, "stages.export", STUDY, "simple", PYTHONHASHSEED=seed)
        assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
        written.append([(folder / path).read_bytes() for path in (FLOAT32, INT8, FACTS)])
    assert written[0] == written[1]
    facts = files.read_json(folder / FACTS)
    assert facts["sha256"] == files.sha256(folder / FLOAT32)
    assert facts["int8"]["sha256"] == files.sha256(folder / INT8)
    assert facts["parity"]["argmax_agreement"] == 1


def test_a_model_that_answers_otherwise_in_onnx_is_not_written(tmp_path: Path) -> None:
    # The two round differently, and this network blows that up.
    folder = project(tmp_path, gain=1e6)
    for path in (FLOAT32, INT8):
        (folder / path).write_bytes(b"of an earlier run")
    with pytest.raises(MedcnnError, match="Keras"):
        stage(folder, "export", STUDY, "simple")
    assert [path.name for path in (folder / FLOAT32).parent.iterdir()] == ["model.keras"]
    assert not (folder / FACTS).exists()


def test_a_model_that_was_not_trained_is_named(tmp_path: Path) -> None:
    shrink(tmp_path, {})
    done = run(tmp_path, "stages.export", STUDY, "simple")
    assert done.returncode == 1
    assert done.stderr.startswith("error: data/models/phantom/simple/model.keras ")
    assert done.stderr.count("\n") == 1
