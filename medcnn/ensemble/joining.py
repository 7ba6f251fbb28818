"""Every ensemble and cascade of a run, fitted on one set of predictions: of the split, or of one fold and repeat."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from medcnn.dataset.predictions import Predictions
from medcnn.ensemble import cascading, choosing, combining
from medcnn.ensemble.cascading import Cascaded
from medcnn.ensemble.combining import Ensemble
from medcnn.runtime.fanout import Placement

NO_CASCADES = "the first model would have to be sure of every finding of an image"


@dataclass(frozen=True)
class Plan:
    """Which models are joined, and how.

    Attributes:
        members: models that every ensemble joins.
        combiners: names in ``combining.COMBINERS``.
        cascades: the first and the second model of each cascade, by its name.
        groups: the group (patient joined with duplicates) of each image id.
        macs: multiply-accumulates for one image, by trained model.
        seed: of the folds in which ensembles and cascades are scored.
        placement: where the combiners are fitted.
    """

    members: Sequence[str]
    combiners: Sequence[str]
    cascades: Mapping[str, tuple[str, str]]
    groups: pd.Series[str]
    macs: Mapping[str, int]
    seed: int
    placement: Placement


@dataclass(frozen=True)
class Joined:
    """The fitted ensembles, by combiner, and cascades, by name."""

    ensembles: Mapping[str, Ensemble]
    cascades: Mapping[str, Cascaded]
    by_finding: bool = False

    @property
    def predictions(self) -> dict[str, Predictions]:
        """The predictions for every image, by the name of the ensemble or cascade."""
        of_ensembles = {f"ensemble_{combiner}": made.predictions for combiner, made in self.ensembles.items()}
        return of_ensembles | {name: made.predictions for name, made in self.cascades.items()}

    def record(self, macs: Mapping[str, int]) -> dict[str, Any]:
        """What ``metrics/ensemble/S.json`` says, given the multiply-accumulates of each trained model."""
        needed = {combiner: made.needed for combiner, made in self.ensembles.items()}
        return {
            **combining.record(self.ensembles),
            "cascades": {name: made.record() for name, made in self.cascades.items()},
            "macs": cascading.mean_macs(macs, needed, self.cascades),
            **({"by_finding": True, "left_out": {"cascades": NO_CASCADES}} if self.by_finding else {}),
        }


def joined(trained: Mapping[str, Predictions], plan: Plan) -> Joined:
    """Fit every ensemble and cascade on the validation part of the trained models' predictions.

    Args:
        trained: predictions of the same images in the same order, by model.
        plan: which models are joined, and how.

    Raises:
        MedcnnError: a validation image has no group.
    """
    members = {name: trained[name] for name in plan.members}
    seen = choosing.validation(trained, plan.groups, plan.seed)
    ensembles = combining.ensembles(members, plan.combiners, seen.of(plan.members), plan.placement)
    several = next(iter(trained.values())).multi_label
    pairs = {} if several else plan.cascades
    cascades = {name: cascading.cascaded(trained, pair, plan.macs, seen.of(pair)) for name, pair in pairs.items()}
    return Joined(ensembles, cascades, several)
