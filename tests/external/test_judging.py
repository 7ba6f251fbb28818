from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from sklearn.metrics import accuracy_score, roc_auc_score

from medcnn.dataset.predictions import Predictions
from medcnn.external.judging import Images, Judge, targets
from medcnn.measures import calibration, metrics
from medcnn.params.judging.evaluate import Judging, OperatingPoint
from medcnn.params.judging.figures import FIGURES
from medcnn.results.evaluated import Evaluated
from tests.results import examples

CLASSES = ("healthy", "nodule", "tumour")
SETTINGS = Judging(resamples=200)


def images(count: int, skill: float, seed: int, classes: int = 3) -> Images:
    """Predictions of images of the first classes, two of every patient."""
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, classes, count)
    odds = np.exp(rng.normal(size=(count, 3)) + skill * np.eye(3)[labels])
    ids = [f"{seed}-{number}" for number in range(count)]
    table = Predictions(CLASSES, ids, ["test"] * count, labels, odds / odds.sum(axis=1, keepdims=True))  # type: ignore[arg-type]
    return Images(table, [str(number // 2) for number in range(count)], patients=True)


def fitted(**changes: Any) -> Evaluated:
    """A model whose temperature and thresholds are as a home study may have fitted them."""
    block = examples.evaluated()
    point = dict.fromkeys(("true_positives", "false_negatives", "false_positives", "true_negatives"), 1) | {
        f"{rate}{end}": 0.5 for rate in ("sensitivity", "specificity", "ppv", "npv") for end in ("", "_low", "_high")
    }
    reached = {"sensitivity": 0.5, "specificity": 0.5}
    points = {name: {"threshold": 0.3, "validation": reached, **point} for name in CLASSES}
    block["calibration"]["temperature"] = 1.7
    block["conformal"]["threshold"] = 0.8
    return Evaluated.model_validate(block | {"operating_points": points} | changes)


VALIDATION = images(50, 2.0, 9).table


def test_nothing_is_fitted_again() -> None:
    there, home = images(80, 1.0, 1), images(60, 2.0, 2)
    found = Judge(np.arange(3), SETTINGS, 0).tested(there, home, VALIDATION, fitted())
    table, side = there.table, found["external"]
    scaled = calibration.scaled(table.probabilities, 1.7)
    assert side["figures"]["accuracy"] == pytest.approx(
        accuracy_score(table.labels, table.probabilities.argmax(axis=1))
    )
    assert side["figures"]["cross_entropy"] == pytest.approx(metrics.cross_entropy(table.labels, scaled))
    called = scaled[:, 1] >= 0.3
    assert side["operating_points"]["nodule"]["sensitivity"] == pytest.approx(called[table.labels == 1].mean())
    inside = 1 - scaled[np.arange(80), table.labels] <= 0.8
    assert side["conformal"]["coverage"] == pytest.approx(inside.mean())


def test_every_figure_changes_by_the_difference_with_an_interval_around_it() -> None:
    found = Judge(np.arange(3), SETTINGS, 0).tested(images(80, 0.3, 1), images(60, 3.0, 2), VALIDATION, fitted())
    assert set(found["change"]) == {figure.key for figure in FIGURES if not figure.of_findings}
    for key, change in found["change"].items():
        there, home = (found[side]["figures"][key] for side in ("external", "home"))
        assert change["difference"] == pytest.approx(there - home)
        assert change["low"] < change["difference"] < change["high"]
    assert found["change"]["accuracy"]["high"] < 0 < found["change"]["cross_entropy"]["low"]


def test_the_same_images_on_both_sides_do_not_change() -> None:
    same = images(60, 1.0, 3)
    found = Judge(np.arange(3), SETTINGS, 0).tested(same, same, VALIDATION, fitted())
    assert all(
        change["difference"] == 0 and change["low"] <= 0 <= change["high"] for change in found["change"].values()
    )


def test_with_fewer_classes_an_answer_of_another_is_an_error_and_the_area_is_among_those_there_are() -> None:
    there = images(80, 1.0, 4, classes=2)
    side = Judge(np.array([0, 1]), SETTINGS, 0).tested(there, images(60, 2.0, 5, classes=2), VALIDATION, fitted())[
        "external"
    ]
    table = there.table
    assert (table.probabilities.argmax(axis=1) == 2).any()
    assert side["figures"]["accuracy"] == pytest.approx((table.probabilities.argmax(axis=1) == table.labels).mean())
    assert side["figures"]["auroc"] == pytest.approx(roc_auc_score(table.labels, table.probabilities[:, 1]))
    assert side["figures"]["auroc_low"] < side["figures"]["auroc"] < side["figures"]["auroc_high"]


def test_a_threshold_that_home_could_not_decide_stays_undecided() -> None:
    point = fitted().operating_points["nodule"].model_copy(update={"threshold": None})
    block = fitted().model_copy(update={"operating_points": {"nodule": point}})
    found = Judge(np.arange(3), SETTINGS, 0).tested(images(40, 1.0, 6), images(40, 1.0, 7), VALIDATION, block)
    assert set(found["external"]["operating_points"]["nodule"].values()) == {None}


def test_whether_a_target_is_kept_is_said_where_the_interval_decides_it() -> None:
    wanted = OperatingPoint(kind="sensitivity", value=0.9)
    ends = {"a": (0.98, 0.95, 0.99), "b": (0.8, 0.7, 0.85), "c": (0.88, 0.8, 0.95), "d": (None, None, None)}
    points = {
        name: dict(zip(("sensitivity", "sensitivity_low", "sensitivity_high"), found, strict=True))
        for name, found in ends.items()
    }
    found = targets(points, wanted)
    assert {name: target["kept"] for name, target in found.items()} == {"a": True, "b": False, "c": None}
    assert targets(points, OperatingPoint(kind="youden")) == {}


def test_the_interval_of_a_change_is_about_that_of_an_unpaired_bootstrap_of_patients() -> None:
    there, home = images(200, 0.8, 1), images(160, 1.6, 2)
    change = Judge(np.arange(3), SETTINGS, 0).tested(there, home, VALIDATION, fitted())["change"]["accuracy"]
    rng, moved = np.random.default_rng(0), []
    right = [(side.table.probabilities.argmax(axis=1) == side.table.labels).reshape(-1, 2) for side in (there, home)]
    for _ in range(2000):
        drawn = [side[rng.integers(len(side), size=len(side))].mean() for side in right]
        moved.append(drawn[0] - drawn[1])
    assert (change["low"], change["high"]) == pytest.approx(np.quantile(moved, [0.025, 0.975]), abs=0.02)
