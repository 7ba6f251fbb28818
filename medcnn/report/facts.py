"""What the report shows of a study, read from the metrics and plots of the stages before it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from medcnn.core import files
from medcnn.core.arrays import Integers
from medcnn.core.errors import MedcnnError
from medcnn.inference.certainty import Certainty
from medcnn.measures.curves import Curve
from medcnn.params.judging.benchmark import Limits
from medcnn.params.judging.evaluate import Judging
from medcnn.params.studies import Study
from medcnn.published import table
from medcnn.published.table import Table
from medcnn.report import privacy, reading
from medcnn.report.areas import Area, aurocs
from medcnn.report.claims import Claims, claims
from medcnn.report.explorer import BUDGET, Explorer, explorer, outcomes
from medcnn.report.growth import curves
from medcnn.report.mistakes import Mistakes, mistakes
from medcnn.report.problems import Found, problems
from medcnn.report.reading import Errors, History, Reliability
from medcnn.report.settings import Settings
from medcnn.report.suspected import Suspected, suspected
from medcnn.results import base
from medcnn.results.compared import Compared
from medcnn.results.data import Download, Split
from medcnn.results.ensembles import Combined
from medcnn.results.evaluated import Evaluated
from medcnn.results.external import External
from medcnn.results.learning_curve import LearningCurve
from medcnn.results.networks import Exported, Gallery, Stressed, Trained
from medcnn.results.timings import Timed
from medcnn.runtime import paths

Kind = TypeVar("Kind", bound=base.Record)


@dataclass(frozen=True)
class Facts:
    """Everything known about one study. What a stage that did not run would tell is absent, never invented.

    Attributes:
        models: names in the order of the run, ensembles and cascades last.
        limits: what int8 may cost.
        judged: how figures on held-out images are judged: the ``evaluate`` block of ``params.yaml``.
        evaluated: figures by model.
        compared: the ranking, the chosen model, and tests of all pairs.
        data: the images and their parts.
        download: the raw data.
        combined: ensembles and cascades.
        explained: pictures of what the chosen model looked at.
        trained: by network.
        exported: by network, ensemble and cascade.
        timed: by model.
        claims: what a careless split would have said, if some model was trained on one.
        curves: accuracy by the number of training patients, by model.
        stressed: by network.
        external: the models on other studies, by study.
        histories: learning curves by model and split.
        confusions: counts (C, C) by model, row = the true class.
        rocs: ROC curves by class and model.
        precision_recalls: precision over recall by class and model.
        aurocs: the chosen model's AUROC of each class against the rest, with its interval.
        reliabilities: reliability diagrams by model, before and after the temperature.
        errors: errors at every threshold, by class and model.
        mistakes: the chosen model's errors on test by group, where its predictions are there.
        explorer: test images to look at, where their pixels are there.
        problems: files that something is wrong with.
        suspects: labels that are probably wrong, where they were looked for.
        contact_sheet: the picture that ``prepare`` made, if it did.
        published: the study as published beside what is measured here, if it was ever set so.
    """

    name: str
    study: Study
    models: tuple[str, ...]
    limits: Limits
    judged: Judging
    evaluated: dict[str, Evaluated]
    compared: Compared
    data: Split
    download: Download | None
    combined: Combined
    explained: Gallery | None
    trained: dict[str, Trained]
    exported: dict[str, Exported]
    timed: dict[str, Timed]
    claims: Claims | None
    curves: dict[str, LearningCurve]
    stressed: dict[str, Stressed]
    external: dict[str, External]
    histories: dict[str, dict[str, History]]
    confusions: dict[str, Integers]
    rocs: dict[str, dict[str, Curve]]
    precision_recalls: dict[str, dict[str, Curve]]
    aurocs: dict[str, Area]
    reliabilities: dict[str, dict[str, Reliability]]
    errors: dict[str, dict[str, Errors]]
    mistakes: Mistakes | None
    explorer: Explorer | None
    problems: Found
    suspects: Suspected | None
    contact_sheet: Path | None
    published: Table | None

    @property
    def classes(self) -> tuple[str, ...]:
        """Class names in the order of the study."""
        return self.study.labels.class_names

    @property
    def several(self) -> bool:
        """Whether classes are findings, of which an image may have several."""
        return self.study.labels.multi_label

    @property
    def certainty(self) -> Certainty:
        """How sure a calibrated probability may be shown."""
        return Certainty(self.evaluated[self.best].validation.support)

    @property
    def best(self) -> str:
        """The chosen model: of the lowest cross-entropy on validation, ensembles and cascades out of fold."""
        return self.compared.best

    @property
    def ranking(self) -> tuple[str, ...]:
        """All models by accuracy on test, of several findings by mean AUROC, the highest first."""
        return self.compared.ranking

    @property
    def best_first(self) -> tuple[str, ...]:
        """The chosen model, then the others as they rank."""
        return (self.best, *(model for model in self.ranking if model != self.best))

    @property
    def like_best(self) -> tuple[str, ...]:
        """The models that no test finds different from the chosen one."""
        same = self.compared.same_as_best.values()
        return tuple(model for model in self.ranking if model != self.best and all(model in names for names in same))

    @property
    def as_good(self) -> tuple[str, ...]:
        """Those of ``like_best`` whose very files no test finds different, whatever other seeds do."""
        apart = self.compared.files_apart(self.judged.significance)
        return tuple(model for model in self.like_best if model not in apart)

    def differing(self, model: str) -> tuple[str, ...]:
        """The figures in which a test finds this model different from the chosen one."""
        return tuple(figure for figure, names in self.compared.same_as_best.items() if model not in names)

    @property
    def macs(self) -> dict[str, int]:
        """Multiply-accumulates for one image, by model; of cascades the mean over test."""
        return self.combined.macs

    @property
    def leaky(self) -> bool:
        """Whether patients or duplicates lie on two sides of the split, so that the figures are flattered."""
        return bool(self.data.leak.this_split)

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
    evaluated = base.read(paths.metrics("evaluate", name), dict[str, Evaluated])
    combined = base.read(paths.metrics("ensemble", name), Combined)
    data, several = base.read(paths.metrics("split", name), Split), study.labels.multi_label
    budget = BUDGET // len(settings.run.studies)
    # A run of one model has no ensembles.
    ensembles = (f"ensemble_{key}" for key in settings.ensemble.combiners if key in combined.combiners)
    cascades = () if several else settings.run.cascaded
    models = (*settings.run.trained, *ensembles, *cascades)
    for model in models:
        if model not in evaluated:
            raise MedcnnError(f"{paths.metrics('evaluate', name)} lacks model '{model}'; run `dvc repro`")
    compared = base.read(paths.metrics("comparisons", name), Compared)
    ranking = [compared.best, *(model for model in compared.ranking if model in models and model != compared.best)]
    sheet = paths.plots("prepare", name) / "contact_sheet.png"
    exported = _exported(name, models)
    facts = Facts(
        name=name,
        study=study,
        models=models,
        limits=settings.benchmark,
        judged=settings.evaluate,
        evaluated=evaluated,
        compared=compared,
        data=data,
        download=base.read_if_made(paths.metrics("download", name), Download),
        combined=combined,
        explained=base.read_if_made(paths.metrics("explain", name), Gallery),
        trained=_by_model("train", name, models, Trained),
        exported=exported,
        timed=_timed(name, exported),
        claims=claims(
            name,
            settings.run.models,
            evaluated,
            several=several,
            patients=data.patients is not None,
            confidence=settings.evaluate.confidence,
        ),
        curves=curves(name, settings.run.learning_curve),
        stressed=_by_model("stress", name, settings.run.stress, Stressed),
        external=_external(name, models, settings.run.external),
        histories=reading.histories(name, models),
        confusions=reading.confusions(name, models, outcomes(study.labels.class_names)),
        rocs=reading.rocs(name, models),
        precision_recalls=reading.precision_recalls(name, models),
        aurocs=aurocs(name, compared.best, settings.evaluate.confidence),
        reliabilities=reading.reliabilities(name, models),
        errors=reading.errors(name, models),
        mistakes=mistakes(name, compared.best),
        explorer=explorer(name, compared.best, {model: evaluated[model] for model in ranking}, budget),
        problems=problems(name, study.images),
        suspects=suspected(name),
        contact_sheet=sheet if sheet.exists() else None,
        published=table.read(name),
    )
    return privacy.held_back(facts, settings.report.privacy)


def _by_model(stage: str, study: str, models: tuple[str, ...], kind: type[Kind]) -> dict[str, Kind]:
    found = {model: base.read_if_made(paths.metrics(stage, study, model), kind) for model in models}
    return {model: record for model, record in found.items() if record is not None}


def _external(study: str, models: tuple[str, ...], others: Sequence[str]) -> dict[str, External]:
    found = {other: base.read(paths.metrics("external", study, other), External) for other in others}
    for other, record in found.items():
        for model in models:
            if model not in record.models:
                raise MedcnnError(f"{paths.metrics('external', study, other)} lacks model '{model}'; run `dvc repro`")
    return found


def _exported(study: str, models: tuple[str, ...]) -> dict[str, Exported]:
    combined = base.read_if_made(paths.metrics("export_ensembles", study), dict[str, Exported]) or {}
    single = _by_model("export", study, models, Exported)
    return single | {model: combined[model] for model in models if model in combined}


def _timed(study: str, exported: dict[str, Exported]) -> dict[str, Timed]:
    """Timings of the very files that were exported; DVC keeps no timings, so those of any version may lie there."""
    found = {model: paths.metrics("benchmark", study, model) for model in exported}
    return {
        model: base.read(path, Timed)
        for model, path in found.items()
        if path.exists() and _hashes(files.read_json(path)) == (exported[model].sha256, exported[model].int8.sha256)
    }


def _hashes(timed: Mapping[str, Any]) -> tuple[Any, Any]:
    return timed.get("model_sha256"), timed.get("int8_sha256")
