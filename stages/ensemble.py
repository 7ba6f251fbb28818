"""Ensemble: join the trained models' predictions, as ensembles and as cascades, fitted on validation."""

from medcnn import params
from medcnn.core import files
from medcnn.dataset import manifest, predictions
from medcnn.ensemble import cascading, combining
from medcnn.runtime import paths
from medcnn.runtime.console import run_stage


def main(study: str) -> None:
    settings = params.load()
    settings.study(study)
    for folder in (paths.predictions(study), paths.metrics_folder("train", study)):
        files.keep_only(folder, settings.run.trained)
    tables = predictions.read_all({name: paths.predictions(study) / f"{name}.csv" for name in settings.run.trained})
    members = {name: tables[name] for name in settings.run.models}
    groups = manifest.groups(paths.manifest(study))
    ensembles = combining.ensembles(members, settings.ensemble.combiners, groups, settings.seed, settings.compute)
    macs = {name: cascading.macs(study, name) for name in settings.run.trained}
    cascades = {name: cascading.cascaded(tables, pair, macs) for name, pair in settings.run.cascaded.items()}

    joined = {name: made.predictions for name, made in ensembles.items()}
    joined |= {name: made.predictions for name, made in cascades.items()}
    paths.ensembles(study).mkdir(parents=True, exist_ok=True)
    files.keep_only(paths.ensembles(study), joined)
    for name, table in joined.items():
        predictions.write(paths.ensembles(study) / f"{name}.csv", table)
    record = {
        **combining.record(ensembles),
        "cascades": {name: made.record() for name, made in cascades.items()},
        "macs": cascading.mean_macs(macs, {name: made.needed for name, made in ensembles.items()}, cascades),
    }
    files.write_json(paths.metrics("ensemble", study), record)
    print(f"{study}: {combining.summary(ensembles)}")


if __name__ == "__main__":
    run_stage(main, "study")
