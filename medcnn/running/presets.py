"""Presets: what to train, by the time that it may take; the table of what `docs/models.md` measures."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Preset:
    """What a run trains, and how it joins that.

    Attributes:
        models: of ``params.yaml``.
        fold_ensembles: those of them that are trained by folds too.
        all_folds: whether every fold of the study is held out in turn.
        combiners: of the models; those of ``ensemble.combiners`` where empty.
    """

    models: tuple[str, ...]
    fold_ensembles: tuple[str, ...] = ()
    all_folds: bool = False
    combiners: tuple[str, ...] = ()


PRESETS: Mapping[str, Preset] = {
    "quick": Preset(("probe_lite0",)),
    "good": Preset(("best_lite0",)),
    "best": Preset(
        ("probe_lite0", "probe_lite1", "probe_lite2", "probe_last", "best_lite0", "best_lite1"),
        fold_ensembles=("probe_lite0",),
        all_folds=True,
        combiners=("mean", "greedy"),
    ),
}
