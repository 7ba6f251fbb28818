"""Evaluate every model, chain, ensemble and cascade of a study from their predictions alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from medcnn.core import files
from medcnn.core.errors import MedcnnError
from medcnn.dataset import manifest, predictions
from medcnn.dataset.folds import MAIN
from medcnn.dataset.manifest import SPLITS, of_images
from medcnn.dataset.predictions import Predictions
from medcnn.evaluate import by_subgroup, crossval, plots, ranking
from medcnn.evaluate.crossval import Gathered
from medcnn.evaluate.evidence import Evidence
from medcnn.evaluate.settings import Settings
from medcnn.measures import calibration, conformal, consequences, membership, metrics, operating, statistics
from medcnn.params.judging.figures import BY_KEY, FIGURES, found, of_findings
from medcnn.params.shared.run import FOLDS
from medcnn.results import base as results
from medcnn.results.compared import Compared
from medcnn.results.ensembles import Combined
from medcnn.results.evaluated import Evaluated
from medcnn.runtime import fanout, paths
from medcnn.runtime.fanout import Placement


@dataclass(frozen=True)
class Collected:
    """The predictions of a study's models, read model by model where they are judged: all would fill the memory.

    Attributes:
        first: the model whose order of images the others are brought into.
        images: its predictions, without probabilities.
        files: where those of each model are; absolute, as models are judged in other processes.
    """

    first: str
    images: Predictions
    files: Mapping[str, Path]

    def read(self, model: str) -> Predictions:
        """The predictions of one model.

        Raises:
            MedcnnError: see ``predictions.read`` and ``predictions.joined``.
        """
        table = predictions.read(self.files[model])
        return table if model == self.first else predictions.joined([(self.first, self.images), (model, table)])[model]


@dataclass(frozen=True)
class Judged:
    """One model, judged.

    Attributes:
        figures: all of its figures, see ``evaluated``, and with several cells those of ``crossval.block``.
        test: its predictions for the test images.
        calibrated: the same with the temperature.
    """

    figures: dict[str, Any]
    test: Predictions
    calibrated: Predictions


def collected(study: str, settings: Settings, combined: Combined) -> Collected:
    """Where the predictions of every model, chain, ensemble and cascade of the run are, and which images they are of.

    Args:
        study: its name.
        settings: says what ran.
        combined: the ensembles and cascades that were made; one model makes no ensemble.

    Raises:
        MedcnnError: the first model is missing, or does not cover the images and the classes of the split.
    """
    ensembles = [f"ensemble_{name}" for name in settings.ensemble.combiners if name in combined.combiners]
    cascades = [name for name in settings.run.cascaded if name in combined.cascades]
    models = (*settings.run.trained, *ensembles, *cascades)
    first, classes = models[0], settings.studies[study].labels.class_names
    table = predictions.read(paths.predicted(study, first))
    if table.classes != classes:
        raise MedcnnError(
            f"predictions of '{first}' have the classes {', '.join(table.classes)}, "
            f"studies.{study}.labels.classes has {', '.join(classes)}; run `dvc repro`"
        )
    predictions.check_images(first, table, manifest.used(paths.manifest(study), "image_id", "split", "label"))
    images = replace(table, probabilities=np.empty((len(table), 0)))
    return Collected(first, images, {model: paths.predicted(study, model).absolute() for model in models})


def parted(table: Predictions) -> tuple[dict[str, Any], Predictions]:
    """The scores of a model's training images, and the other images, which alone are needed for all else."""
    train = table.of("train")
    scores = metrics.scores(train.labels, train.probabilities, train.classes)
    return scores, table.at(np.flatnonzero(table.splits != "train"))


def evaluated(train: Mapping[str, Any], held_out: Predictions, known: Evidence) -> Judged:
    """All figures of one model: a block per split, the published scores, and what is decided on validation.

    Args:
        train: the scores of its training images.
        held_out: its predictions for the other images.
        known: about these images.
    """
    temperature, calibrated = calibration.calibrated(held_out)
    validation, test = held_out.of("validation"), held_out.of("test")
    blocks = {"train": train, "validation": known.measured(validation), "test": known.measured(test)}
    accuracies = (blocks[split]["accuracy"] for split in SPLITS)
    seen, unseen = calibrated.of("validation"), calibrated.of("test")
    groups = of_images(test.image_ids, known.groups)
    points = operating.block(seen, unseen, groups, known.settings)
    figures = {
        **blocks,
        **metrics.published_scores(*accuracies),
        "calibration": calibration.block(temperature, blocks["test"], known.measured(unseen)),
        "operating_points": points,
        "consequences": consequences.block(test, unseen, points, groups, known.settings, known.seed),
        # A set of classes of which one is true is no answer where any number of findings are.
        "conformal": None if test.multi_label else conformal.block(seen, unseen, groups, known.settings),
    }
    if len(known.subgroups.columns):
        of_test = known.subgroups.loc[test.image_ids]
        columns = {str(name): of_test[name].tolist() for name in of_test}
        figures["subgroups"] = by_subgroup.block(columns, lambda rows: known.measured(test.at(rows)))
    return Judged(figures, test, unseen)


