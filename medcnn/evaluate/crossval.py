"""Cross-validation and repeats: how models do when other parts are held out, and when they begin from other seeds.

The parts of all folds together are predicted by as many models. Their intervals say what other patients would have
changed, with these models as they are; how much training on other patients changes is seen in the spread over cells,
which is no standard error, as the folds share their training images (Bengio and Grandvalet, JMLR 2004).
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from pandas.api.types import union_categoricals

from medcnn.core import files
from medcnn.core.errors import MedcnnError
from medcnn.dataset import folds, predictions
from medcnn.dataset.folds import MAIN, PREDICTIONS, Cell
from medcnn.dataset.manifest import of_images
from medcnn.dataset.predictions import Predictions
from medcnn.ensemble.joining import Plan, joined
from medcnn.evaluate.evidence import Evidence
from medcnn.measures import metrics
from medcnn.measures.statistics import areas, intervals, luck
from medcnn.measures.statistics.grouping import numbered
from medcnn.params.judging.figures import FIGURES, SCORED
from medcnn.params.judging.figures import found as present
from medcnn.params.shared.run import Repeated
from medcnn.runtime import paths

Cells = Mapping[Cell, Predictions]
Gathered = Mapping[Cell, Predictions | None]
"""Predictions by cell; None for the main one, whose predictions are read where they are judged."""


def gathered(study: str, run: Repeated, models: Iterable[str], plan: Plan) -> dict[str, Gathered]:
    """The predictions of every model, chain, ensemble and cascade in every cell of the run.

    Ensembles and cascades are fitted again in each cell, on its own validation part. Models that are trained with seed
    0 alone have no other cells; there, ensembles and cascades that also have members which do take them as they are.

    Args:
        study: its name.
        run: what was trained, in which cells.
        models: every model, chain, ensemble and cascade.
        plan: how ensembles and cascades are made.

    Raises:
        MedcnnError: a cell is missing, or its models do not cover the images of its fold.
    """
    tables = {cell: None if cell == MAIN else _tables(study, run, cell, plan) for cell in run.cells}
    return {
        name: {
            cell: None if of_cell is None else of_cell[name]
            for cell, of_cell in tables.items()
            # A fold ensemble is in the main cell alone.
            if of_cell is None or name in of_cell
        }
        for name in models
    }


def keep_only(study: str, run: Repeated) -> None:
    """Remove the cells that earlier runs left behind, see ``files.keep_only``."""
    files.keep_only(paths.crossval(study), run.single)
    for name in run.single:
        files.keep_only(paths.crossval(study) / name, [paths.cell(study, name, *cell).name for cell in run.cells])


def block(cells: Cells, known: Evidence) -> dict[str, Any]:
    """What ``metrics/evaluate/S.json`` says of one model's cells, each judged on its test part.

    Pooled figures are of the test parts of all folds together, as of one set of images: each is predicted by a model
    that has not seen it. The pooled area under the ROC curve ranks scores of different models against each other; the
    mean of the folds' own areas, which does not, stands beside it. With several repeats a pooled figure is the mean
    over repeats, and its interval takes every group with all its repeats.

    Args:
        cells: predictions by fold and repeat; every fold with every repeat.
        known: of the images. A test part that the data's author made, fold 0, is among the cells, and counts for
            nothing else, unless it is the only fold.

    Returns:
        ``cells`` by "FOLD-REPEAT"; ``folds``, those that count; ``repeats``; ``images`` and ``groups``, how many these
        folds test; ``pooled`` figures with intervals; their ``mean`` and ``spread`` (standard deviation, NaN for one)
        over the cells of these folds.

    Raises:
        MedcnnError: an image is tested in two folds, or has no group.
    """
    tested = {cell: table.of("test") for cell, table in cells.items()}
    every, repeats = (sorted(set(numbers)) for numbers in zip(*tested, strict=True))
    held_out = [fold for fold in every if fold or not known.fold_0_apart] or every
    by_repeat = [_stacked([tested[fold, repeat] for fold in held_out]) for repeat in repeats]
    _check(by_repeat)
    figures = {cell: _figures(table) for cell, table in tested.items()}
    counted = [figures[fold, repeat] for fold in held_out for repeat in repeats]
    return {
        "folds": held_out,
        "repeats": repeats,
        "images": len(by_repeat[0].image_ids),
        "groups": len({*of_images(by_repeat[0].image_ids, known.groups)}),
        "cells": {f"{fold}-{repeat}": found for (fold, repeat), found in figures.items()},
        "pooled": _pooled(by_repeat, known),
        "mean": {key: float(np.mean([found[key] for found in counted])) for key in counted[0]},
        "spread": {key: luck.spread([found[key] for found in counted]) for key in counted[0]},
    }


def by_seed(figures: Mapping[str, Any]) -> dict[str, Mapping[str, float]]:
    """The figures on test of the trainings of fold 0, by repeat; none where a model was trained once.

    Args:
        figures: of a model, ``crossval`` among them where it has several cells.
    """
    cells = figures["crossval"]["cells"] if "crossval" in figures else {}
    of_test = {name.removeprefix("0-"): found for name, found in cells.items() if name.startswith("0-")}
    return of_test if len(of_test) > 1 else {}


def _tables(study: str, run: Repeated, cell: Cell, plan: Plan) -> dict[str, Predictions]:
    """The predictions of one cell: of its trained models, and of the ensembles and cascades that have one of them."""
    fold, repeat = cell
    again = {name for name in run.single if run.again(name, repeat)}
    known = run.single if 0 in run.seeds else [name for name in run.single if name in again]
    if not again:
        return {}
    cells = {name: cell if name in again else (fold, 0) for name in known}
    trained = predictions.read_all({name: paths.cell(study, name, *of) / PREDICTIONS for name, of in cells.items()})
    first, table = next(iter(trained.items()))
    predictions.check_images(first, table, folds.rows(study, fold))
    found = {name: table for name, table in trained.items() if name in again}
    return found | _combined(trained, plan, again) if len(known) == len(run.single) else found


def _combined(trained: Mapping[str, Predictions], plan: Plan, again: Collection[str]) -> dict[str, Predictions]:
    """The ensembles and cascades of a cell that have a member which was trained again there."""
    made = joined(trained, plan)
    runs = {name: plan.cascades.get(name, plan.members) for name in made.predictions}
    return {name: table for name, table in made.predictions.items() if {*runs[name]} & {*again}}


def _figures(table: Predictions) -> dict[str, float]:
    scores = metrics.scores(table.labels, table.probabilities, table.classes)
    return {figure.key: scores[figure.key] for figure in present(SCORED, scores)}


def _pooled(by_repeat: Sequence[Predictions], known: Evidence) -> dict[str, float]:
    """Figures with intervals; with several repeats each figure is the mean over repeats."""
    found = known.measured(_stacked(by_repeat))
    figures = (figure for figure in present(FIGURES, found) if figure.scored or figure.by_patient)
    pooled = {key: found[key] for figure in figures for key in figure.keys}
    if len(by_repeat) == 1:
        return pooled
    of_repeats = [_figures(table) for table in by_repeat]
    means = {key: float(np.mean([found[key] for found in of_repeats])) for key in of_repeats[0]}
    return pooled | means | _mean_auroc(by_repeat, known)


def _mean_auroc(by_repeat: Sequence[Predictions], known: Evidence) -> dict[str, float]:
    """The mean of the repeats' areas under the ROC curve, with the interval of ``intervals.of_mean``."""
    z = intervals.quantile(known.settings.confidence)
    found = [
        areas.mean_area(table.labels, table.probabilities, numbered(of_images(table.image_ids, known.groups)), z)
        for table in by_repeat
    ]
    mean = areas.MeanArea(tuple(area for of_repeat in found for area in of_repeat.classes))
    low, high = intervals.of_mean(mean, known.settings.confidence)
    return {"auroc": mean.value, "auroc_low": low, "auroc_high": high}


def _stacked(tables: Sequence[Predictions]) -> Predictions:
    return replace(
        tables[0],
        image_ids=tables[0].image_ids.append([table.image_ids for table in tables[1:]]),
        splits=union_categoricals([table.splits for table in tables]),
        labels=np.concatenate([table.labels for table in tables]),
        probabilities=np.concatenate([table.probabilities for table in tables]),
    )


def _check(by_repeat: Iterable[Predictions]) -> None:
    for table in by_repeat:
        repeated = table.image_ids[table.image_ids.duplicated()]
        if len(repeated):
            count = int((table.image_ids == repeated[0]).sum())
            raise MedcnnError(f"image {repeated[0]} is tested in {count} folds; run `dvc repro` to train them again")
