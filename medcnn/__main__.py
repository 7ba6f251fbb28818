"""The command line: ``python -m medcnn COMMAND``."""

from __future__ import annotations

import argparse

from medcnn import params, studying
from medcnn.console import one_line_errors


def main() -> None:
    """Read the command line and do what it asks; user errors become one line."""
    options = _parser().parse_args()
    with one_line_errors():
        options.command(options)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m medcnn", description="Compare CNNs on medical image sets.")
    commands = parser.add_subparsers(metavar="COMMAND", required=True)
    study = commands.add_parser(
        "study",
        help="run the models that a study published",
        description="Print the flags with which `dvc exp run` runs exactly the models that a study published.",
    )
    study.add_argument("name", metavar="NAME", help="a study of params.yaml")
    study.add_argument("-S", dest="changes", metavar="KEY=VALUE", action="append", default=[], help="a further change")
    study.add_argument("--run", action="store_true", help="run it, on the split as published and on the honest one")
    study.set_defaults(command=_study)
    return parser


def _study(options: argparse.Namespace) -> None:
    if options.run:
        studying.run_both(options.name, options.changes)
        return
    changes = (*studying.assignments(options.name, params.load()), *options.changes)
    print(*studying.flags(changes))


if __name__ == "__main__":
    main()
