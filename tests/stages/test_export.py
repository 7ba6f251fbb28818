from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import onnxruntime
import pytest

from medcnn import files, layout
from medcnn.images import pack
from tests.onnx.networks import small_network
from tests.project import SIZE, prepared_study, run, shrink

pytestmark = pytest.mark.slow

CLASSES = ("healthy", "tumour")
ONNX = layout.onnx_model("brain_mri", "small")
FACTS = layout.metrics("export", "brain_mri", "small")


def project(folder: Path, gain: float = 0.0) -> Path:
    """A prepared study of two classes, and a model as if it had been trained."""
    from medcnn.models import saving

    shrink(folder, {"studies.brain_mri.image_size": SIZE})
    prepared_study(folder, "brain_mri", CLASSES)
    saving.save(small_network(2, SIZE, gain), folder / layout.keras_model("brain_mri", "small"))
    return folder


def test_the_same_model_gives_the_same_bytes_whatever_the_hash_seed(tmp_path: Path) -> None:
    folder = project(tmp_path)
    written = []
    for seed in ("1", "2"):
        done = run(folder, "stages.export", "brain_mri", "small", PYTHONHASHSEED=seed)
        assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
        written.append(((folder / ONNX).read_bytes(), (folder / FACTS).read_bytes()))
    assert written[0] == written[1]

    session = onnxruntime.InferenceSession(folder / ONNX, providers=["CPUExecutionProvider"])
    images = pack.images(folder / layout.prepared("brain_mri"))[:3].astype(np.float32)
    assert session.run(["probabilities"], {"image": images})[0].shape == (3, 2)
    # The positive class comes last, whatever the order in params.yaml.
    assert json.loads(session.get_modelmeta().custom_metadata_map["class_names"]) == ["healthy", "tumour"]
    facts = files.read_json(folder / FACTS)
    assert facts["sha256"] == files.sha256(folder / ONNX)
    assert facts["bytes"] == (folder / ONNX).stat().st_size
    assert facts["parity"]["images"] == 14
    assert facts["parity"]["argmax_agreement"] == 1
    assert facts["parity"]["max_difference"] <= 1e-4


def test_a_model_that_answers_otherwise_in_onnx_is_not_written(tmp_path: Path) -> None:
    # The two round differently, and this network blows that up.
    folder = project(tmp_path, gain=1e6)
    (folder / ONNX).write_bytes(b"of an earlier run")
    done = run(folder, "stages.export", "brain_mri", "small")
    assert done.returncode == 1
    assert done.stderr.startswith("error: the ONNX model and Keras disagree on ")
    assert done.stderr.count("\n") == 1
    assert [path.name for path in (folder / ONNX).parent.iterdir()] == ["model.keras"]
    assert not (folder / FACTS).exists()


def test_a_model_that_was_not_trained_is_named(tmp_path: Path) -> None:
    shrink(tmp_path, {})
    done = run(tmp_path, "stages.export", "brain_mri", "small")
    assert done.returncode == 1
    assert done.stderr.startswith("error: data/models/brain_mri/small/model.keras not found")
    assert done.stderr.count("\n") == 1