def judged(raw: Collected, cells: Mapping[str, Gathered], known: Evidence, placement: Placement) -> dict[str, Judged]:
    """Calibrate and judge every model.

    Args:
        raw: the predictions.
        cells: by model, see ``crossval.gathered``.
        known: about the images.
        placement: where the models are judged, each on its own.

    Raises:
        MedcnnError: a model is missing, or the models do not cover the same images.
    """
    tasks = [(model, cells[model]) for model in raw.files]
    found = fanout.each(partial(_judged, raw, known), tasks, placement)
    return dict(zip(raw.files, found, strict=True))


def _judged(raw: Collected, known: Evidence, model: tuple[str, Gathered]) -> Judged:
    name, cells = model
    table = raw.read(name)
    train, held_out = parted(table)
    found = evaluated(train, held_out, known)
    # Fold ensembles answer training images out of fold, which is not what their networks answer to them.
    if not any(other.endswith(FOLDS) for other in (raw.files if name.startswith("ensemble_") else [name])):
        found.figures["membership"] = _membership(table, known)
    if set(cells) - {MAIN}:
        tables = {cell: held_out if table is None else table for cell, table in cells.items()}
        found.figures["crossval"] = crossval.block(tables, known)
    return found


def _membership(table: Predictions, known: Evidence) -> dict[str, float]:
    seen = table.at(np.flatnonzero(table.splits != "validation"))
    groups = of_images(seen.image_ids, known.groups)
    members = np.asarray(seen.splits == "train")
    return membership.block(seen.labels, seen.probabilities, members, groups, known.settings.confidence)


def headline(figures: Mapping[str, Any]) -> dict[str, Any]:
    """The flat figures of one model that ``dvc metrics show`` prints: those of test, and validation's accuracy.

    With two classes also the errors of the positive one, with several cells the out-of-fold accuracy.
    """
    test = figures["test"]
    headline = (figure for figure in found(FIGURES, test) if figure.headline)
    flat = {key: test[key] for figure in headline for key in figure.keys}
    flat["validation_accuracy"] = figures["validation"]["accuracy"]
    if len(test["classes"]) == 2 and not of_findings(test):
        positive = list(test["classes"].values())[1]
        flat |= {key: positive[key] for key in ("false_negatives", "false_positives")}
    if "crossval" in figures:
        pooled, spread = figures["crossval"]["pooled"], figures["crossval"]["spread"]["accuracy"]
        flat |= {f"pooled_{key}": pooled[key] for key in BY_KEY["accuracy"].keys}
        flat["accuracy_spread"] = spread
    return flat


def record(
    study: str, models: Mapping[str, Judged], combined: Combined, trained: Sequence[str], known: Evidence
) -> None:
    """Write the metrics and the plots of a study; files of models that are not among ``models`` are removed.

    Args:
        study: its name.
        models: every model, judged.
        combined: the ensembles and cascades, and multiply-accumulates for one image by model.
        trained: the models that are single networks.
        known: about the images.
    """
    figures = {model: found.figures for model, found in models.items()}
    test = {model: found.test for model, found in models.items()}
    _write_metrics(study, figures, combined.macs)
    compared = _comparisons(figures, test, combined, trained, known)
    results.write(paths.metrics("comparisons", study), Compared, compared)
    plots.write(study, test, {model: found.calibrated for model, found in models.items()}, known.settings.bins)


def _write_metrics(study: str, figures: Mapping[str, Any], macs: Mapping[str, int]) -> None:
    results.write(paths.metrics("evaluate", study), dict[str, Evaluated], figures)
    files.keep_only(paths.metrics_folder("evaluate", study), figures)
    for model, block in figures.items():
        files.write_json(paths.metrics("evaluate", study, model), headline(block) | {"mean_macs": macs[model]})


def _comparisons(
    figures: Mapping[str, Any],
    test: Mapping[str, Predictions],
    combined: Combined,
    trained: Sequence[str],
    known: Evidence,
) -> dict[str, Any]:
    ranked = ranking.ranked(figures, combined.unscored, trained)
    groups = of_images(next(iter(test.values())).image_ids, known.groups)
    repeats = {model: crossval.by_seed(block) for model, block in figures.items()}
    pairs = statistics.compared(test, groups, known.settings, known.seed, repeats, ranked["best"])
    return {
        **ranked,
        "pairs": pairs,
        "same_as_best": ranking.same_as(ranked["best"], pairs, known.settings.significance),
    }
