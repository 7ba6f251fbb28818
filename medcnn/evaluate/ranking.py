"""Which model of a study is the best, and which others the test images cannot tell apart from it."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from medcnn.params.judging.figures import TESTED, of_findings


def ranked(
    figures: Mapping[str, Mapping[str, Any]], unscored: Collection[str], networks: Collection[str]
) -> dict[str, Any]:
    """The models in order, by accuracy or, with several findings, by the mean area under the ROC curve.

    Test decides nothing but the order.

    Best and worst have the lowest and the highest cross-entropy on validation, where ensembles and cascades answer out
    of fold. One that could not be scored so looks better there than it is, and is neither.

    Args:
        figures: ``metrics/evaluate/S.json``, the figures of every model.
        unscored: the ensembles and cascades whose answers on validation are of the fit on these very images.
        networks: the models that are a single network, whose attention can be drawn.
    """
    candidates = [model for model in figures if model not in unscored]
    leading = "auroc" if any(of_findings(block["test"]) for block in figures.values()) else "accuracy"
    return {
        **_ends(figures, candidates),
        "networks": _ends(figures, [model for model in candidates if model in networks]),
        "ranking": sorted(figures, key=lambda model: -_number(figures[model]["test"][leading], -math.inf)),
    }


def same_as(best: str, pairs: Sequence[Mapping[str, Any]], significance: float) -> dict[str, list[str]]:
    """By figure: the models whose difference from ``best`` is within chance.

    Args:
        best: a model.
        pairs: from ``statistics.compared``.
        significance: of the p-values corrected by Holm for the pairs of ``best``; a difference that cannot be tested
            is within chance.
    """
    others = [(pair, ({pair["first"], pair["second"]} - {best}).pop()) for pair in pairs if _has(pair, best)]
    return {
        figure.key: [other for pair, other in others if _number(pair[figure.key]["p_best"], 1.0) >= significance]
        for figure in TESTED
    }


def _ends(figures: Mapping[str, Mapping[str, Any]], models: Sequence[str]) -> dict[str, str]:
    by_loss = sorted(models, key=lambda model: _number(figures[model]["validation"]["cross_entropy"], math.inf))
    return {"best": by_loss[0], "worst": by_loss[-1]}


def _has(pair: Mapping[str, Any], model: str) -> bool:
    return model in (pair["first"], pair["second"])


def _number(value: float | None, missing: float) -> float:
    return missing if value is None or math.isnan(value) else float(value)
