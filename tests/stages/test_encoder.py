"""An encoder of the user's own, from its file to an exported model that answers as ONNX Runtime and Keras do."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest

from medcnn.core import files
from medcnn.dataset import part, predictions
from medcnn.inference import sessions
from medcnn.runtime import paths
from tests.project import stage
from tests.stages import training
from tests.weights.encoder_files import encoder

pytestmark = [pytest.mark.slow, pytest.mark.tensorflow]

NAME = "probe_encoder"


def project(folder: Path) -> Path:
    training.project(
        folder, encoders__dinov2__file="mine.onnx", models__probe_encoder__tta="flips", benchmark__calibration__images=8
    )
    encoder(folder / "mine.onnx", "tokens", size=24)
    return folder


def test_a_probe_on_an_encoder_is_trained_exported_as_one_file_and_answers_alike(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = training.trained(project(tmp_path), NAME)
    stage(folder, "export", "phantom", NAME)
    monkeypatch.chdir(folder)
    test = part.read("phantom", training.CLASSES, "test")
    expected = predictions.read(paths.predictions("phantom") / f"{NAME}.csv").of("test").probabilities
    temperature = files.read_json(paths.metrics("export", "phantom", NAME))["temperature"]
    for path, tolerance in ((paths.onnx_model("phantom", NAME), 2e-4), (paths.int8_model("phantom", NAME), 0.2)):
        session = sessions.load(path)
        answers = np.concatenate([sessions.probabilities(session, batch) for batch in test.batches(8)])
        raw = answers**temperature
        np.testing.assert_allclose(raw / raw.sum(axis=1, keepdims=True), expected, atol=tolerance)
    # The head was written in an older version of the operators than the encoder.
    assert onnx.load(paths.onnx_model("phantom", NAME)).opset_import[0].version == 17
