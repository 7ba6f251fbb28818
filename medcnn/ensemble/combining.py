"""Ensembles: several models' probabilities joined by image, fitted on validation only, one of them chosen on it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from typing import Any

import numpy as np

from medcnn.dataset.predictions import Predictions
from medcnn.ensemble import choosing, rules
from medcnn.ensemble.choosing import Fit, Score, Validation
from medcnn.ensemble.combiners import COMBINERS, FITTED
from medcnn.ensemble.rules import ByFinding, Fitted, Rule
from medcnn.runtime import fanout
from medcnn.runtime.fanout import Placement

__all__ = ["COMBINERS", "Ensemble", "ensembles", "record", "summary"]


@dataclass(frozen=True)
class Ensemble:
    """One combiner, fitted on the whole of validation.

    Attributes:
        predictions: of every image; those of validation out of fold, if the combiner is a fitted one.
        members: the models, in the order of the rule.
        rule: how they are joined.
        score: on validation, of the predictions there.
    """

    predictions: Predictions
    members: tuple[str, ...]
    rule: Rule
    score: Score

    @property
    def needed(self) -> tuple[str, ...]:
        """The members that must be run."""
        return rules.needed(self.rule, self.members)


def ensembles(
    members: Mapping[str, Predictions], combiners: Sequence[str], validation: Validation, placement: Placement
) -> dict[str, Ensemble]:
    """The ensembles of a run's models, by combiner; none for a single model, of which they would be copies.

    Args:
        members: predictions of the same images in the same order, by model.
        combiners: names in ``COMBINERS``.
        validation: of the members, in their order.
        placement: where the combiners are fitted.
    """
    if len(members) < 2:
        return {}
    fitted = fanout.each(partial(_fitted, validation), combiners, placement)
    return {name: _ensemble(members, found) for name, found in zip(combiners, fitted, strict=True)}


def summary(made: Mapping[str, Ensemble]) -> str:
    """One line for the terminal: what was chosen, and what could not be scored."""
    if not made:
        return "one model, so no ensembles"
    unscored = ", ".join(name for name, ensemble in made.items() if ensemble.score.missing)
    reason = f"; not scored: {unscored}, as validation lacks two patients of every class" if unscored else ""
    return f"{_chosen(made)} chosen of {len(made)} ensembles{reason}"


def record(made: Mapping[str, Ensemble]) -> dict[str, Any]:
    """What ``metrics/ensemble/S.json`` says of the ensembles: their rules and scores, and which is chosen."""
    blocks = {
        name: {"validation": asdict(ensemble.score), **rules.record(ensemble.rule, ensemble.members)}
        for name, ensemble in made.items()
    }
    return {"combiners": blocks, "chosen": _chosen(made) if made else None}


def _chosen(made: Mapping[str, Ensemble]) -> str:
    return choosing.chosen({name: ensemble.score for name, ensemble in made.items()})


def _fitted(validation: Validation, name: str) -> Fit[Fitted]:
    return choosing.fit(COMBINERS[name], validation, free=name not in FITTED)


def _ensemble(members: Mapping[str, Predictions], fitted: Fit[Fitted]) -> Ensemble:
    tables = list(members.values())
    rule: Rule = ByFinding(fitted.rule) if tables[0].multi_label else fitted.rule
    probabilities = rule.combine(np.stack([table.probabilities for table in tables]))
    return Ensemble(fitted.answers(tables, probabilities), tuple(members), rule, fitted.score)
