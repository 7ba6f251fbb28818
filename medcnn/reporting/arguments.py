"""The arguments of the command; importing this loads nothing, so that ``--help`` is instant."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

FORMATS = ("md", "docx")


def add_to(commands: Any) -> None:
    """Add the command to argparse's sub-commands."""
    checklist = commands.add_parser(
        "checklist",
        help="TRIPOD+AI, CLAIM and a data card of a study, filled in as far as is known",
        description="Write the reporting checklists TRIPOD+AI (2024) and CLAIM (2024) and a data card: each item with "
        "its answer and where more stands, or a blank for the authors.",
    )
    checklist.add_argument("study", metavar="STUDY", help="a study with results here")
    checklist.add_argument("--format", choices=FORMATS, default="md", help="Markdown or Word (default: md)")
    checklist.add_argument("--output", metavar="FILE", type=Path, help="default: docs/reporting/STUDY.FORMAT")
    checklist.set_defaults(command=_checklist)


def _checklist(options: argparse.Namespace) -> None:
    from medcnn.reporting import document

    path = options.output or Path("docs", "reporting", f"{options.study}.{options.format}")
    counts = document.write(options.study, document.settings_of(options.study), path, options.format)
    print(
        f"checklist: {path}; {counts.answered} items answered, {counts.partly} in part, {counts.blank} for the authors"
    )
