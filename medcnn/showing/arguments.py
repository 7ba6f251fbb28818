"""The arguments of the commands that look at results; importing this loads nothing, so that ``--help`` is instant."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

from medcnn.core.errors import FAILED


def add_to(commands: Any) -> None:
    """Add the commands to argparse's sub-commands."""
    show = commands.add_parser(
        "show",
        help="the models of a study, one row per model",
        description="Print the figures on test of every model of a study, the chosen one first.",
    )
    show.add_argument("study", metavar="STUDY", nargs="?", help="a study with results here (default: those of `run`)")
    show.set_defaults(command=_show)
    compare = commands.add_parser(
        "compare",
        help="the figures that moved between two revisions or experiments",
        description="Print the figures on test that moved, and what paired tests say of the chosen models.",
    )
    compare.add_argument("before", metavar="A", help="a commit, branch or experiment")
    compare.add_argument("after", metavar="B", nargs="?", help="another one (default: the results here)")
    compare.set_defaults(command=_compare)
    suspects = commands.add_parser(
        "suspects",
        help="the labels that are probably wrong, the most suspect first",
        description="Print the labels that networks which did not see the image contradict with confidence.",
    )
    suspects.add_argument("study", metavar="STUDY", help="a study with results here")
    suspects.add_argument(
        "--csv", metavar="FILE", type=Path, help="write the whole list too, with a column to fill in the right labels"
    )
    suspects.set_defaults(command=_suspects)
    pseudonyms = commands.add_parser(
        "pseudonyms",
        help="the names behind the pseudonyms of a page that was handed on",
        description="Say which file or patient a pseudonym stands for, by the key in .medcnn/ of this project.",
    )
    pseudonyms.add_argument("study", metavar="STUDY", help="a study with results here")
    pseudonyms.add_argument("wanted", metavar="PSEUDONYM", nargs="*", help="such as file-3f9c2a71b04e")
    pseudonyms.add_argument("--csv", metavar="FILE", type=Path, help="write all of them")
    pseudonyms.set_defaults(command=_pseudonyms)
    opened = commands.add_parser(
        "open", help="open the page in the browser", description="Open the page of the last run."
    )
    opened.set_defaults(command=_open)
    report = commands.add_parser(
        "report",
        help="draw the page again from the results here, and say where it is",
        description="Draw the page of the last results again, as after an update of medcnn; nothing is trained.",
    )
    report.add_argument("study", metavar="STUDY", nargs="?", help="a study with results here (default: those of `run`)")
    report.set_defaults(command=_report)
    doctor = commands.add_parser(
        "doctor",
        help="what this machine and folder have, and what to do about the rest",
        description="Look at Python, disk, memory, tokens and the project; exits with 1 where a run would fail.",
    )
    doctor.set_defaults(command=_doctor)


def _show(options: argparse.Namespace) -> None:
    from medcnn.showing import models

    print(*models.shown(options.study), sep="\n")


def _compare(options: argparse.Namespace) -> None:
    from medcnn.params import whole
    from medcnn.showing import comparing

    print(*comparing.compared(options.before, options.after, whole.load()), sep="\n")


def _suspects(options: argparse.Namespace) -> None:
    from medcnn.showing import suspected

    print(*suspected.lines(options.study, options.csv), sep="\n")


def _pseudonyms(options: argparse.Namespace) -> None:
    from medcnn.showing import pseudonymous

    print(*pseudonymous.lines(options.study, options.wanted, options.csv), sep="\n")


def _report(options: argparse.Namespace) -> None:
    from medcnn.running import running

    running.report(options.study)


def _open(_: argparse.Namespace) -> None:
    from medcnn.showing import page

    page.opened()


def _doctor(_: argparse.Namespace) -> None:
    from medcnn.showing import doctor

    found = doctor.findings()
    print(*found, sep="\n")
    if any(finding.fails for finding in found):
        sys.exit(FAILED)
