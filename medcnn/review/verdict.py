"""Better, worse, or nobody can tell: the chosen models of a study at the base and now, on the same test images."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import pandas as pd

from medcnn.core.errors import MedcnnError
from medcnn.dataset import predictions
from medcnn.dataset.manifest import of_images
from medcnn.dataset.predictions import Predictions
from medcnn.measures import statistics
from medcnn.measures.statistics.comparing import holm
from medcnn.params.judging.evaluate import Judging
from medcnn.params.judging.figures import BY_KEY
from medcnn.review.results import Pair

Word = Literal["better", "worse", "cannot tell", "unchanged", "no data"]
"""``cannot tell`` where test images do not decide; ``no data`` where there are no two results to compare."""
_DECIDING = tuple(BY_KEY[key] for key in ("accuracy", "cross_entropy"))


@dataclass(frozen=True)
class Verdict:
    """What the test images say of a change, and why, in a sentence."""

    study: str
    word: Word
    why: str


class IncomparableError(Exception):
    """Why two states of a study cannot be compared, in a few words."""

    word: Word = "no data"


class UnchangedError(IncomparableError):
    """That there is nothing to compare."""

    word: Word = "unchanged"


def verdict(pair: Pair, known: pd.Series[str], settings: Judging, seed: int) -> Verdict:
    """Compare the two chosen models by the paired tests of accuracy and of cross-entropy.

    Args:
        pair: the study now and at the base.
        known: the group (patient joined with duplicates) of each image id.
        settings: how figures are judged.
        seed: the root of the bootstrap's draws.
    """
    try:
        tables = _comparable(pair)
        grouped = of_images(tables["now"].image_ids, known)
    except IncomparableError as reason:
        return Verdict(pair.now.study, reason.word, str(reason))
    except MedcnnError as reason:
        return Verdict(pair.now.study, "no data", str(reason))
    [test] = statistics.compared(tables, grouped, settings, seed)
    word = decided(test, settings.significance)
    return Verdict(pair.now.study, word, f"{_models(pair)}, on {_counted(grouped)}: {_said(test)}")


def decided(test: Mapping[str, Any], significance: float) -> Word:
    """Better or worse where one of the two tests says so and the other does not contradict it.

    As there are two, their p-values are corrected by Holm's method. A difference that cannot be tested says nothing.

    Args:
        test: the pair (now, base) of ``statistics.compared``.
        significance: the chance of a wrong verdict where nothing changed.
    """
    adjusted = holm([test[figure.key]["p"] for figure in _DECIDING])
    changed = [figure for figure, p_value in zip(_DECIDING, adjusted, strict=True) if p_value <= significance]
    signs = {int(np.sign(test[figure.key]["difference"])) * figure.sign for figure in changed}
    return "better" if signs == {1} else "worse" if signs == {-1} else "cannot tell"


def _comparable(pair: Pair) -> dict[str, Predictions]:
    """The test parts of both, in one order.

    Raises:
        IncomparableError: there are no two sets of predictions for the same test images.
        UnchangedError: they are the same.
    """
    now, before = pair.now, pair.before
    if before is None:
        raise IncomparableError("the base has no results of this study")
    if now.fingerprint != before.fingerprint:
        raise IncomparableError("the images or their labels are not those of the base")
    if before.table is None:
        raise IncomparableError(f"the predictions of {before.best} at the base are not in DVC's cache or remote")
    if now.table is None:
        raise IncomparableError(f"the predictions of {now.best} are not here; run `dvc checkout`")
    tables = {"now": now.table.of("test"), "base": before.table.of("test")}
    if set(tables["now"].image_ids) != set(tables["base"].image_ids):
        raise IncomparableError("the test images are not those of the base")
    if tables["now"].classes != tables["base"].classes:
        raise IncomparableError("the classes are not those of the base")
    tables = predictions.joined(tables.items())
    if np.array_equal(tables["now"].probabilities, tables["base"].probabilities):
        raise UnchangedError(f"{_models(pair)} gives the same probabilities for every test image")
    return tables


def _models(pair: Pair) -> str:
    before = pair.before.best if pair.before else "nothing"
    return f"{pair.now.best} now against {before} at the base"


def _counted(grouped: Sequence[str]) -> str:
    return f"{len(grouped)} test images in {len(set(grouped))} groups"


def _said(test: Mapping[str, Any]) -> str:
    return "; ".join(f"{figure.name} {_difference(test[figure.key])}" for figure in _DECIDING)


def _difference(block: Mapping[str, Any]) -> str:
    if math.isnan(block["p"]):
        return "cannot be tested"
    return f"{block['difference']:+.4f} [{block['low']:+.4f}, {block['high']:+.4f}], p = {block['p']:.3g}"
