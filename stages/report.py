"""Report: one self-contained page over everything that this run measured, and its figures as files."""

import shutil

from medcnn import files, latency, layout, params
from medcnn.console import run_stage
from medcnn.report import facts, page
from medcnn.report.card import card
from medcnn.report.provenance import provenance


def main() -> None:
    settings = params.load()
    shutil.rmtree(layout.REPORT_FIGURES, ignore_errors=True)
    for study in settings.run.studies:
        for folder in layout.by_model(study):
            files.keep_only(folder, settings.run.trained)
        files.keep_only(layout.metrics_folder("stress", study), settings.run.stress)
    chapters = [page.Chapter(facts.gathered(study, settings)) for study in settings.run.studies]
    for chapter in chapters:
        files.write_text(layout.card(chapter.facts.name), card(chapter.facts.name, settings))
        latency.write(chapter.facts.name, chapter.facts.timed)
        for drawing in chapter.drawings:
            files.write_text(layout.REPORT_FIGURES / chapter.facts.name / f"{drawing.name}.svg", drawing.svg)
    files.write_text(layout.REPORT, page.render(chapters, settings, provenance()))
    print(f"report: {layout.REPORT}")


if __name__ == "__main__":
    run_stage(main)
