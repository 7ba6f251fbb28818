"""Evaluate every model, chain, ensemble and cascade of a study from their predictions alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

from medcnn.core import files
from medcnn.core.errors import MedcnnError
from medcnn.dataset import manifest, predictions
from medcnn.dataset.folds import MAIN
from medcnn.dataset.manifest import SPLITS
from medcnn.dataset.predictions import Predictions
from medcnn.ensemble import combining
from medcnn.evaluate import by_subgroup, crossval, plots, ranking
from medcnn.evaluate.crossval import Cells
from medcnn.evaluate.evidence import Evidence
from medcnn.measures import calibration, conformal, metrics, operating, statistics
from medcnn.params import Compute, Params
from medcnn.params.figures import BY_KEY, FIGURES
from medcnn.runtime import fanout, paths


def collected(study: str, settings: Params, combined: Mapping[str, Any]) -> dict[str, Predictions]:
    """The predictions of every model, chain, ensemble and cascade of the run, joined by image.

    Args:
        study: its name.
        settings: says what ran.
        combined: ``metrics/ensemble/S.json``, which says what there is to combine: one model makes no ensemble.

    Raises:
        MedcnnError: a model is missing, or the models do not cover the images and the classes of the split.
    """
    ensembles = [f"ensemble_{name}" for name in settings.ensemble.combiners if name in combined["combiners"]]
    models = (*settings.run.trained, *ensembles, *settings.run.cascaded)
    tables = predictions.read_all({model: paths.predicted(study, model) for model in models})
    classes = settings.study(study).class_names
    for name, table in tables.items():
        if table.classes != classes:
            raise MedcnnError(
                f"predictions of '{name}' have the classes {', '.join(table.classes)}, "
                f"studies.{study}.classes has {', '.join(classes)}; run `dvc repro`"
            )
    first, table = next(iter(tables.items()))
    predictions.check_images(first, table, manifest.used(paths.manifest(study)))
    return tables


def evaluated(raw: Predictions, temperature: float, calibrated: Predictions, known: Evidence) -> dict[str, Any]:
    """All figures of one model: a block per split, the published scores, and what is decided on validation.

    Args:
        raw: predictions of every image.
        temperature: fitted on validation.
        calibrated: the same predictions with that temperature.
        known: of the images.
    """
    train, validation, test = (raw.of(split) for split in SPLITS)
    blocks = {
        "train": metrics.scores(train.labels, train.probabilities, train.classes),
        "validation": known.measured(validation),
        "test": known.measured(test),
    }
    accuracies = (blocks[split]["accuracy"] for split in SPLITS)
    seen, unseen = calibrated.of("validation"), calibrated.of("test")
    groups = known.groups_of(test)
    figures = {
        **blocks,
        **metrics.published_scores(*accuracies),
        "calibration": calibration.block(temperature, blocks["test"], known.measured(unseen)),
        "operating_points": operating.block(seen, unseen, groups, known.settings),
        "conformal": conformal.block(seen, unseen, groups, known.settings),
    }
    if known.subgroups:
        columns = {name: [of[image_id] for image_id in test.image_ids] for name, of in known.subgroups.items()}
        figures["subgroups"] = by_subgroup.block(columns, lambda rows: known.measured(test.at(rows)))
    return figures


def judged(
    raw: Mapping[str, Predictions], cells: Mapping[str, Cells], known: Evidence, compute: Compute
) -> dict[str, dict[str, Any]]:
    """All figures of every model, see ``evaluated``, and with several cells those of ``crossval.block``.

    Args:
        raw: predictions by model.
        cells: the same of every fold and repeat.
        known: of the images.
        compute: where the models are judged, each on its own.
    """
    found = fanout.each(partial(_judged, known), [(table, cells[model]) for model, table in raw.items()], compute)
    return dict(zip(raw, found, strict=True))


def _judged(known: Evidence, model: tuple[Predictions, Cells]) -> dict[str, Any]:
    table, cells = model
    figures = evaluated(table, *calibration.calibrated(table), known)
    return figures if set(cells) == {MAIN} else figures | {"crossval": crossval.block(cells, known)}


def headline(figures: Mapping[str, Any]) -> dict[str, Any]:
    """The flat figures of one model that ``dvc metrics show`` prints: those of test, and validation's accuracy.

    With two classes also the errors of the positive one, with several cells the out-of-fold accuracy.
    """
    test = figures["test"]
    headline = (figure for figure in FIGURES if figure.headline and figure.key in test)
    flat = {key: test[key] for figure in headline for key in figure.keys}
    flat["validation_accuracy"] = figures["validation"]["accuracy"]
    if len(test["classes"]) == 2:
        positive = list(test["classes"].values())[1]
        flat |= {key: positive[key] for key in ("false_negatives", "false_positives")}
    if "crossval" in figures:
        pooled, spread = figures["crossval"]["pooled"], figures["crossval"]["spread"]["accuracy"]
        flat |= {f"pooled_{key}": pooled[key] for key in BY_KEY["accuracy"].keys}
        flat["accuracy_spread"] = spread
    return flat


def record(
    study: str,
    raw: Mapping[str, Predictions],
    figures: Mapping[str, Any],
    combined: Mapping[str, Any],
    trained: Sequence[str],
    known: Evidence,
) -> None:
    """Write the metrics and the plots of a study; files of models that are not among ``raw`` are removed.

    Args:
        study: its name.
        raw: predictions by model.
        figures: what was found, see ``judged``.
        combined: ``metrics/ensemble/S.json``: the cascades, and multiply-accumulates for one image by model.
        trained: the models that are single networks.
        known: of the images.
    """
    _write_metrics(study, figures, combined["macs"])
    test = {model: table.of("test") for model, table in raw.items()}
    files.write_json(paths.metrics("comparisons", study), _comparisons(figures, test, combined, trained, known))
    after = {model: calibration.calibrated(table)[1].of("test") for model, table in raw.items()}
    plots.write(study, test, after, known.settings.bins)


def _write_metrics(study: str, figures: Mapping[str, Any], macs: Mapping[str, int]) -> None:
    files.write_json(paths.metrics("evaluate", study), figures)
    files.keep_only(paths.metrics_folder("evaluate", study), figures)
    for model, block in figures.items():
        files.write_json(paths.metrics("evaluate", study, model), headline(block) | {"mean_macs": macs[model]})


def _comparisons(
    figures: Mapping[str, Any],
    test: Mapping[str, Predictions],
    combined: Mapping[str, Any],
    trained: Sequence[str],
    known: Evidence,
) -> dict[str, Any]:
    fitted = {*(f"ensemble_{name}" for name in combining.FITTED), *combined["cascades"]}
    ranked = ranking.ranked(figures, fitted, trained)
    pairs = statistics.compared(test, known.groups_of(next(iter(test.values()))), known.settings, known.seed)
    return {
        **ranked,
        "pairs": pairs,
        "same_as_best": ranking.same_as(ranked["best"], pairs, known.settings.significance),
    }
