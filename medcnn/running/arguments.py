"""The arguments of ``medcnn run`` and ``medcnn leak``; importing this loads nothing, so that ``--help`` is instant."""

from __future__ import annotations

import argparse
from typing import Any

from medcnn.running.presets import PRESETS


def add_to(commands: Any) -> None:
    """Add the commands to argparse's sub-commands."""
    parser = commands.add_parser(
        "run",
        help="run the pipeline on one study, and say what came out",
        description="Run the pipeline on one study of params.yaml by `dvc repro`, show each stage, and end with the "
        "answer. params.yaml is left as it was found. The exit code is the pipeline's.",
    )
    parser.add_argument("study", metavar="STUDY", help="a study of params.yaml; `medcnn init` makes one")
    what = parser.add_mutually_exclusive_group()
    what.add_argument(
        "--models",
        metavar="M,...",
        type=_names,
        default=(),
        help="models of params.yaml, chains FIRST_SECOND_chain, fold ensembles MODEL_folds, and distilled from these "
        "MODEL_distilled (default: those of `run`)",
    )
    what.add_argument(
        "--preset",
        choices=PRESETS,
        help="what to train by the time that it may take: quick is logistic regression on frozen features, good "
        "the whole of one network, best several networks over all folds and their ensembles; --dry-run prints the keys",
    )
    parser.add_argument(
        "-S", dest="changes", metavar="KEY=VALUE", action="append", default=[], help="a further change for this run"
    )
    parser.add_argument(
        "--learning-curve",
        action="store_true",
        help="train the cheapest model on ever more of the training patients too, to say whether more data would help",
    )
    parser.add_argument(
        "--live",
        action="store_true",
        help="write the curves of each training to dvclive/ while it runs, for DVCLive (requirements-live.txt)",
    )
    add_jobs(parser)
    parser.add_argument("--dry-run", action="store_true", help="print what would run")
    parser.set_defaults(command=_run)
    leak = commands.add_parser(
        "leak",
        help="what a careless split would have claimed of a study's models",
        description="Train models on a plain random split beside the study's own, and print what the first would have "
        "claimed and what holds. params.yaml is left as it was found.",
    )
    leak.add_argument("study", metavar="STUDY", help="a study of params.yaml")
    leak.add_argument(
        "--models",
        metavar="M,...",
        type=_names,
        default=(),
        help="models of params.yaml (default: those of `run.careless`)",
    )
    leak.set_defaults(command=_leak)


def add_jobs(parser: argparse.ArgumentParser) -> None:
    """Add how many stages run at a time to a command."""
    parser.add_argument("--jobs", metavar="N", type=_positive, default=1, help="stages at a time (default: 1)")


def _positive(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of stages; give 1 or more")
    return int(text)


def _names(text: str) -> tuple[str, ...]:
    names = tuple(dict.fromkeys(name.strip() for name in text.split(",") if name.strip()))
    if not names:
        raise argparse.ArgumentTypeError("give the names of models, such as simple,lite0")
    return names


def _run(options: argparse.Namespace) -> None:
    from medcnn.running import running

    running.run(
        options.study,
        running.Asked(options.models, options.preset, options.learning_curve, options.changes),
        jobs=options.jobs,
        curves=options.live,
        dry=options.dry_run,
    )


def _leak(options: argparse.Namespace) -> None:
    from medcnn.running import running

    running.leak(options.study, options.models)
