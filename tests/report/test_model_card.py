"""The model card: its sections, and that its figures are those of the metrics."""

from __future__ import annotations

import re
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from medcnn.core import files, markdown
from medcnn.params import whole
from medcnn.params.judging.figures import FIGURES
from medcnn.report.model_card import card
from medcnn.runtime import paths
from tests.report.example import ENSEMBLES, Example, example, write_external

SECTIONS = [
    "Model details",
    "Intended use",
    "Factors",
    "Metrics",
    "Evaluation data",
    "Training data",
    "Quantitative analyses",
    "Ethical considerations",
    "Caveats and recommendations",
]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Example:
    return example(tmp_path_factory.mktemp("card")).evaluate()


def written(made: Example) -> str:
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(made.folder)
        return card(made.study, whole.load())


def metrics(made: Example, stage: str) -> dict[str, Any]:
    return files.read_json(made.path(paths.metrics(stage, made.study)))


def choose(made: Example, model: str) -> None:
    path = made.path(paths.metrics("comparisons", made.study))
    files.write_json(path, {**files.read_json(path), "best": model})


def test_the_sections_are_those_of_the_paper_in_its_order(made: Example):
    assert re.findall(r"^## (.+)$", written(made), re.MULTILINE) == SECTIONS


def test_every_figure_is_that_of_the_metrics(made: Example):
    text = written(made)
    block = metrics(made, "evaluate")[metrics(made, "comparisons")["best"]]
    shown = [
        *((block["test"], key) for key in ("accuracy", "balanced_accuracy", "auroc", "cross_entropy", "brier", "ece")),
        *(
            (of, key)
            for of in block["test"]["classes"].values()
            for key in ("recall", "specificity", "precision", "f1")
        ),
        *((when, "ece") for when in (block["calibration"], block["calibration"]["before"])),
        *((of, key) for of in block["operating_points"].values() for key in ("sensitivity", "ppv")),
        (block["conformal"], "coverage"),
    ]
    for of, key in shown:
        assert markdown.figure(of, key) in text, key
    assert f"temperature {block['calibration']['temperature']:.4f}" in text
    for point in block["operating_points"].values():
        assert f"{point['threshold']:.6f}" in text


def test_the_data_and_what_is_wrong_with_it(made: Example):
    text, data = written(made), metrics(made, "split")
    assert f"Fingerprint of images and labels: `{data['fingerprint']}`" in text
    assert f"sha256 `{metrics(made, 'download')['sha256']}`" in text
    assert "15 images in 7 sets of the same pixels, 21 in 9 sets of near the same" in text
    assert "1 set aside: no class; 3 set aside: unreadable" in text
    assert "Patients: not known" in text
    assert "The images are drawn by a program" in text


@pytest.mark.parametrize(
    ("model", "networks", "blocks"),
    [
        ("simple", ["simple"], ["simple"]),
        ("lite0_relay_chain", ["lite0_relay_chain"], ["lite0", "relay"]),
        (ENSEMBLES[0], ["simple", "lite0"], ["simple", "lite0"]),
        ("simple_lite0_cascade", ["simple", "lite0"], ["simple", "lite0"]),
    ],
)
def test_the_networks_of_a_model_their_params_and_hashes(
    made: Example, model: str, networks: list[str], blocks: list[str]
):
    choose(made, model)
    for network in networks:
        path = made.path(paths.metrics("export", made.study, network))
        files.write_json(path, {**files.read_json(path), "keras_sha256": f"{network:0>64}"})
    text = written(made)
    assert re.findall(r"^- Network `(\w+)`", text, re.MULTILINE) == networks
    assert re.findall(r"^(\w+):$", text.partition("```yaml")[2].partition("```")[0], re.MULTILINE) == blocks
    assert all(f"`model.keras`: sha256 `{network:0>64}`" in text for network in networks)
    assert ("weight 0.5000" in text) == (model == ENSEMBLES[0])


@pytest.mark.parametrize(
    ("model", "folder", "left"), [("simple", "models", "layers"), ("simple_lite0_cascade", "combined", "members")]
)
def test_the_exported_files_of_the_chosen_model_and_how_to_run_them(made: Example, model: str, folder: str, left: str):
    choose(made, model)
    text = written(made)
    path = f"data/{folder}/{made.study}/{model}/model"
    assert f"`{path}.onnx`: float32, 2,650,000 bytes, sha256 `{'0' * 64}`" in text
    assert f"`{path}.int8.onnx`: mixed (2 {left} left in float32), 910,000 bytes, sha256 `{'1' * 64}`" in text
    assert "calibrated in the file (temperature 1.5000)" in text
    assert "in the prediction set where 1 - probability is at most 0.8750" in text
    assert f"`python -m medcnn predict {path}.onnx image.png`" in text


def test_subgroups_and_cross_validation_where_there_are_any(made: Example):
    path = made.path(paths.metrics("evaluate", made.study))
    before = files.read_json(path)
    best = metrics(made, "comparisons")["best"]
    assert "Sex, age, scanner and site are not known" in written(made)
    pooled = {
        key: before[best]["test"][key]
        for figure in FIGURES
        if figure.scored and figure.key in before[best]["test"]
        for key in figure.keys
    }
    women = {key: pooled[key] for figure in FIGURES if figure.tested for key in figure.keys}
    women |= {"support": 11, "groups": 7}
    more = {
        "subgroups": {"sex": {"groups": {"f|x": women}, "largest_gap": {"accuracy": 0.125, "between": ["m", "f|x"]}}},
        "crossval": {
            "folds": [0, 1], "repeats": [0], "images": 48, "groups": 40,
            "cells": {}, "pooled": pooled, "mean": {"accuracy": 0.71}, "spread": {"accuracy": None},
        },
    }  # fmt: skip
    files.write_json(path, {**before, best: {**before[best], **more}})
    text = written(made)
    files.write_json(path, before)
    assert "- Evaluated apart: sex" in text
    assert "the largest gap in accuracy is 0.1250, between m and f\\|x" in text
    assert f"| f\\|x | 11 | 7 | {markdown.figure(women, 'accuracy')} |" in text
    assert "for folds 0, 1 and repeats 0" in text
    assert f"accuracy {markdown.figure(women, 'accuracy')} on 48 images in 40 groups" in text
    assert f"the mean over trainings is 0.7100, their standard deviation {markdown.NONE}" in text


def test_the_card_is_the_same_wherever_the_project_lies(made: Example, tmp_path: Path):
    moved = replace(made, folder=Path(shutil.copytree(made.folder, tmp_path / "moved")))
    assert written(moved) == written(made)


def test_no_table_is_broken(made: Example):
    blocks = re.findall(r"(?:^\|.*\n)+", written(made), re.MULTILINE)
    assert len(blocks) >= 5
    for block in blocks:
        assert len({len(re.findall(r"(?<!\\)\|", line)) for line in block.splitlines()}) == 1


def test_another_study_is_named_with_its_figures(tmp_path: Path) -> None:
    made = example(tmp_path).evaluate()
    assert "elsewhere" not in written(made)
    write_external(made)
    text = written(made)
    found = files.read_json(made.path(paths.metrics("external", made.study, "elsewhere")))
    tested = found["models"][metrics(made, "comparisons")["best"]]
    line = next(line for line in text.splitlines() if line.startswith("On another study, `elsewhere`"))
    assert markdown.figure(tested["external"]["figures"], "accuracy") in line
    assert markdown.number(tested["change"]["accuracy"]["difference"]) in line
    assert "3 left out" in line
