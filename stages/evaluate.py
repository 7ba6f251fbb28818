"""Evaluate: metrics and plots of every model, chain and ensemble of a study, from their predictions alone."""

from medcnn import evaluating, files, layout, params
from medcnn.console import run_stage


def main(study: str) -> None:
    settings = params.load()
    settings.study(study)
    files.keep_only(layout.predictions(study), settings.run.trained)
    tables = evaluating.collected(study, settings)
    evaluating.record(study, tables)
    print(f"{study}: {len(tables)} models evaluated; metrics in {layout.metrics_folder('evaluate', study)}")


if __name__ == "__main__":
    run_stage(main, "study")
