"""Ensemble: join the trained models' predictions, as ensembles and as cascades, fitted on validation."""

from medcnn.core import files
from medcnn.dataset import manifest, predictions
from medcnn.ensemble import cascading, combining, joining
from medcnn.ensemble.settings import Settings
from medcnn.params import placement
from medcnn.params.shared.loading import load
from medcnn.results import base as results
from medcnn.results.ensembles import Combined
from medcnn.runtime import paths
from stages import run_stage


def main(study: str) -> None:
    settings = load(Settings)
    for folder in (paths.predictions(study), paths.metrics_folder("train", study)):
        files.keep_only(folder, settings.run.trained)
    tables = predictions.read_all({name: paths.predictions(study) / f"{name}.csv" for name in settings.run.trained})
    plan = joining.Plan(
        members=settings.run.models,
        combiners=settings.ensemble.combiners,
        cascades=settings.run.cascaded,
        groups=manifest.groups(paths.manifest(study)),
        macs={name: cascading.macs(study, name) for name in settings.run.trained},
        seed=settings.seed,
        placement=placement.load(),
    )
    made = joining.joined(tables, plan)

    written = {paths.predicted(study, name): table for name, table in made.predictions.items()}
    paths.ensembles(study).mkdir(parents=True, exist_ok=True)
    files.keep_only(paths.ensembles(study), [path.stem for path in written])
    for path, table in written.items():
        predictions.write(path, table)
    results.write(paths.metrics("ensemble", study), Combined, made.record(plan.macs))
    print(f"{study}: {combining.summary(made.ensembles)}")


if __name__ == "__main__":
    run_stage(main, "study")
