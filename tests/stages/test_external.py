from __future__ import annotations

import csv
import io
import shutil
import zipfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from ruamel.yaml import YAML

from medcnn.core import files
from medcnn.core.errors import MedcnnError
from medcnn.dataset import manifest, pack, predictions
from medcnn.grouping import duplicates
from medcnn.results.base import read
from medcnn.results.external import External
from medcnn.runtime import paths
from tests.export.networks import STUDY, small_network, trained_study
from tests.project import SIZE, made_once, run, stage

OTHER = "chest_ct"
CLASSES = ("healthy", "nodule", "spiculated", "ground_glass")
FIGURES = paths.metrics("external", STUDY, OTHER)
PREDICTED = paths.external(STUDY, OTHER)


def block(classes: tuple[str, ...]) -> dict[str, object]:
    """A study of pictures in a zip, named ``class/patient-number.png``."""
    return {
        "title": "Another hospital",
        "source": {"kind": "archive", "path": "other.zip"},
        "labels": {"classes": {name: name for name in classes}, "group": r"(p\d+)-"},
        "split": {"kind": "stratified", "validation": 0.2, "test": 0.3, "folds": 2},
        "images": {"size": 64},
    }


def write_pictures(path: Path, classes: tuple[str, ...], extra: dict[str, np.ndarray]) -> None:
    """Pictures that look like the home study's, six patients of each class with two each."""
    rng = np.random.default_rng(1)
    pixels = dict(extra)
    for name in classes:
        for number in range(12):
            image = rng.integers(0, 120, (SIZE, SIZE, 3), np.uint8)
            corner = 4 + 6 * CLASSES.index(name)
            image[corner : corner + 8, 8:20] += 80
            pixels[f"{name}/p{CLASSES.index(name)}{number // 2}-{number}.png"] = image
    with zipfile.ZipFile(path, "w") as archive:
        for name, image in pixels.items():
            with archive.open(name, "w") as file:
                Image.fromarray(image).save(file, "PNG")


def home(folder: Path) -> None:
    """A study with an ensemble and a cascade, trained, evaluated and exported."""
    networks = {"tiny": small_network(4, SIZE), "simple": small_network(4, SIZE, seed=6)}
    cascades = {"first": ["tiny"], "second": ["simple"]}
    changes = {"run__cascades": cascades, "run__external": [OTHER], f"studies__{OTHER}": block(CLASSES)}
    trained_study(folder, networks, **changes)
    stage(folder, "ensemble", STUDY)
    stage(folder, "evaluate", STUDY)
    for name in networks:
        stage(folder, "export", STUDY, name)


@pytest.fixture
def folder(tmp_path_factory: pytest.TempPathFactory, tmp_path: Path) -> Path:
    made = made_once(tmp_path_factory, "external home", home)
    return Path(shutil.copytree(made, tmp_path / "project"))


def result(folder: Path, classes: tuple[str, ...] = CLASSES, **extra: np.ndarray) -> External:
    """Split an external study of these classes, and test the home study's models on it."""
    write_pictures(folder / "other.zip", classes, {f"{name.replace('__', '/')}.png": of for name, of in extra.items()})
    stage(folder, "download", OTHER)
    stage(folder, "split", OTHER)
    stage(folder, "external", STUDY, OTHER)
    return read(folder / FIGURES, External)


def test_every_image_of_every_part_tests_every_model(folder: Path) -> None:
    found = result(folder)
    models = set(files.read_json(folder / paths.metrics("evaluate", STUDY)))
    assert set(found.models) == models == {path.stem for path in (folder / PREDICTED).iterdir()}
    assert {"tiny", "simple", "ensemble_mean", "tiny_simple_cascade"} <= models
    assert (found.images, found.groups, found.patients, found.copies.images) == (48, 24, True, 0)
    used = manifest.used(folder / paths.manifest(OTHER))
    for model in models:
        table = predictions.read(folder / PREDICTED / f"{model}.csv")
        assert table.image_ids.tolist() == used["image_id"].tolist()
        assert [table.classes[label] for label in table.labels] == used["label"].tolist()


