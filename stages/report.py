"""Report: one self-contained page over everything that this run measured, and its figures as files."""

import shutil

from medcnn import files, layout, params
from medcnn.console import run_stage
from medcnn.report import facts, figures, page


def main() -> None:
    settings = params.load()
    shutil.rmtree(layout.REPORT_FIGURES, ignore_errors=True)
    for study in settings.run.studies:
        for folder in layout.by_model(study):
            files.keep_only(folder, settings.run.trained)
    chapters = [chapter(facts.gathered(study, settings)) for study in settings.run.studies]
    for drawn in chapters:
        for drawing in drawn.drawings:
            files.write_text(layout.REPORT_FIGURES / drawn.facts.name / f"{drawing.name}.svg", drawing.svg)
    files.write_text(layout.REPORT, page.render(chapters, settings.seed))
    print(f"report: {layout.REPORT}")


def chapter(known: facts.Facts) -> page.Chapter:
    return page.Chapter(
        facts=known,
        learning=tuple(figures.learning_curves(known)),
        confusions=tuple(figures.confusions(known)),
        rocs=tuple(figures.roc_curves(known)),
    )


if __name__ == "__main__":
    run_stage(main)
