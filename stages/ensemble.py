"""Ensemble: join the trained models' predictions, with weights fitted on validation."""

from medcnn import combining, files, layout, params, predictions
from medcnn.console import run_stage


def main(study: str) -> None:
    settings = params.load()
    files.keep_only(layout.predictions(study), settings.run.trained)
    members = predictions.read_all(layout.predictions(study), settings.run.models)
    chosen = {combiner: combining.weights(combiner, members) for combiner in settings.ensemble.combiners}
    for combiner, shares in chosen.items():
        joined = combining.combined(members, shares)
        predictions.write(layout.ensembles(study) / f"{combiner}.csv", joined)
    files.write_json(layout.metrics("ensemble", study), {name: {"weights": shares} for name, shares in chosen.items()})


if __name__ == "__main__":
    run_stage(main, "study")
