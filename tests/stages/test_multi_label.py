"""Several findings per image, from a label table through every stage."""

from __future__ import annotations

import csv
import io
import json
import zipfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from ruamel.yaml import YAML

from medcnn.core import files
from medcnn.dataset import manifest, predictions
from medcnn.predict.model import load
from medcnn.runtime import paths
from tests.project import made_once, run, shrink, stage
from tests.report.html import parsed

pytestmark = [pytest.mark.tensorflow]

STUDY = "shapes"
FINDINGS = ("square", "disc", "stripes")
IMAGES = 120
MODELS = ("simple", "deep")


def picture(has: np.ndarray, random: np.random.Generator) -> bytes:
    """A grey picture with the shapes that it has, each somewhere."""
    pixels = random.integers(40, 90, (24, 24, 3), np.uint8)
    row, column = random.integers(1, 14, 2)
    if has[0]:
        pixels[row : row + 8, column : column + 8] = (250, 60, 60)
    if has[1]:
        centre = random.integers(6, 18, 2)
        pixels[((np.mgrid[:24, :24] - centre[:, None, None]) ** 2).sum(axis=0) < 16] = (60, 250, 60)
    if has[2]:
        pixels[:, ::4, 2] = 250
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "PNG")
    return buffer.getvalue()


def archive(path: Path) -> None:
    """Pictures of patients with two images each, some with no finding, and a table with a column for each finding."""
    random = np.random.default_rng(4)
    truth = (random.random((IMAGES, 3)) < 0.4).astype(int)
    table = io.StringIO()
    writer = csv.writer(table)
    writer.writerow(["file", "patient", *FINDINGS])
    with zipfile.ZipFile(path, "w") as whole:
        for number, has in enumerate(truth):
            whole.writestr(f"images/{number:03}.png", picture(has, random))
            writer.writerow([f"{number:03}.png", f"p{number // 2}", *(has if number else (-1, 0, 0))])
        whole.writestr("labels.csv", table.getvalue())


def made(folder: Path) -> None:
    folder.mkdir(parents=True)
    path = (
        shrink(
            folder,
            {
                "run.studies": [STUDY],
                "run.models": list(MODELS),
                "run.chains.first": [],
                "run.cascades.first": [],
                "models.simple.epochs": 12,
                "models.deep.epochs": 2,
                "models.simple.learning_rate": 0.003,
                "benchmark.calibration.images": 8,
                "evaluate.resamples": 100,
            },
        )
        / "params.yaml"
    )
    yaml = YAML()
    params = yaml.load(path)
    params["studies"][STUDY] = {
        "title": "Squares, discs and stripes", "source": {"kind": "archive", "path": str(folder / "set.zip")},
        "labels": {
            "multi_label": True, "classes": {name: name for name in FINDINGS},
            "csv": {"file": "labels.csv", "image": "file", "columns": list(FINDINGS), "group": "patient"},
        },
        "split": {"kind": "stratified", "duplicates": {"hamming": 0, "correlation": 1.0}},
        "images": {"size": 24, "views": {"policy": "light", "count": 1}},
    }  # fmt: skip
    yaml.dump(params, path)
    archive(folder / "set.zip")
    for name in ("download", "split", "prepare"):
        stage(folder, name, STUDY)
    for model in MODELS:
        stage(folder, "weights", model)
        stage(folder, "train", STUDY, model)
    for name in ("ensemble", "evaluate", "explain"):
        stage(folder, name, STUDY)


@pytest.fixture(scope="session")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return made_once(tmp_path_factory, "multi_label", made)


def test_every_finding_is_shared_out_and_uncertain_rows_are_set_aside(trained: Path) -> None:
    facts = files.read_json(trained / paths.metrics("split", STUDY))
    assert facts["set_aside"] == {"uncertain": 1}
    assert set(facts["classes"]) == {*FINDINGS, "no finding"}
    rows = manifest.used(trained / paths.manifest(STUDY))
    assert (rows["label"] == "no finding").any() and (rows["label"] == "square|disc|stripes").any()
    for finding in FINDINGS:
        has = rows["label"].str.contains(finding)
        assert 0.1 < (has & (rows["split"] == "test")).sum() / has.sum() < 0.3


