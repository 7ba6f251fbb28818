"""Report: one self-contained page over everything that this run measured, its figures as files, and a page to try."""

import shutil

from medcnn import files, latency, layout, params
from medcnn.console import run_stage
from medcnn.report import facts, page, trying
from medcnn.report.card import card
from medcnn.report.provenance import provenance


def main() -> None:
    settings = params.load()
    shutil.rmtree(layout.REPORT_FIGURES, ignore_errors=True)
    chapters = [page.Chapter(facts.gathered(study, settings)) for study in settings.run.studies]
    for chapter in chapters:
        for folder in layout.by_model(chapter.facts.name):
            files.keep_only(folder, chapter.facts.models)
        files.keep_only(layout.metrics_folder("stress", chapter.facts.name), settings.run.stress)
        files.write_text(layout.card(chapter.facts.name), card(chapter.facts.name, settings))
        latency.write(chapter.facts.name, chapter.facts.timed)
        for drawing in chapter.drawings:
            files.write_text(layout.REPORT_FIGURES / chapter.facts.name / f"{drawing.name}.svg", drawing.svg)
    files.write_text(layout.REPORT, page.render(chapters, settings, provenance()))
    files.write_text(layout.TRY, trying.render())
    print(f"report: {layout.REPORT}")


if __name__ == "__main__":
    run_stage(main)
