"""Every model that a study published, on that study's small archive: trained for an epoch, saved, and opened again."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from medcnn.core import files
from medcnn.dataset import pack, predictions
from medcnn.params import whole
from medcnn.params.catalogue import catalogue
from medcnn.params.shared.models import Model
from medcnn.published import studies
from medcnn.runtime import paths
from stages import train
from tests.lazy import lazy
from tests.networks.blocks import keras_file
from tests.project import ROOT
from tests.studies.test_studies import all_prepared, project

keras = lazy("keras")
building = lazy("medcnn.networks.building")

SETTINGS = whole.load(ROOT / "params.yaml")
# Models that differ in augmentation alone are trained once.
PUBLISHED = [
    (name, model)
    for name, study in studies.load().items()
    for model in study.networks
    if not model.endswith(("_augmented", "_chain"))
]
CASES = [*PUBLISHED, ("brain_mri", "lite0"), ("brain_mri", "lite0_finetuned")]
SIZES = {"lung_ct": 75}


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """All five studies prepared at the smallest size that their backbones take; every model trains for one epoch."""
    changes = {f"studies__{study}__images__size": size for study, size in SIZES.items()}
    for _, model in CASES:
        changes[f"models__{model}__epochs"] = 1
        if SETTINGS.model(model).finetune.epochs:
            changes[f"models__{model}__finetune__epochs"] = 1
    return all_prepared(project(tmp_path_factory.mktemp("models"), **changes))


def pretrained(model: str, settings: Model) -> None:
    """What the stage ``weights`` would leave, with random numbers for published ones."""
    place = paths.weights(model)
    place.mkdir(parents=True, exist_ok=True)
    row = catalogue().backbones[settings.backbone]
    files.write_json(place / "weights.json", {"preprocessing": row.preprocessing})
    if settings.weights == "none":
        return
    network = building.build_backbone(settings.backbone, settings.pooling, row.smallest)
    if settings.backbone in catalogue().keras:
        keras_file(place / "weights.h5", network)
    else:
        arrays = {f"{layer.name}/{v.name}": v.numpy() for layer in network.layers for v in layer.weights}
        np.savez(place / "weights.npz", **arrays)


@pytest.mark.slow
@pytest.mark.parametrize(("study", "model"), CASES)
def test_trains_an_epoch_and_the_saved_model_predicts_the_same(
    study: str, model: str, prepared: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(prepared)
    settings = whole.load()
    pretrained(model, settings.model(model))
    train.main(study, model)
    opened = keras.saving.load_model(paths.keras_model(study, model), safe_mode=True)
    outputs = opened.predict(pack.images(paths.prepared(study))[:].astype(np.float32), verbose=0)
    written = predictions.read(paths.predictions(study) / f"{model}.csv").probabilities
    assert np.isfinite(written).all()
    np.testing.assert_allclose(outputs, written[:, -outputs.shape[1] :], atol=1e-5)
