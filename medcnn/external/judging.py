"""One model on external images beside the home study's test images, with all that was fitted at home carried over."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from medcnn.core.arrays import Integers
from medcnn.dataset.predictions import Predictions
from medcnn.external.adjusting import Elsewhere
from medcnn.measures import calibration, conformal, metrics, operating, statistics
from medcnn.measures.findings import having
from medcnn.measures.statistics import intervals
from medcnn.measures.statistics.grouping import Names, numbered
from medcnn.measures.statistics.intervals import Interval
from medcnn.params.judging.evaluate import Judging, OperatingPoint
from medcnn.params.judging.figures import CALIBRATED, FIGURES
from medcnn.results.evaluated import Evaluated


@dataclass(frozen=True)
class Images:
    """The images of one side, with a model's raw probabilities; groups are patients or not."""

    table: Predictions
    groups: Names
    patients: bool


@dataclass(frozen=True)
class Judge:
    """How figures are made.

    Attributes:
        classes: those that both sides have, as indices. An answer of another class is an error like any other.
        settings: how figures are judged.
        seed: root of the bootstrap's draws.
    """

    classes: Integers
    settings: Judging
    seed: int

    def tested(self, external: Images, home: Images, validation: Predictions, fitted: Evaluated) -> dict[str, Any]:
        """What ``metrics/external/S/E.json`` says of a model.

        Args:
            external: the external images.
            home: the home study's test images of these classes.
            validation: the model's raw predictions for all of the home study's validation images.
            fitted: the model at home: its temperature, its operating points, its prediction sets.
        """
        sides = {"external": self._side(external, fitted), "home": self._side(home, fitted)}
        elsewhere = Elsewhere(_scaled(external.table, fitted), external.groups, self.settings, self.seed)
        return {
            **sides,
            "change": changes(*(side["figures"] for side in sides.values())),
            "targets": targets(sides["external"]["operating_points"], self.settings.operating_point),
            "for_shares": elsewhere.for_shares(_scaled(validation, fitted)),
            "recalibrated": elsewhere.recalibrated(),
        }

    def _side(self, images: Images, fitted: Evaluated) -> dict[str, Any]:
        raw, groups, settings, sets = images.table, images.groups, self.settings, fitted.conformal
        scaled = _scaled(raw, fitted)
        before, after = (
            statistics.measured(table, groups, settings, self.seed, images.patients) for table in (raw, scaled)
        )
        calibrated = {key: after[key] for figure in CALIBRATED for key in figure.keys}
        return {
            "figures": before | calibrated | self._auroc(images),
            "operating_points": {
                name: self._called(scaled, groups, name, point.threshold)
                for name, point in fitted.operating_points.items()
            },
            "conformal": sets and conformal.tested(sets.threshold, scaled, groups, settings),
        }

    def _auroc(self, images: Images) -> dict[str, float]:
        """The area among the classes that both sides have; nothing to add where these are all."""
        table = images.table
        if len(self.classes) == len(table.classes):
            return {}
        labels, among = np.searchsorted(self.classes, table.labels), table.probabilities[:, self.classes]
        low, high = intervals.auroc(labels, among, images.groups, self.settings.confidence)
        return {"auroc": metrics.auroc(labels, among), "auroc_low": low, "auroc_high": high}

    def _called(self, scaled: Predictions, groups: Names, name: str, threshold: float | None) -> dict[str, Any]:
        index = scaled.classes.index(name)
        calls = scaled.probabilities[:, index] >= (np.nan if threshold is None else threshold)
        figures = operating.tested(having(scaled.labels, index), calls, numbered(groups), self.settings.confidence)
        return {"threshold": threshold, **(figures if threshold is not None else dict.fromkeys(figures))}


def changes(external: Mapping[str, Any], home: Mapping[str, Any]) -> dict[str, dict[str, float]]:
    """How much higher every figure is on external images than at home, with the interval of independent images."""
    found = {}
    for key in (figure.key for figure in FIGURES if figure.interval and {figure.key} <= external.keys() & home.keys()):
        sides = [(side[key], Interval(side[f"{key}_low"], side[f"{key}_high"])) for side in (external, home)]
        low, high = intervals.difference(*sides[0], *sides[1])
        found[key] = {"difference": external[key] - home[key], "low": low, "high": high}
    return found


def targets(points: Mapping[str, Any], wanted: OperatingPoint) -> dict[str, dict[str, Any]]:
    """By class whether a threshold fitted at home still reaches the rate that it was fitted for.

    It does where the whole interval of the rate is at or above the wanted one, and does not where all of it is below;
    else these images do not decide it. Youden's index wants no rate, and an undecided threshold reaches none.
    """
    if wanted.kind == "youden":
        return {}
    found = {}
    for name, point in points.items():
        value, low, high = (point[f"{wanted.kind}{end}"] for end in ("", "_low", "_high"))
        if value is not None and not np.isnan([value, low, high]).any():
            kept = True if low >= wanted.value else False if high < wanted.value else None
            found[name] = {"rate": wanted.kind, "wanted": wanted.value, "kept": kept}
    return found


def _scaled(raw: Predictions, fitted: Evaluated) -> Predictions:
    temperature = fitted.calibration.temperature
    return replace(raw, probabilities=calibration.scaled(raw.probabilities, temperature, raw.multi_label))
