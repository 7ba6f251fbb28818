"""Every model of params.yaml, at the smallest size: built, saved, opened again, it answers the same."""

from __future__ import annotations

from pathlib import Path

import keras
import numpy as np
import pytest

from medcnn import params
from medcnn.models import building, preprocessing, saving
from medcnn.models.backbones import build_backbone
from medcnn.models.catalogue import BACKBONES
from medcnn.models.catalogue import KERAS as APPLICATIONS
from medcnn.params.models import Model
from tests.models.blocks import keras_file, pixels

TABLE = params.load(Path(__file__).parents[2] / "params.yaml").models
_BUILT_FROM = {"backbone", "preprocessing", "pooling", "batch_norm", "dense", "dropout", "output"}


def different() -> list[str]:
    """One name for all models that differ only in how they are trained, a pretrained one where there is any."""
    by_layers = {model.model_dump_json(include=_BUILT_FROM): name for name, model in TABLE.items()}
    return sorted(by_layers.values())


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("weights")


def pretrained(folder: Path, model: Model) -> Path:
    """Random numbers in the form of the backbone's published weights."""
    place = folder / model.backbone
    if not place.exists():
        place.mkdir()
        network = build_backbone(model.backbone, "average", BACKBONES[model.backbone].smallest)
        if model.backbone in APPLICATIONS:
            keras_file(place / "weights.h5", network)
        else:
            arrays = {f"{layer.name}/{v.name}": v.numpy() for layer in network.layers for v in layer.weights}
            np.savez(place / "weights.npz", **arrays)
    return place


@pytest.mark.slow
@pytest.mark.parametrize("name", different())
def test_builds_opens_again_and_answers_the_same(name: str, folder: Path, tmp_path: Path) -> None:
    model, size = TABLE[name], BACKBONES[TABLE[name].backbone].smallest
    images = pixels(3, size)
    measured = preprocessing.measured(images.astype("uint8"), range(3))
    place = folder if model.weights == "none" else pretrained(folder, model)
    built = building.build(model, size, 3, place, measured)
    saving.save(built, tmp_path / "model.keras")
    opened = keras.saving.load_model(tmp_path / "model.keras", safe_mode=True)
    answer = built(images).numpy()
    np.testing.assert_array_equal(opened(images), answer)
    np.testing.assert_allclose(answer.sum(axis=1), 1, rtol=1e-5)
