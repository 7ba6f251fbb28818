"""What the report shows of a study, read from the metrics and plots of the stages before it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from medcnn.core import files
from medcnn.core.arrays import Integers
from medcnn.core.errors import MedcnnError
from medcnn.ensemble import combining
from medcnn.measures.curves import Curve
from medcnn.params.judging.evaluate import Judging
from medcnn.params.studies import Study
from medcnn.published import table
from medcnn.published.table import Table
from medcnn.report import reading
from medcnn.report.reading import Errors, History, Reliability
from medcnn.report.settings import Settings
from medcnn.runtime import paths

Blocks = dict[str, dict[str, Any]]


@dataclass(frozen=True)
class Facts:
    """Everything known about one study. A stage that did not run leaves an empty block, never an invented number.

    Attributes:
        models: names in the order of the run, ensembles and cascades last.
        judged: how figures on held-out images are judged: the ``evaluate`` block of ``params.yaml``.
        evaluated: ``metrics/evaluate/S.json``.
        compared: ``metrics/comparisons/S.json``.
        data: ``metrics/split/S.json``.
        download: ``metrics/download/S.json``.
        combined: ``metrics/ensemble/S.json``.
        explained: ``metrics/explain/S.json``.
        trained: ``metrics/train/S/M.json`` by model.
        exported: ``metrics/export/S/M.json`` by model, and what ``metrics/export_ensembles/S.json`` says.
        timed: ``metrics/benchmark/S/M.json`` by model.
        stressed: ``metrics/stress/S/M.json`` by model.
        histories: learning curves by model and split.
        confusions: counts (C, C) by model, row = the true class.
        rocs: ROC curves by class and model.
        reliabilities: reliability diagrams by model, before and after the temperature.
        errors: errors at every threshold, by class and model.
        contact_sheet: the picture that ``prepare`` made, if it did.
        published: the study as published beside what is measured here, if it was ever set so.
    """

    name: str
    study: Study
    models: tuple[str, ...]
    judged: Judging
    evaluated: dict[str, Any]
    compared: dict[str, Any]
    data: dict[str, Any]
    download: dict[str, Any]
    combined: dict[str, Any]
    explained: dict[str, Any]
    trained: Blocks
    exported: Blocks
    timed: Blocks
    stressed: Blocks
    histories: dict[str, dict[str, History]]
    confusions: dict[str, Integers]
    rocs: dict[str, dict[str, Curve]]
    reliabilities: dict[str, dict[str, Reliability]]
    errors: dict[str, dict[str, Errors]]
    contact_sheet: Path | None
    published: Table | None

    @property
    def classes(self) -> tuple[str, ...]:
        """Class names in the order of the study."""
        return self.study.labels.class_names

    @property
    def best(self) -> str:
        """The chosen model: of the lowest cross-entropy on validation among those not fitted on it."""
        return str(self.compared["best"])

    @property
    def ranking(self) -> tuple[str, ...]:
        """All models by accuracy on test, the highest first."""
        return tuple(self.compared["ranking"])

    @property
    def best_first(self) -> tuple[str, ...]:
        """The chosen model, then the others as they rank."""
        return (self.best, *(model for model in self.ranking if model != self.best))

    @property
    def fitted(self) -> tuple[str, ...]:
        """The ensembles and cascades that were fitted on validation."""
        names = (*(f"ensemble_{combiner}" for combiner in combining.FITTED), *self.combined["cascades"])
        return tuple(name for name in names if name in self.models)

    @property
    def like_best(self) -> tuple[str, ...]:
        """The models that no test tells apart from the chosen one."""
        same = self.compared["same_as_best"].values()
        return tuple(model for model in self.ranking if model != self.best and all(model in names for names in same))

    def told_apart(self, model: str) -> tuple[str, ...]:
        """The figures in which a test tells this model from the chosen one."""
        return tuple(figure for figure, names in self.compared["same_as_best"].items() if model not in names)

    @property
    def macs(self) -> dict[str, int]:
        """Multiply-accumulates for one image, by model; of cascades the mean over test."""
        return dict(self.combined["macs"])

    @property
    def leaky(self) -> bool:
        """Whether patients or duplicates lie on two sides of the split, so that the figures are flattered."""
        return bool(self.data["leak"]["this_split"])

    @property
    def synthetic(self) -> bool:
        """Whether the images are drawn by the built-in generator."""
        return self.study.source.kind == "phantom"

    @property
    def pictures(self) -> Path:
        """The folder of the pictures that ``explain`` made."""
        return paths.plots("explain", self.name)


def gathered(name: str, settings: Settings) -> Facts:
    """Read everything about one study.

    Raises:
        MedcnnError: the study was not split, or not evaluated with every model of the run.
    """
    study = settings.studies[name]
    evaluated, combined = _needed(paths.metrics("evaluate", name)), _needed(paths.metrics("ensemble", name))
    # A run of one model has no ensembles.
    ensembles = (f"ensemble_{key}" for key in settings.ensemble.combiners if key in combined["combiners"])
    models = (*settings.run.trained, *ensembles, *settings.run.cascaded)
    for model in models:
        if model not in evaluated:
            raise MedcnnError(f"{paths.metrics('evaluate', name)} lacks model '{model}'; run `dvc repro`")
    sheet = paths.plots("prepare", name) / "contact_sheet.png"
    exported = _exported(name, models)
    return Facts(
        name=name,
        study=study,
        models=models,
        judged=settings.evaluate,
        evaluated=evaluated,
        compared=_needed(paths.metrics("comparisons", name)),
        data=_needed(paths.metrics("split", name)),
        download=_known(paths.metrics("download", name)),
        combined=combined,
        explained=_known(paths.metrics("explain", name)),
        trained=_by_model("train", name, models),
        exported=exported,
        timed=_timed(name, exported),
        stressed=_by_model("stress", name, settings.run.stress),
        histories=reading.histories(name, models),
        confusions=reading.confusions(name, models, study.labels.class_names),
        rocs=reading.rocs(name, models),
        reliabilities=reading.reliabilities(name, models),
        errors=reading.errors(name, models),
        contact_sheet=sheet if sheet.exists() else None,
        published=table.read(name),
    )


def _needed(path: Path) -> dict[str, Any]:
    if not path.exists():
        raise MedcnnError(f"{path} not found; run `dvc repro` to make it")
    return _known(path)


def _known(path: Path) -> dict[str, Any]:
    return dict(files.read_json(path)) if path.exists() else {}


def _by_model(stage: str, study: str, models: tuple[str, ...]) -> Blocks:
    blocks = {model: _known(paths.metrics(stage, study, model)) for model in models}
    return {model: block for model, block in blocks.items() if block}


def _exported(study: str, models: tuple[str, ...]) -> Blocks:
    combined = _known(paths.metrics("export_ensembles", study))
    return _by_model("export", study, models) | {model: combined[model] for model in models if model in combined}


def _timed(study: str, exported: Blocks) -> Blocks:
    """Timings of the very files that were exported; DVC does not keep timings, so older ones may lie there."""
    timed = _by_model("benchmark", study, tuple(exported))
    return {model: block for model, block in timed.items() if _hashes(block) == _exported_hashes(exported[model])}


def _hashes(timed: dict[str, Any]) -> tuple[Any, Any]:
    return timed.get("model_sha256"), timed.get("int8_sha256")


def _exported_hashes(exported: dict[str, Any]) -> tuple[Any, Any]:
    return exported["sha256"], exported["int8"]["sha256"]