def test_a_model_answers_as_its_exported_file_does_and_home_figures_are_those_of_evaluate(folder: Path) -> None:
    found = result(folder)
    done = stage_predict(folder, "tiny")
    table = predictions.read(folder / PREDICTED / "tiny.csv")
    evaluated = files.read_json(folder / paths.metrics("evaluate", STUDY))["tiny"]
    cold = table.probabilities.clip(1e-7) ** (1 / evaluated["calibration"]["temperature"])
    expected = cold / cold.sum(axis=1, keepdims=True)
    by_path = dict(zip(manifest.used(folder / paths.manifest(OTHER))["path"], expected, strict=True))
    for name, answer in done.items():
        assert answer == pytest.approx(by_path[name], abs=1e-4)
    at_home = found.models["tiny"].home
    assert at_home.figures.get("accuracy_low") == evaluated["test"]["accuracy_low"]
    assert at_home.figures.get("ece_high") == evaluated["calibration"]["ece_high"]
    assert at_home.conformal.coverage == evaluated["conformal"]["coverage"]


def stage_predict(folder: Path, model: str) -> dict[str, list[float]]:
    """Calibrated probabilities by the name in the archive, from the command ``predict``."""
    printed = run(
        folder, "medcnn", "predict", str(paths.onnx_model(STUDY, model)), "other.zip", "--format", "csv"
    ).stdout.splitlines()
    rows = list(csv.DictReader(printed))
    columns = [f"p_{name}" for name in CLASSES]
    return {row["path"].partition("!")[2]: [float(row[column]) for column in columns] for row in rows}


def test_copies_of_home_images_are_left_out_with_a_count(folder: Path) -> None:
    pixels = pack.images(folder / paths.prepared(STUDY))
    rows = manifest.read(folder / paths.manifest(STUDY))
    copied = int(np.flatnonzero((rows["split"] == "train") & (rows["label"] == "healthy"))[0])
    # The fixture's hashes are made up; that of the copied image must be true.
    hashed = duplicates.to_be_hashed(Image.fromarray(pixels[copied]))
    rows.loc[copied, "phash"] = duplicates.perceptual_hashes(hashed[None])[0]
    manifest.write(folder / paths.manifest(STUDY), rows)
    found = result(folder, healthy__p99_1=pixels[copied])
    assert (found.images, found.copies.exact, found.copies.near) == (48, 0, 1)
    assert found.copies.parts == {"train": 1, "validation": 0, "test": 0}


def test_every_page_of_a_file_is_an_image_where_home_takes_the_first_alone(folder: Path) -> None:
    yaml = YAML()
    params = yaml.load(folder / paths.PARAMS)
    params["studies"][STUDY]["images"]["frames"] = "first"
    yaml.dump(params, folder / paths.PARAMS)
    rng = np.random.default_rng(5)
    pages = [Image.fromarray(rng.integers(0, 120, (SIZE, SIZE, 3), np.uint8)) for _ in range(3)]
    buffer = io.BytesIO()
    pages[0].save(buffer, "TIFF", save_all=True, append_images=pages[1:])
    write_pictures(folder / "other.zip", CLASSES, {})
    with zipfile.ZipFile(folder / "other.zip", "a") as archive:
        archive.writestr("healthy/p99-1.tif", buffer.getvalue())
    stage(folder, "download", OTHER)
    stage(folder, "split", OTHER)
    stage(folder, "external", STUDY, OTHER)
    assert read(folder / FIGURES, External).images == 48 + 3


def test_with_fewer_classes_home_is_compared_on_the_same_ones(folder: Path) -> None:
    yaml = YAML()
    params = yaml.load(folder / paths.PARAMS)
    params["studies"][OTHER] = block(CLASSES[:2])
    yaml.dump(params, folder / paths.PARAMS)
    found = result(folder, CLASSES[:2])
    assert (found.classes, found.absent) == (CLASSES[:2], CLASSES[2:])
    assert found.models["tiny"].home.figures.support == 12
    assert found.prevalence["healthy"].external == found.prevalence["healthy"].home == 0.5


def test_a_second_run_gives_the_same_bytes_and_leaves_nothing_of_other_models(folder: Path) -> None:
    result(folder)
    stray = folder / PREDICTED / "vgg16.csv"
    stray.write_text("stale")
    before = {path: path.read_bytes() for path in (folder / "metrics/external").rglob("*.json")}
    stage(folder, "external", STUDY, OTHER)
    assert not stray.exists()
    assert before == {path: path.read_bytes() for path in (folder / "metrics/external").rglob("*.json")}
    assert not list((folder / paths.state("external")).glob("*"))


def test_a_set_of_copies_alone_tests_nothing(folder: Path) -> None:
    result(folder)
    other, mine = (manifest.read(folder / paths.manifest(name)) for name in (OTHER, STUDY))
    other["sha256"] = mine["sha256"].iloc[0]
    manifest.write(folder / paths.manifest(OTHER), other)
    with pytest.raises(MedcnnError, match=r"run.external: every image of chest_ct is one of phantom too"):
        stage(folder, "external", STUDY, OTHER)
