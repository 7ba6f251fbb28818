"""What the report shows of a study, read from the metrics and plots of the stages before it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

from medcnn.core import files
from medcnn.core.errors import MedcnnError
from medcnn.published import table
from medcnn.report import privacy, reading
from medcnn.report.areas import aurocs
from medcnn.report.claims import claims
from medcnn.report.explorer import BUDGET, Explorer, explorer, outcomes
from medcnn.report.facts import Facts
from medcnn.report.growth import curves
from medcnn.report.mistakes import mistakes
from medcnn.report.problems import problems
from medcnn.report.settings import Settings
from medcnn.report.suspected import suspected
from medcnn.results import base
from medcnn.results.compared import Compared
from medcnn.results.data import Download, Split
from medcnn.results.ensembles import Combined
from medcnn.results.evaluated import Evaluated
from medcnn.results.external import External
from medcnn.results.networks import Exported, Gallery, Stressed, Trained
from medcnn.results.timings import Timed
from medcnn.runtime import paths

Kind = TypeVar("Kind", bound=base.Record)


def gathered(name: str, settings: Settings) -> Facts:
    """Read everything about one study.

    Raises:
        MedcnnError: the study was not split, or not evaluated with every model of the run.
    """
    study = settings.studies[name]
    evaluated = base.read(paths.metrics("evaluate", name), dict[str, Evaluated])
    combined = base.read(paths.metrics("ensemble", name), Combined)
    compared = base.read(paths.metrics("comparisons", name), Compared)
    data = base.read(paths.metrics("split", name), Split)
    models = _models(name, settings, evaluated, combined)
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
            several=study.labels.multi_label,
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
        explorer=_explorer(name, compared, {model: evaluated[model] for model in models}, len(settings.run.studies)),
        problems=problems(name, study.images),
        suspects=suspected(name),
        contact_sheet=_contact_sheet(name),
        published=table.read(name),
    )
    return privacy.held_back(facts, settings.report.privacy)


def _models(study: str, settings: Settings, evaluated: Mapping[str, Evaluated], combined: Combined) -> tuple[str, ...]:
    """Every model of the run; one of a single model has no ensembles."""
    ensembles = (f"ensemble_{key}" for key in settings.ensemble.combiners if key in combined.combiners)
    cascades = () if settings.studies[study].labels.multi_label else settings.run.cascaded
    models = (*settings.run.trained, *ensembles, *cascades)
    for model in models:
        if model not in evaluated:
            raise MedcnnError(f"{paths.metrics('evaluate', study)} lacks model '{model}'; run `dvc repro`")
    return models


def _explorer(study: str, compared: Compared, evaluated: Mapping[str, Evaluated], studies: int) -> Explorer | None:
    """The test images, with answers in the page's order of models; all studies share the room on the page."""
    order = dict.fromkeys((compared.best, *compared.ranking))
    return explorer(
        study, compared.best, {model: evaluated[model] for model in order if model in evaluated}, BUDGET // studies
    )


def _contact_sheet(study: str) -> Path | None:
    sheet = paths.plots("prepare", study) / "contact_sheet.png"
    return sheet if sheet.exists() else None


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
