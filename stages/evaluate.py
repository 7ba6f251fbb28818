"""Evaluate: metrics and plots of every model, chain, ensemble and cascade of a study, from their predictions alone."""

from medcnn.core import files
from medcnn.ensemble.joining import Plan
from medcnn.evaluate import crossval, evaluating
from medcnn.evaluate.evidence import evidence
from medcnn.evaluate.settings import Settings
from medcnn.params import placement
from medcnn.params.shared.loading import load
from medcnn.results import base as results
from medcnn.results.ensembles import Combined
from medcnn.runtime import paths
from stages import run_stage


def main(study: str) -> None:
    settings, compute = load(Settings), placement.load()
    for folder in (paths.predictions(study), paths.plots("train", study)):
        files.keep_only(folder, settings.run.trained)
    crossval.keep_only(study, settings.run)
    combined = results.read(paths.metrics("ensemble", study), Combined)
    tables = evaluating.collected(study, settings, combined)
    known = evidence(study, settings)
    plan = Plan(
        members=settings.run.models,
        combiners=settings.ensemble.combiners,
        cascades=settings.run.cascaded,
        groups=known.groups,
        macs=combined.macs,
        seed=settings.seed,
        placement=compute,
    )
    cells = crossval.gathered(study, settings.run, tables.files, plan)
    judged = evaluating.judged(tables, cells, known, compute)
    evaluating.record(study, judged, combined, settings.run.single, known)
    counted = "1 model" if len(judged) == 1 else f"{len(judged)} models"
    print(f"{study}: {counted} evaluated; metrics in {paths.metrics_folder('evaluate', study)}")


if __name__ == "__main__":
    run_stage(main, "study")
