"""The arguments of ``medcnn search``; importing this loads nothing, so that ``--help`` is instant."""

from __future__ import annotations

import argparse
from typing import Any


def add_to(commands: Any) -> None:
    """Add the command ``search`` to argparse's sub-commands."""
    parser = commands.add_parser(
        "search",
        help="look for a better recipe of one model, without a look at test",
        description="Try other learning rates, weight decays, strengths of augmentation, image sizes and encoders of a "
        "model, each as a DVC experiment that is judged by folds of training and validation alone. Test is read once, "
        "for the best of them. Needs requirements-search.txt. params.yaml is left as it was found.",
    )
    parser.add_argument("study", metavar="STUDY", help="a study of params.yaml")
    parser.add_argument("model", metavar="MODEL", help="a model of params.yaml, which is tried as it is first")
    parser.add_argument("--trials", metavar="N", type=_from(1), default=20, help="changed recipes (default: 20)")
    parser.add_argument(
        "--folds",
        metavar="N",
        type=_from(2),
        default=3,
        help="inner folds, a training each, and one more that is not judged (default: 3)",
    )
    parser.set_defaults(command=_search)


def _from(least: int) -> Any:
    def number(text: str) -> int:
        if not text.isdecimal() or int(text) < least:
            raise argparse.ArgumentTypeError(f"{text!r} is no number from {least} on")
        return int(text)

    return number


def _search(options: argparse.Namespace) -> None:
    from medcnn.searching import searching

    searching.search(options.study, options.model, options.trials, options.folds)
