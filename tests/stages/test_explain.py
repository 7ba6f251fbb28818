from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from medcnn.core import files
from medcnn.core.errors import MedcnnError
from medcnn.dataset import manifest, pack, predictions
from medcnn.dataset.predictions import Predictions
from medcnn.runtime import paths
from stages import explain
from tests.lazy import lazy
from tests.networks.blocks import built, settings
from tests.project import SIZE, prepared_study, shrink
from tests.results import examples

saving = lazy("medcnn.networks.saving")
chaining = lazy("medcnn.train.chaining")

STUDY = "phantom"
CLASSES = ("healthy", "nodule", "spiculated", "ground_glass")
SHOWN = paths.metrics("explain", STUDY)
PICTURES = paths.plots("explain", STUDY)


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A prepared study, a model and a chain as if they had been trained, and predictions of their own."""
    monkeypatch.chdir(shrink(tmp_path, {"studies.phantom.images.size": SIZE}))
    prepared_study(tmp_path, STUDY, CLASSES, images=160)
    network = built(settings("tiny"), SIZE, len(CLASSES))
    saving.save(network, paths.keras_model(STUDY, "simple"))
    link = chaining.chained(network, settings("relay", dense=(6,)), len(CLASSES))
    saving.save(link, paths.keras_model(STUDY, "lite0_relay_chain"))
    predicted("simple", right=0.6)
    predicted("lite0_relay_chain", right=1.0)
    compared("lite0_relay_chain", "simple")


def predicted(model: str, right: float) -> None:
    rows = manifest.used(paths.manifest(STUDY))
    rng = np.random.default_rng(1)
    labels = np.array([CLASSES.index(label) for label in rows["label"]])
    peaks = np.where(rng.random(len(rows)) < right, labels, (labels + 1) % len(CLASSES))
    probabilities = rng.dirichlet([1] * len(CLASSES), len(rows)) + 2 * np.eye(len(CLASSES))[peaks]
    table = Predictions(
        CLASSES,
        rows["image_id"],
        rows["split"],
        labels,
        probabilities / probabilities.sum(axis=1, keepdims=True),
    )
    predictions.write(paths.predictions(STUDY) / f"{model}.csv", table)


def compared(best: str, worst: str) -> None:
    files.write_json(paths.metrics("comparisons", STUDY), examples.compared(best, worst))


def written() -> dict[str, bytes]:
    return {str(path): path.read_bytes() for path in [SHOWN, *sorted(PICTURES.rglob("*.*"))]}


@pytest.mark.usefixtures("project")
def test_best_and_worst_have_a_picture_of_every_image_that_is_listed() -> None:
    explain.main(STUDY)
    shown = files.read_json(SHOWN)
    assert {model: {kind: len(items) for kind, items in kinds.items()} for model, kinds in shown.items()} == {
        "lite0_relay_chain": {"errors": 0, "uncertain": 6, "typical": 8},
        "simple": {"errors": 6, "uncertain": 6, "typical": 8},
    }
    listed = {item["file"] for kinds in shown.values() for items in kinds.values() for item in items}
    assert listed == {path.relative_to(PICTURES).as_posix() for path in PICTURES.rglob("*.*")}
    assert sum(path.stat().st_size for path in PICTURES.rglob("*.*")) < 1_000_000

    test = manifest.used(paths.manifest(STUDY)).query("split == 'test'").set_index("image_id")["label"]
    for item in (item for kinds in shown.values() for items in kinds.values() for item in items):
        assert item["label"] == test[item["image_id"]]
        assert item["image_id"] in item["file"]
        assert 1 / len(CLASSES) <= item["probability"] <= 1
    assert all(item["label"] != item["predicted"] for item in shown["simple"]["errors"])


@pytest.mark.usefixtures("project")
def test_a_picture_shows_the_image_that_it_is_named_by() -> None:
    explain.main(STUDY)
    rows = manifest.used(paths.manifest(STUDY))
    images = pack.images(paths.prepared(STUDY))[:]
    for item in files.read_json(SHOWN)["simple"]["errors"]:
        drawn = Image.open(io.BytesIO((PICTURES / item["file"]).read_bytes()))
        left = drawn.crop((0, 0, drawn.height, drawn.height)).resize((SIZE, SIZE), Image.Resampling.BOX)
        distances = np.abs(images - np.asarray(left, float)).mean(axis=(1, 2, 3))
        assert rows["image_id"][distances.argmin()] == item["image_id"]


@pytest.mark.usefixtures("project")
def test_a_second_run_gives_the_same_bytes_and_nothing_of_an_earlier_one_stays() -> None:
    explain.main(STUDY)
    before = written()
    files.write_text(PICTURES / "simple" / "0123456789ab.jpg", "of an image that is not shown any more")
    files.write_text(PICTURES / "deep" / "0123456789ab.jpg", "of a model that is not shown any more")
    files.write_text(paths.keras_model(STUDY, "gone"), "of a model that is not in the run any more")
    explain.main(STUDY)
    assert written() == before
    assert not paths.model(STUDY, "gone").exists()


@pytest.mark.usefixtures("project")
def test_a_model_that_is_best_and_worst_is_shown_once() -> None:
    compared("simple", "simple")
    explain.main(STUDY)
    assert list(files.read_json(SHOWN)) == ["simple"]


@pytest.mark.usefixtures("project")
def test_predictions_of_other_images_are_refused() -> None:
    path = paths.predictions(STUDY) / "simple.csv"
    known = manifest.used(paths.manifest(STUDY)).query("split == 'test'")["image_id"].iloc[0]
    path.write_text(path.read_text().replace(known, "ffffffffffff"))
    with pytest.raises(MedcnnError, match=r"simple.csv, image ffffffffffff: not in data/splits/phantom.csv"):
        explain.main(STUDY)
    assert not SHOWN.exists()
