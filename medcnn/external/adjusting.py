"""A model's calibrated probabilities adjusted to another study: what it would gain by knowing more of that place."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from medcnn.core.arrays import Floats, Integers, Truths
from medcnn.dataset.predictions import Predictions
from medcnn.external import prior, recalibrating
from medcnn.measures import metrics, statistics
from medcnn.measures.findings import apart
from medcnn.measures.statistics import bootstrap
from medcnn.measures.statistics.bootstrap import Resamples
from medcnn.measures.statistics.grouping import Names, numbered, sizes, sums
from medcnn.measures.statistics.intervals import NONE, Interval
from medcnn.params.judging.evaluate import Judging
from medcnn.params.judging.figures import CALIBRATED, FIGURES

_SHOWN = ("accuracy", *(figure.key for figure in CALIBRATED))


@dataclass(frozen=True)
class Decision:
    """What is adjusted as one: all classes of which an image has one, or a finding that it has or not.

    Attributes:
        names: of its columns that are named: the positive one of two classes or of a finding, or all.
        labels: (N,) true columns as indices.
        probabilities: (N, C).
    """

    names: dict[str, int]
    labels: Integers
    probabilities: Floats


def decisions(table: Predictions) -> Iterator[Decision]:
    """The decisions that a model's probabilities make about each image."""
    if table.multi_label:
        for index, name in enumerate(table.classes):
            yield Decision({name: 1}, table.labels[:, index], apart(table.probabilities[:, index : index + 1]))
    else:
        names = {name: index for index, name in enumerate(table.classes)}
        named = dict([*names.items()][1:]) if len(names) == 2 else names
        yield Decision(named, table.labels, table.probabilities)


@dataclass(frozen=True)
class Elsewhere:
    """The images of another study as a model answers them.

    Attributes:
        table: calibrated predictions.
        groups: the group of each image.
        settings: how figures are judged.
        seed: root of the bootstrap's draws and of the folds.
    """

    table: Predictions
    groups: Names
    settings: Judging
    seed: int

    def for_shares(self, home: Predictions) -> dict[str, Any] | None:
        """What ``metrics/external/S/E.json`` says of a model corrected for the shares of the classes.

        No label of these images is used. The shares that its probabilities rest on are their means at home, not the
        true shares there: a model that is biased at home would otherwise find a shift where there is none (Alexandari
        et al., ICML 2020).

        Args:
            home: its calibrated predictions for the home study's validation images; None comes of none.
        """
        if not len(home):
            return None
        classes: dict[str, Any] = {}
        adjusted = []
        for here, there in zip(decisions(home), decisions(self.table), strict=True):
            rested = here.probabilities.clip(metrics.SMALLEST).mean(axis=0)
            new = prior.estimated(there.probabilities, rested)
            adjusted.append(prior.corrected(there.probabilities, rested, new))
            classes |= {
                name: {"home": rested[at], "estimated": new[at], "actual": metrics.mean(there.labels == at)}
                for name, at in there.names.items()
            }
        return {"classes": classes, **self._judged(adjusted)}

    def recalibrated(self) -> dict[str, Any]:
        """What that file says of a model recalibrated in the large: fitted on all images, judged by cross-fitting."""
        confidence, groups = self.settings.confidence, numbered(self.groups)
        every, adjusted = [*decisions(self.table)], []
        classes: dict[str, Any] = {}
        for one in every:
            made = recalibrating.fitted(one.probabilities, one.labels, groups)
            adjusted.append(recalibrating.cross_fitted(one.probabilities, one.labels, groups, self.seed))
            classes |= {
                name: {
                    "expected": float(one.probabilities[:, at].mean()),
                    **_bounded("bias", *_where_known(one.labels == at, *made.bias(at, confidence))),
                }
                for name, at in one.names.items()
            }
        spread = recalibrating.fitted(every[0].probabilities, every[0].labels, groups, slope=True)
        slope = _bounded("slope", spread.slope, spread.slope_within(confidence))
        return {
            "folds": recalibrating.FOLDS,
            "classes": classes,
            **(dict.fromkeys(slope) if self.table.multi_label else slope),
            **self._judged(adjusted),
        }

    def _judged(self, adjusted: list[Floats]) -> dict[str, Any]:
        """Figures of adjusted probabilities, one table per decision, and the cross-entropy that adjusting saves."""
        several = self.table.multi_label
        probabilities = np.column_stack([one[:, 1] for one in adjusted]) if several else adjusted[0]
        after = replace(self.table, probabilities=probabilities)
        found = statistics.measured(after, self.groups, self.settings, self.seed, patients=False)
        keys = [key for figure in FIGURES if figure.key in _SHOWN for key in figure.keys]
        return {"figures": {key: found[key] for key in keys}, "saved": self._saved(after)}

    def _saved(self, after: Predictions) -> dict[str, float]:
        losses = [metrics.log_losses(table.labels, table.probabilities) for table in (self.table, after)]
        groups, settings = numbered(self.groups), self.settings
        resamples = Resamples(int(groups.max()) + 1, settings.resamples, self.seed)
        means = bootstrap.means(sums((losses[0] - losses[1])[:, None], groups), sizes(groups), resamples)
        low, high = means.basic(0, settings.confidence, (-metrics.COSTLIEST, metrics.COSTLIEST))
        return {"difference": float(means.values[0]), "low": low, "high": high}


def _where_known(among: Truths, bias: float, interval: Interval) -> tuple[float, Interval]:
    """The bias of a class that some images are of and some not: otherwise nothing but the ridge bounds it."""
    return (math.nan, NONE) if among.all() or not among.any() else (bias, interval)


def _bounded(key: str, value: float, interval: Interval) -> dict[str, float]:
    return {key: value, f"{key}_low": interval.low, f"{key}_high": interval.high}
