"""Report: one self-contained page over everything that this run measured, its figures as files, and a page to try."""

import shutil

from medcnn.core import files
from medcnn.params.shared.loading import load
from medcnn.report import gathering, latency, page, trying
from medcnn.report.model_card import card
from medcnn.report.provenance import provenance
from medcnn.report.settings import Settings
from medcnn.runtime import paths
from stages import run_stage


def main() -> None:
    settings = load(Settings)
    shutil.rmtree(paths.REPORT_FIGURES, ignore_errors=True)
    chapters = [page.Chapter(gathering.gathered(study, settings)) for study in settings.run.studies]
    for chapter in chapters:
        for folder in paths.by_model(chapter.facts.name):
            files.keep_only(folder, chapter.facts.models)
        files.keep_only(paths.metrics_folder("careless", chapter.facts.name), settings.run.models)
        files.keep_only(paths.metrics_folder("learning_curve", chapter.facts.name), settings.run.learning_curve)
        files.keep_only(paths.metrics_folder("stress", chapter.facts.name), settings.run.stress)
        files.keep_only(paths.metrics_folder("external", chapter.facts.name), settings.run.external)
        files.write_text(paths.card(chapter.facts.name), card(chapter.facts.name, settings))
        files.write_json(paths.checklist(chapter.facts.name), [check.model_dump() for check in chapter.checks])
        latency.write(chapter.facts.name, chapter.facts.timed, chapter.facts.passed_on)
        for drawing in chapter.drawings:
            files.write_text(paths.REPORT_FIGURES / chapter.facts.name / f"{drawing.name}.svg", drawing.svg)
    files.write_text(paths.REPORT, page.render(chapters, settings, provenance(settings.run.studies)))
    files.write_text(paths.TRY, trying.render())
    print(f"report: {paths.REPORT}")


if __name__ == "__main__":
    run_stage(main)