def test_probabilities_of_findings_are_each_on_their_own(trained: Path) -> None:
    table = predictions.read(trained / paths.predictions(STUDY) / "simple.csv")
    assert table.classes == FINDINGS and table.multi_label
    assert np.abs(table.probabilities.sum(axis=1) - 1).max() > 0.2


def test_ensembles_and_figures_of_findings(trained: Path) -> None:
    made = files.read_json(trained / paths.metrics("ensemble", STUDY))
    assert len(made["combiners"]) == 6 and made["cascades"] == {} and set(made["left_out"]) == {"cascades"}
    test = files.read_json(trained / paths.metrics("evaluate", STUDY))["simple"]["test"]
    assert test["auroc"] > 0.7 and set(test["classes"]) == set(FINDINGS)
    assert {"auroc_low", "average_precision", "ece"} <= set(test["classes"]["disc"])


@pytest.fixture(scope="session")
def exported(trained: Path) -> Path:
    for model in MODELS:
        stage(trained, "export", STUDY, model)
    stage(trained, "export_ensembles", STUDY)
    return trained


def test_an_exported_model_answers_as_keras_does_and_names_findings(exported: Path) -> None:
    record = files.read_json(exported / paths.metrics("export", STUDY, "simple"))
    assert record["parity"]["max_difference"] < 1e-4
    model = load(exported / paths.onnx_model(STUDY, "simple"))
    assert model.card.multi_label and set(model.card.operating_points) == set(FINDINGS)
    ensembles = files.read_json(exported / paths.metrics("export_ensembles", STUDY))
    assert len(ensembles) == 6
    assert all(made["parity"]["max_difference"] < 1e-4 for made in ensembles.values())


def test_degraded_images_are_judged_by_all_findings(trained: Path) -> None:
    stage(trained, "stress", STUDY, "simple")
    stressed = files.read_json(trained / paths.metrics("stress", STUDY, "simple"))
    test = files.read_json(trained / paths.metrics("evaluate", STUDY))["simple"]["test"]
    assert stressed["clean"]["accuracy"] == pytest.approx(test["accuracy"])


def test_predict_names_what_it_finds(exported: Path, tmp_path: Path) -> None:
    with zipfile.ZipFile(exported / "set.zip") as whole:
        whole.extract("images/001.png", tmp_path)
    model = exported / paths.onnx_model(STUDY, "simple")
    said = json.loads(
        run(tmp_path, "medcnn", "predict", str(model), "images", "--format", "jsonl", "--explain", "seen").stdout
    )
    likely = [name for name, chance in said["probabilities"].items() if chance > 0.5]
    assert said["class"] == ("|".join(likely) or "no finding")
    assert (tmp_path / "seen" / said["explanation"]).exists()


def test_the_page_and_the_card_say_what_each_finding_is_worth(exported: Path) -> None:
    stage(exported, "report")
    page = (exported / paths.REPORT).read_text()
    assert "Exact-match accuracy" in page and "Average precision" in page
    read = parsed(page)
    compared = files.read_json(exported / paths.metrics("comparisons", STUDY))
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(exported)
        best = predictions.read(paths.predicted(STUDY, compared["best"])).of("test")
    found = next(table for table in read.tables if [cell.text for cell in table[0]][:2] == ["Finding", "Found"])
    for index, (_, *cells) in enumerate(found[1:]):
        true, called = best.labels[:, index] == 1, best.probabilities[:, index] > 0.5
        outcomes = (true & called, true & ~called, ~true & called, ~true & ~called)
        assert [int(cell.text) for cell in cells] == [int(of.sum()) for of in outcomes]
    card = (exported / "metrics/cards" / f"{STUDY}.md").read_text()
    assert "| disc |" in card and "AUROC" in card
