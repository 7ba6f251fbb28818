"""The checklists as one document, in Markdown or for Word."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from medcnn.core import files, markdown
from medcnn.core.errors import MedcnnError
from medcnn.params import whole
from medcnn.params.shared.loading import load
from medcnn.params.shared.run import Run
from medcnn.report.facts import Facts
from medcnn.report.gathering import gathered
from medcnn.report.settings import Settings
from medcnn.reporting.items import Checklist, Filled, checklists, filled
from medcnn.running import selecting

COLUMNS = ("Item", "Part", "What is asked", "Answer", "Where")
INTRODUCTION = (
    "Numbers are those of the statements; what is asked is paraphrased, so read the statement beside it. Answers are "
    "what the pipeline knows; what only people know is left to the authors."
)
TO_WRITE = "To be written by the authors."
TO_ADD = "To be completed by the authors."


@dataclass(frozen=True)
class Counts:
    """How many items are answered, answered in part, and left to the authors."""

    answered: int
    partly: int
    blank: int


Section = tuple[Checklist, Sequence[Filled]]


def write(study: str, settings: Settings, path: Path, kind: str) -> Counts:
    """Write the checklists of a study.

    Args:
        study: its name.
        settings: the params of its run, see ``settings_of``.
        path: of the document.
        kind: ``md`` or ``docx``, which needs the package python-docx.

    Raises:
        MedcnnError: the study has no results here, or python-docx is not installed.
    """
    facts = gathered(study, settings)
    sections = [(checklist, list(filled(checklist, facts, settings))) for checklist in checklists()]
    if kind == "docx":
        _write_docx(facts, sections, path)
    else:
        files.write_text(path, as_markdown(facts, sections))
    counts = Counter(item.state for _, items in sections for item in items)
    return Counts(counts["answered"], counts["partly"], counts["blank"])


def settings_of(study: str) -> Settings:
    """The params of the run whose results of a study are here, which ``medcnn run`` does not leave in ``params.yaml``.

    Raises:
        ParamsError: there is no such study.
        MedcnnError: it has no results here.
    """
    covered, settings = selecting.measured(study, whole.load()), load(Settings)
    run = settings.run.model_dump()
    for key, value in covered.items():
        *parents, last = key.split(".")[1:]
        (run[parents[0]] if parents else run)[last] = value
    return settings.model_copy(update={"run": Run.model_validate(run)})


def as_markdown(facts: Facts, sections: Sequence[Section]) -> str:
    """The document in Markdown."""
    blocks = [f"# {_title(facts)}\n", f"{INTRODUCTION}\n"]
    for checklist, items in sections:
        blocks += [f"## {checklist.title}\n", f"{checklist.cited}.\n", _table(map(_cells, items))]
    return "\n".join(blocks)


def _table(rows: Iterable[Sequence[str]]) -> str:
    """A table of text, where ``markdown.grid`` is for figures, which stand at the right."""
    lines = (COLUMNS, ["---"] * len(COLUMNS), *rows)
    return "".join(f"| {' | '.join(map(markdown.escaped, line))} |\n" for line in lines)


def _title(facts: Facts) -> str:
    return f"Reporting of {facts.name}: {facts.study.title}"


def _cells(filled: Filled) -> tuple[str, ...]:
    text = {"answered": filled.text, "partly": f"{filled.text} {TO_ADD}", "blank": TO_WRITE}[filled.state]
    return str(filled.item.number), filled.item.part, filled.item.title, text, filled.place


def _write_docx(facts: Facts, sections: Sequence[Section], path: Path) -> None:
    try:
        from docx import Document
    except ModuleNotFoundError as error:
        raise MedcnnError("--format docx needs the package python-docx: pip install python-docx") from error
    document = Document()
    document.add_heading(_title(facts), 0)
    document.add_paragraph(INTRODUCTION)
    for checklist, items in sections:
        document.add_heading(checklist.title, 1)
        document.add_paragraph(f"{checklist.cited}.")
        rows = [COLUMNS, *map(_cells, items)]
        table = document.add_table(len(rows), len(COLUMNS), style="Table Grid")
        for row, texts in zip(table.rows, rows, strict=True):
            for cell, text in zip(row.cells, texts, strict=True):
                cell.text = text
    path.parent.mkdir(parents=True, exist_ok=True)
    document.save(str(path))
