"""The tables behind the plots of a study: one row per point, all models in one table, to be drawn over each other."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping

from medcnn.core import files, tables
from medcnn.core.arrays import Floats, Truths
from medcnn.dataset.predictions import Predictions
from medcnn.measures import calibration, curves, operating
from medcnn.measures.curves import Curve
from medcnn.measures.findings import against_the_rest
from medcnn.results.plots import EVALUATED, HISTORY
from medcnn.runtime import paths


def write(study: str, raw: Mapping[str, Predictions], calibrated: Mapping[str, Predictions], bins: int) -> None:
    """Write every table of a study.

    Args:
        study: its name.
        raw: the test images' predictions by model.
        calibrated: the same with temperature.
        bins: of the reliability diagram.
    """
    folder = paths.plots("evaluate", study)
    rows: dict[str, Iterable[tuple[str | int, ...]]] = {
        "confusion": _confusions(raw),
        "roc": _points(raw, curves.roc),
        "pr": _points(raw, curves.precision_recall),
        "reliability": _reliability(raw, calibrated, bins),
        "errors": _errors(calibrated),
        "learning": _learning(study, raw),
    }
    for name, schema in EVALUATED.items():
        files.write_csv(folder / f"{name}.csv", tuple(schema.columns), rows[name])


def _confusions(predicted: Mapping[str, Predictions]) -> Iterator[tuple[str, str, str, int, str]]:
    """One table per model, or with several findings one of two classes for each, absent and present."""
    for model, of_model in predicted.items():
        for table in map(of_model.of_finding, range(len(of_model.classes))) if of_model.multi_label else [of_model]:
            counts = curves.confusion(table.labels, table.probabilities.argmax(axis=1), len(table.classes))
            for actual, row in zip(table.classes, counts, strict=True):
                for called, images in zip(table.classes, row, strict=True):
                    yield model, actual, called, int(images), f"{images / max(row.sum(), 1):.6g}"


def _points(
    predicted: Mapping[str, Predictions], drawn: Callable[[Truths, Floats], Curve]
) -> Iterator[tuple[str, str, str, str]]:
    for model, table in predicted.items():
        for index, positive, scores in against_the_rest(table.labels, table.probabilities):
            curve = curves.thinned(drawn(positive, scores))
            for x, y in zip(curve.x, curve.y, strict=True):
                yield model, table.classes[index], f"{x:.6g}", f"{y:.6g}"


def _reliability(
    raw: Mapping[str, Predictions], calibrated: Mapping[str, Predictions], bins: int
) -> Iterator[tuple[str, str, str, str, int]]:
    for model in raw:
        for when, table in (("before", raw[model]), ("after", calibrated[model])):
            for point in calibration.reliability(table.labels, table.probabilities, bins):
                yield model, when, f"{point.confidence:.6g}", f"{point.accuracy:.6g}", point.images


def _errors(calibrated: Mapping[str, Predictions]) -> Iterator[tuple[str, str, str, int, int]]:
    for model, table in calibrated.items():
        for row in operating.errors(table):
            yield model, *row


def _learning(study: str, models: Iterable[str]) -> Iterator[tuple[str, str, int, str, str]]:
    """The histories of all that was trained; ensembles and cascades have none."""
    for model in models:
        path = paths.plots("train", study, model) / "history.csv"
        if path.exists():
            history = tables.read(path, HISTORY, ("split", "epoch", "loss", "accuracy"))
            for split, epoch, loss, accuracy in history.itertuples(index=False, name=None):
                yield model, split, epoch, f"{loss:.6g}", f"{accuracy:.6g}"
