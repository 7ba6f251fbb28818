from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from medcnn.core import files
from medcnn.core.errors import MedcnnError
from medcnn.dataset import manifest, pack, predictions
from medcnn.dataset.predictions import Predictions
from medcnn.explain.occluding import CHECKED, affordable
from medcnn.explain.overlay import GAP
from medcnn.results import base as results
from medcnn.results.networks import Gallery
from medcnn.runtime import paths
from stages import explain
from tests.explain.networks import save_squares
from tests.lazy import lazy
from tests.networks.blocks import built, settings
from tests.project import SIZE, prepared_study, shrink
from tests.report.example import COMBINED
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
    for model in ("simple", "lite0_relay_chain", "ensemble_mean"):
        save_squares(paths.onnx_model(STUDY, model), SIZE, len(CLASSES))
    files.write_json(paths.metrics("ensemble", STUDY), COMBINED)
    predicted("simple", right=0.6)
    predicted("lite0_relay_chain", right=1.0)
    predicted("ensemble_mean", right=0.7)
    compared("simple", "lite0_relay_chain")


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
    predictions.write(paths.predicted(STUDY, model), table)


def compared(best: str, network: str) -> None:
    record = examples.compared(best, network)
    record["networks"] = {"best": network, "worst": network}
    files.write_json(paths.metrics("comparisons", STUDY), record)


def written() -> dict[str, bytes]:
    return {str(path): path.read_bytes() for path in [SHOWN, *sorted(PICTURES.rglob("*.*"))]}


def items(shown: dict[str, Any]) -> list[dict[str, Any]]:
    return [item for of_kind in shown["images"].values() for item in of_kind]


@pytest.mark.usefixtures("project")
def test_every_image_that_is_listed_has_a_picture_and_errors_are_those_of_the_chosen_model() -> None:
    explain.main(STUDY)
    shown = files.read_json(SHOWN)
    results.read(SHOWN, Gallery)
    assert shown["model"] == "simple"
    assert {kind: len(of_kind) for kind, of_kind in shown["images"].items()} == {
        "errors": 6, "uncertain": 6, "typical": 8
    }  # fmt: skip
    assert {item["file"] for item in items(shown)} == {path.name for path in PICTURES.iterdir()}
    assert sum(path.stat().st_size for path in PICTURES.iterdir()) < 1_000_000

    test = manifest.used(paths.manifest(STUDY)).query("split == 'test'").set_index("image_id")
    for item in items(shown):
        assert (item["label"], item["path"]) == tuple(test.loc[item["image_id"], ["label", "path"]])
        assert 1 / len(CLASSES) <= item["probability"] <= 1
        assert set(item["maps"]) == {"occlusion", "grad_cam"}
    assert all(item["label"] != item["predicted"] for item in shown["images"]["errors"])


@pytest.mark.usefixtures("project")
def test_an_ensemble_is_explained_itself_and_a_network_is_named_beside_it() -> None:
    compared("ensemble_mean", "lite0_relay_chain")
    explain.main(STUDY)
    shown = files.read_json(SHOWN)
    assert {method: of["of"] for method, of in shown["methods"].items()} == {
        "occlusion": "ensemble_mean", "grad_cam": "lite0_relay_chain"
    }  # fmt: skip
    occlusion = shown["methods"]["occlusion"]
    plan = affordable(COMBINED["macs"]["ensemble_mean"], len(items(shown)))
    assert occlusion["images"] == plan.images < len(items(shown)), "a dear model has fewer maps, errors first"
    mapped = ["occlusion" in item["maps"] for item in items(shown)]
    assert mapped == [number < plan.images for number in range(len(mapped))]
    assert occlusion["checked"] == CHECKED
    assert -1 <= occlusion["shuffled"] < 0.6
    for item in items(shown):
        with Image.open(PICTURES / item["file"]) as picture:
            assert picture.width == 3 * picture.height + 2 * GAP, "parts keep their places where one is not there"


@pytest.mark.usefixtures("project")
def test_a_picture_shows_the_image_that_it_is_named_by() -> None:
    explain.main(STUDY)
    rows = manifest.used(paths.manifest(STUDY))
    images = pack.images(paths.prepared(STUDY))[:]
    for item in files.read_json(SHOWN)["images"]["errors"]:
        drawn = Image.open(io.BytesIO((PICTURES / item["file"]).read_bytes()))
        left = drawn.crop((0, 0, drawn.height, drawn.height)).resize((SIZE, SIZE), Image.Resampling.BOX)
        distances = np.abs(images - np.asarray(left, float)).mean(axis=(1, 2, 3))
        assert rows["image_id"][distances.argmin()] == item["image_id"]


@pytest.mark.usefixtures("project")
def test_a_second_run_gives_the_same_bytes_and_nothing_of_an_earlier_one_stays() -> None:
    explain.main(STUDY)
    before = written()
    files.write_text(PICTURES / "0123456789ab.jpg", "of an image that is not shown any more")
    files.write_text(PICTURES / "deep" / "0123456789ab.jpg", "of a model that is not shown any more")
    files.write_text(paths.keras_model(STUDY, "gone"), "of a model that is not in the run any more")
    explain.main(STUDY)
    assert written() == before
    assert not paths.model(STUDY, "gone").exists()


@pytest.mark.usefixtures("project")
def test_predictions_of_other_images_are_refused() -> None:
    path = paths.predictions(STUDY) / "simple.csv"
    known = manifest.used(paths.manifest(STUDY)).query("split == 'test'")["image_id"].iloc[0]
    path.write_text(path.read_text().replace(known, "ffffffffffff"))
    with pytest.raises(MedcnnError, match=r"simple.csv, image ffffffffffff: not in data/splits/phantom.csv"):
        explain.main(STUDY)
    assert not SHOWN.exists()
