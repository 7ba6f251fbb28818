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


def project(folder: Path, **changes: str) -> Path:
    training.project(
        folder,
        encoders__dinov2__file="mine.onnx",
        models__probe_encoder__tta="flips",
        benchmark__calibration__images=8,
        **changes,
    )
    encoder(folder / "mine.onnx", "tokens", size=24)
    return training.folded(folder)


@pytest.mark.parametrize(
    ("name", "changes"), [(NAME, {}), (f"{NAME}_folds", {f"models__{NAME}__preprocessing": "adapted"})]
)
def test_a_probe_on_an_encoder_is_trained_exported_as_one_file_and_answers_alike(
    name: str, changes: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = project(tmp_path, **changes)
    stage(folder, "weights", NAME)
    for each in ("train", "export"):
        stage(folder, each, "phantom", name)
    monkeypatch.chdir(folder)
    test = part.read("phantom", training.CLASSES, "test")
    expected = predictions.read(paths.predictions("phantom") / f"{name}.csv").of("test").probabilities
    temperature = files.read_json(paths.metrics("export", "phantom", name))["temperature"]
    for path, tolerance in ((paths.onnx_model("phantom", name), 2e-4), (paths.int8_model("phantom", name), 0.2)):
        session = sessions.load(path)
        answers = np.concatenate([sessions.probabilities(session, batch) for batch in test.batches(8)])
        raw = answers**temperature
        np.testing.assert_allclose(raw / raw.sum(axis=1, keepdims=True), expected, atol=tolerance)
    model = onnx.load(paths.onnx_model("phantom", name))
    # The head was written in an older version of the operators than the encoder, which is there once.
    assert model.opset_import[0].version == 17
    assert [node.op_type for node in model.graph.node].count("Conv") == 1
