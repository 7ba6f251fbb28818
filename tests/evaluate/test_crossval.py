from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from medcnn.core.errors import MedcnnError
from medcnn.dataset import folds, manifest, predictions
from medcnn.dataset.folds import Cell
from medcnn.dataset.predictions import Predictions
from medcnn.ensemble import choosing, combining
from medcnn.ensemble.joining import Plan
from medcnn.evaluate import crossval
from medcnn.evaluate.crossval import Cells
from medcnn.evaluate.evidence import Evidence
from medcnn.measures import metrics, statistics
from medcnn.params.shared.run import Links
from medcnn.params.whole import Params
from medcnn.runtime import paths
from tests.project import manifest_rows

CLASSES = ("healthy", "tumour")
IMAGES = 120
GROUPS = pd.Series({f"i{index}": f"g{index // 2}" for index in range(IMAGES)})
MACS = {"a": 10, "b": 100}
PARTS = [("test", "validation", "train")[group % 3] for group in range(IMAGES // 2)]
LABELS = np.random.default_rng(0).integers(2, size=IMAGES)


def table(fold: int, repeat: int = 0, classes: tuple[str, ...] = CLASSES) -> Predictions:
    """A model's answers in a cell: the groups' parts rotate with the fold, the noise is the cell's own."""
    rng = np.random.default_rng([fold, repeat])
    splits = tuple(PARTS[(index // 2 + fold) % 3] for index in range(IMAGES))
    odds = np.exp(1.5 * (2 * LABELS - 1) + 1.5 * rng.standard_normal(IMAGES))
    return Predictions(classes, GROUPS.index, splits, LABELS, np.stack([1 / (1 + odds), odds / (1 + odds)], axis=1))


def cells(repeats: int = 1, numbers: tuple[int, ...] = (0, 1, 2)) -> dict[Cell, Predictions]:
    return {(fold, repeat): table(fold, repeat) for fold in numbers for repeat in range(repeats)}


@pytest.fixture
def block(settings: Params) -> Any:
    def made(of_cells: Cells, fold_0_apart: bool = False, patients: bool = False) -> dict[str, Any]:
        known = Evidence(GROUPS, patients, pd.DataFrame(), fold_0_apart, settings.evaluate, settings.seed)
        return crossval.block(of_cells, known)

    return made


def pooled(tables: list[Predictions]) -> tuple[np.ndarray, np.ndarray]:
    parts = [each.of("test") for each in tables]
    return np.concatenate([part.labels for part in parts]), np.concatenate([part.probabilities for part in parts])


def test_pooled_figures_are_those_of_all_test_parts_as_one_set(block: Any, settings: Params) -> None:
    found = block(cells(), patients=True)
    assert (found["folds"], found["repeats"], found["images"], found["groups"]) == ([0, 1, 2], [0], 120, 60)
    labels, probabilities = pooled([*cells().values()])
    everything = replace(table(0), labels=labels, probabilities=probabilities)
    names = [GROUPS[name] for each in cells().values() for name in each.of("test").image_ids]
    expected = statistics.measured(everything, names, settings.evaluate, settings.seed, True)
    assert found["pooled"] == {key: expected[key] for key in found["pooled"]}
    assert {"auroc", "auroc_low", "brier_high", "patient_accuracy_low"} < set(found["pooled"])


def test_mean_and_spread_are_over_the_cells_own_figures(block: Any) -> None:
    found = block(cells(2))
    assert list(found["cells"]) == ["0-0", "0-1", "1-0", "1-1", "2-0", "2-1"]
    for key in found["mean"]:
        values = []
        for (fold, repeat), each in cells(2).items():
            part = each.of("test")
            values.append(metrics.scores(part.labels, part.probabilities, CLASSES)[key])
            assert found["cells"][f"{fold}-{repeat}"][key] == values[-1]
        assert found["mean"][key] == pytest.approx(np.mean(values))
        assert found["spread"][key] == pytest.approx(np.std(values, ddof=1))


def test_a_test_part_of_the_author_is_only_among_the_cells(block: Any) -> None:
    found = block(cells(), fold_0_apart=True)
    without = block(cells(numbers=(1, 2)))
    assert set(found["cells"]) == {"0-0", "1-0", "2-0"}
    assert {**found, "cells": None} == {**without, "cells": None}
    assert block(cells(2, (0,)), fold_0_apart=True)["folds"] == [0]


def test_with_repeats_a_pooled_figure_is_the_mean_over_repeats(block: Any) -> None:
    found = block(cells(3))["pooled"]
    of_repeats = [metrics.scores(*pooled([table(fold, repeat) for fold in range(3)]), CLASSES) for repeat in range(3)]
    for key in of_repeats[0].keys() - {"support", "classes"}:
        assert found[key] == pytest.approx(np.mean([scores[key] for scores in of_repeats]))


def test_repeats_that_agree_tell_hardly_more_than_one(block: Any) -> None:
    alike = {(fold, repeat): table(fold) for fold in range(3) for repeat in range(4)}
    several, one = block(alike)["pooled"], block(cells())["pooled"]
    assert several == pytest.approx(one, abs=0.01)
    assert [several[f"auroc{bound}"] for bound in ("", "_low", "_high")] == pytest.approx(
        [one[f"auroc{bound}"] for bound in ("", "_low", "_high")]
    )


def test_intervals_with_repeats_are_near_those_of_groups_drawn_with_all_their_repeats(block: Any) -> None:
    found = block(cells(3))["pooled"]
    repeats = [pooled([table(fold, repeat) for fold in range(3)]) for repeat in range(3)]
    names = np.array([GROUPS[name] for fold in range(3) for name in table(fold).of("test").image_ids])
    members = [np.flatnonzero(names == name) for name in sorted(set(names))]
    rng = np.random.default_rng(1)
    drawn: dict[str, list[float]] = {"accuracy": [], "auroc": []}
    for _ in range(400):
        rows = np.concatenate([members[group] for group in rng.integers(len(members), size=len(members))])
        scores = [metrics.scores(labels[rows], probabilities[rows], CLASSES) for labels, probabilities in repeats]
        for key, values in drawn.items():
            values.append(float(np.mean([each[key] for each in scores])))
    for key, values in drawn.items():
        low, high = np.quantile(values, [0.025, 0.975])
        assert (found[f"{key}_low"], found[f"{key}_high"]) == pytest.approx((low, high), abs=0.02)


def test_one_cell_has_no_spread(block: Any) -> None:
    found = block(cells(numbers=(1,)))
    assert all(math.isnan(value) for value in found["spread"].values())
    assert found["mean"]["accuracy"] == found["pooled"]["accuracy"]


def test_a_fold_without_a_class_leaves_the_mean_area_undefined_and_the_pooled_one_not(block: Any) -> None:
    made = cells()
    lacking = made[1, 0]
    kept = [i for i, split in enumerate(lacking.splits) if split != "test" or lacking.labels[i] == 0]
    found = block({**made, (1, 0): lacking.at(kept)})
    assert math.isnan(found["cells"]["1-0"]["auroc"])
    assert math.isnan(found["mean"]["auroc"])
    assert 0.5 < found["pooled"]["auroc_low"] < found["pooled"]["auroc_high"] < 1


def test_a_class_that_no_fold_tests_leaves_every_area_undefined(block: Any) -> None:
    made = {cell: each.at(np.flatnonzero(each.labels == 0).tolist()) for cell, each in cells(2).items()}
    found = block(made)["pooled"]
    assert all(math.isnan(found[f"auroc{bound}"]) for bound in ("", "_low", "_high"))
    assert found["accuracy_low"] < found["accuracy"] < found["accuracy_high"]


def test_what_no_folds_can_hold_is_refused(block: Any) -> None:
    with pytest.raises(MedcnnError, match="image i0 is tested in 2 folds"):
        block({(0, 0): table(0), (1, 0): table(0)})
    stranger = replace(table(1), image_ids=("stranger", *GROUPS.index[1:]), splits=("test",) * IMAGES)
    with pytest.raises(MedcnnError, match="image stranger of the predictions is not in the manifest"):
        block({(1, 0): stranger})


@pytest.fixture
def run(settings: Params, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Params:
    """A project of two models, a cascade of them and two folds, in the working folder."""
    monkeypatch.chdir(tmp_path)
    links = {"chains": Links(), "cascades": Links(first=("a",), second=("b",))}
    run = settings.run.model_copy(update={**links, "models": ("a", "b"), "folds": (0, 1), "seeds": (0,)})
    rows = manifest_rows(
        {"image_id": name, "group": group, "path": name, "label": CLASSES[label], "split": split}
        for (name, group), label, split in zip(GROUPS.items(), LABELS, table(0).splits, strict=True)
    )
    manifest.write(paths.manifest("s"), rows)
    parts = {"image_id": GROUPS.index, "fold_0": table(0).splits, "fold_1": table(1).splits}
    folds.write(paths.folds("s"), pd.DataFrame(parts))
    for repeat, name in enumerate(run.models):
        predictions.write(paths.cell("s", name, 1, 0) / folds.PREDICTIONS, table(1, repeat))
    ensemble = settings.ensemble.model_copy(update={"combiners": ("mean", "weighted")})
    return settings.model_copy(update={"run": run, "ensemble": ensemble})


def gathered(settings: Params, models: Iterable[str]) -> dict[str, crossval.Gathered]:
    run, combiners = settings.run, settings.ensemble.combiners
    plan = Plan(run.models, combiners, run.cascaded, GROUPS, MACS, settings.seed, settings.compute)
    return crossval.gathered("s", run, models, plan)


def test_ensembles_and_cascades_are_fitted_again_in_every_cell(run: Params) -> None:
    combiners = run.ensemble.combiners
    names = ("a", "b", *(f"ensemble_{name}" for name in combiners), "a_b_cascade")
    found = gathered(run, names)
    assert set(found) == set(names)
    assert all(found[name][0, 0] is None for name in names)
    members = {name: predictions.read(paths.cell("s", name, 1, 0) / folds.PREDICTIONS) for name in ("a", "b")}
    expected = combining.ensembles(members, combiners, choosing.validation(members, GROUPS, run.seed), run.compute)
    for name in combiners:
        assert np.array_equal(found[f"ensemble_{name}"][1, 0].probabilities, expected[name].predictions.probabilities)
    assert found["a_b_cascade"][1, 0].splits.tolist() == table(1).splits.tolist()


def test_a_model_that_is_trained_once_is_in_no_other_cell_and_in_ensembles_as_it_is(run: Params) -> None:
    links = {"folds": (0,), "seeds": (0, 1), "seeded": ("a",)}
    seeded = run.model_copy(update={"run": run.run.model_copy(update=links)})
    for cell in ((0, 0), (0, 1)):
        for name in ("a", "b") if cell == (0, 0) else ("a",):
            path = paths.cell("s", name, *cell) / folds.PREDICTIONS
            path.parent.mkdir(parents=True, exist_ok=True)
            predictions.write(path, table(0))
    found = gathered(seeded, ("a", "b", "ensemble_mean", "a_b_cascade"))
    assert {name: set(cells) for name, cells in found.items()} == {
        "a": {(0, 0), (0, 1)},
        "b": {(0, 0)},
        "ensemble_mean": {(0, 0), (0, 1)},
        "a_b_cascade": {(0, 0), (0, 1)},
    }


def test_a_fold_ensemble_is_in_the_main_cell_alone(run: Params) -> None:
    bagged = run.model_copy(update={"run": run.run.model_copy(update={"fold_ensembles": ("a",)})})
    assert set(gathered(bagged, bagged.run.trained)["a_folds"]) == {(0, 0)}


def test_a_missing_cell_is_one_line(run: Params) -> None:
    (paths.cell("s", "b", 1, 0) / folds.PREDICTIONS).unlink()
    with pytest.raises(MedcnnError, match=r"data/crossval/s/b/1-0/predictions\.csv not found; run `dvc repro`"):
        gathered(run, ("a", "b"))


def test_a_cell_that_is_not_of_its_fold_is_one_line(run: Params) -> None:
    for name in run.run.models:
        predictions.write(paths.cell("s", name, 1, 0) / folds.PREDICTIONS, table(1).at(range(IMAGES - 1)))
    with pytest.raises(MedcnnError, match="image i119 is missing for 'a'"):
        gathered(run, ("a", "b"))


def test_cells_of_earlier_runs_are_removed(run: Params) -> None:
    for model, fold, repeat in (("a", 4, 0), ("a", 1, 2), ("gone", 1, 0)):
        predictions.write(paths.cell("s", model, fold, repeat) / folds.PREDICTIONS, table(1))
    crossval.keep_only("s", run.run)
    left = sorted(str(path.relative_to(paths.crossval("s"))) for path in paths.crossval("s").glob("*/*"))
    assert left == ["a/1-0", "b/1-0"]
