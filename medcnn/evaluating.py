"""Evaluate every model, chain, ensemble and cascade of a study from their predictions alone."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from medcnn import curves, files, layout, metrics, predictions
from medcnn.console import MedcnnError
from medcnn.curves import Curve, Floats, Truths
from medcnn.manifest import SPLITS
from medcnn.params import Params
from medcnn.predictions import Predictions

HEADLINE = ("accuracy", "balanced_accuracy", "cross_entropy", "auroc", "brier")
PLOTTED = "test"


def collected(study: str, settings: Params, combined: Mapping[str, Any]) -> dict[str, Predictions]:
    """The predictions of every model, chain, ensemble and cascade of the run, joined by image.

    Args:
        study: its name.
        settings: says what ran.
        combined: ``metrics/ensemble/S.json``, which says what there is to combine: one model makes no ensemble.

    Raises:
        MedcnnError: a model is missing, or the models do not cover the same images and classes.
    """
    trained = {name: layout.predictions(study) / f"{name}.csv" for name in settings.run.trained}
    combiners = [name for name in settings.ensemble.combiners if name in combined["combiners"]]
    ensembles = {f"ensemble_{name}": layout.ensembles(study) / f"{name}.csv" for name in combiners}
    cascades = {name: layout.ensembles(study) / f"{name}.csv" for name in settings.run.cascaded}
    tables = predictions.read_all(trained | ensembles | cascades)
    classes = settings.study(study).class_names
    for name, table in tables.items():
        if table.classes != classes:
            raise MedcnnError(
                f"predictions of '{name}' have the classes {', '.join(table.classes)}, "
                f"studies.{study}.classes has {', '.join(classes)}; run `dvc repro`"
            )
    return tables


def evaluated(table: Predictions) -> dict[str, Any]:
    """All figures of one model: a block per split, and the published scores over the three accuracies."""
    parts = {split: table.of(split) for split in SPLITS}
    blocks = {split: metrics.scores(part.labels, part.probabilities, part.classes) for split, part in parts.items()}
    return {**blocks, **metrics.published_scores(*(blocks[split]["accuracy"] for split in SPLITS))}


def headline(figures: Mapping[str, Any]) -> dict[str, Any]:
    """The flat figures of one model that ``dvc metrics show`` prints: those of test, and validation's accuracy.

    With two classes also the errors of the positive one.
    """
    test = figures["test"]
    flat = {key: test[key] for key in HEADLINE} | {"validation_accuracy": figures["validation"]["accuracy"]}
    if len(test["classes"]) == 2:
        positive = list(test["classes"].values())[1]
        flat |= {key: positive[key] for key in ("false_negatives", "false_positives")}
    return flat


def record(study: str, tables: Mapping[str, Predictions], macs: Mapping[str, int]) -> None:
    """Write the metrics and the plots of a study; files of models that are not among ``tables`` are removed.

    Args:
        study: its name.
        tables: predictions by model.
        macs: multiply-accumulates for one image, by model; of a cascade the mean over test.
    """
    figures = {name: evaluated(table) for name, table in tables.items()}
    files.write_json(layout.metrics("evaluate", study), figures)
    files.keep_only(layout.metrics_folder("evaluate", study), figures)
    for name, block in figures.items():
        files.write_json(layout.metrics("evaluate", study, name), headline(block) | {"mean_macs": macs[name]})
    _write_plots(study, {name: table.of(PLOTTED) for name, table in tables.items()})


def _write_plots(study: str, tables: Mapping[str, Predictions]) -> None:
    folder = layout.plots("evaluate", study)
    files.write_csv(folder / "confusion.csv", ("model", "actual", "predicted", "images"), _confusions(tables))
    roc = ("model", "class", "false_positive_rate", "true_positive_rate")
    files.write_csv(folder / "roc.csv", roc, _points(tables, curves.roc))
    recall = ("model", "class", "recall", "precision")
    files.write_csv(folder / "pr.csv", recall, _points(tables, curves.precision_recall))


def _confusions(tables: Mapping[str, Predictions]) -> Iterator[tuple[str, str, str, int]]:
    for model, table in tables.items():
        counts = curves.confusion(table.labels, table.probabilities.argmax(axis=1), len(table.classes))
        for actual, row in zip(table.classes, counts, strict=True):
            for predicted, images in zip(table.classes, row, strict=True):
                yield model, actual, predicted, int(images)


def _points(
    tables: Mapping[str, Predictions], drawn: Callable[[Truths, Floats], Curve]
) -> Iterator[tuple[str, str, str, str]]:
    for model, table in tables.items():
        for index in curves.of_interest(len(table.classes)):
            curve = curves.thinned(drawn(table.labels == index, table.probabilities[:, index]))
            for x, y in zip(curve.x, curve.y, strict=True):
                yield model, table.classes[index], f"{x:.6g}", f"{y:.6g}"
