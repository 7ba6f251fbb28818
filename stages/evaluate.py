"""Evaluate: metrics and plots of every model, chain, ensemble and cascade of a study, from their predictions alone."""

from medcnn import crossval, evaluating, files, layout, params
from medcnn.console import run_stage
from medcnn.evidence import evidence


def main(study: str) -> None:
    settings = params.load()
    settings.study(study)
    for folder in (layout.predictions(study), layout.plots("train", study)):
        files.keep_only(folder, settings.run.trained)
    crossval.keep_only(study, settings.run)
    combined = files.read_json(layout.metrics("ensemble", study))
    tables = evaluating.collected(study, settings, combined)
    known = evidence(study, settings)
    cells = crossval.gathered(study, settings, tables, known.groups, combined["macs"])
    figures = evaluating.judged(tables, cells, known, settings.compute)
    evaluating.record(study, tables, figures, combined, settings.run.trained, known)
    print(f"{study}: {len(tables)} models evaluated; metrics in {layout.metrics_folder('evaluate', study)}")


if __name__ == "__main__":
    run_stage(main, "study")
