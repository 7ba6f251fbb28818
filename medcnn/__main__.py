"""The command line: ``medcnn COMMAND`` where it is installed, ``python -m medcnn COMMAND`` in any checkout."""

from __future__ import annotations

import argparse
import difflib
import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NoReturn

from medcnn.core.errors import BAD_INPUT, FAILED, MedcnnError
from medcnn.demo import arguments as demo
from medcnn.init import arguments as init
from medcnn.predict import arguments
from medcnn.reporting import arguments as reporting
from medcnn.running import arguments as running
from medcnn.runtime.console import one_line_errors
from medcnn.runtime.version import __version__
from medcnn.searching import arguments as searching
from medcnn.showing import arguments as showing
from medcnn.tracking import arguments as tracking

GROUPS = (
    ("Your images", ("init", "check", "run")),
    ("Look at results", ("show", "open", "report", "compare", "leak", "suspects", "checklist", "pseudonyms")),
    ("Use a model", ("predict", "demo")),
    ("The whole pipeline", ("repro", "study", "search", "review", "gate", "log", "doctor", "completion")),
)
"""The commands as ``--help`` lists them."""
COMMENT = Path("review/comment.md")


def main(argv: Sequence[str] | None = None) -> None:
    """Read the command line and do what it asks; user errors become one line."""
    parser = _parser("python -m medcnn" if __name__ == "__main__" else "medcnn")
    options = parser.parse_args(argv)
    if "command" not in options:
        parser.print_help()
        return
    with one_line_errors(), _missing_packages_named():
        options.command(options)


@contextmanager
def _missing_packages_named() -> Iterator[None]:
    """Turn a package that is not installed into one line: ``pip install --no-deps .`` is enough for predict alone."""
    try:
        yield
    except ModuleNotFoundError as error:
        missing = (error.name or "").partition(".")[0]
        if missing in ("", "medcnn", "stages"):
            raise
        raise MedcnnError(
            f"the package {missing} is not installed; requirements-predict.txt lists what `predict` needs, "
            "requirements.txt what everything needs"
        ) from error


def _parser(name: str) -> argparse.ArgumentParser:
    parser = _Parser(
        prog=name,
        usage="%(prog)s [-h] [--version] COMMAND ...",
        description="Compare CNNs on medical image sets.",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"medcnn {__version__}")
    commands = parser.add_subparsers(prog=name, metavar="COMMAND", help=argparse.SUPPRESS)
    init.add_init(commands)
    init.add_check(commands)
    running.add_to(commands)
    showing.add_to(commands)
    reporting.add_to(commands)
    repro = commands.add_parser(
        "repro",
        help="run the whole pipeline, results first and benchmarks last, and say what came out",
        description="Run what `dvc repro` would run: results and page first, then the benchmarks; dvc.lock ends the "
        "same. Independent stages can run side by side.",
    )
    repro.add_argument("targets", metavar="TARGET", nargs="*", help="a stage, or one item of it (default: all)")
    running.add_jobs(repro)
    repro.set_defaults(command=_repro)
    study = commands.add_parser(
        "study",
        help="run the models that a study published",
        description="Print the flags with which `dvc exp run` runs exactly the models that a study published.",
    )
    study.add_argument("name", metavar="NAME", help="a study of params.yaml")
    study.add_argument("-S", dest="changes", metavar="KEY=VALUE", action="append", default=[], help="a further change")
    study.add_argument("--run", action="store_true", help="run it, on the split as published and on the honest one")
    study.set_defaults(command=_study)
    searching.add_to(commands)
    tracking.add_to(commands)
    arguments.add_to(commands)
    demo.add_to(commands)
    review = commands.add_parser(
        "review",
        help="compare the results here with those of a revision, as a Markdown comment",
        description="Write what changed since a revision as a Markdown comment, with its pictures beside it.",
    )
    review.add_argument("--base", metavar="REV", default="main", help="the revision to compare with (default: main)")
    review.add_argument("--output", metavar="FILE", type=Path, default=COMMENT, help=f"default: {COMMENT}")
    review.set_defaults(command=_review)
    gate = commands.add_parser(
        "gate",
        help="hold the results here to evaluate.gate of params.yaml",
        description="Exit with 1 and print one line per broken rule where the chosen models do not hold evaluate.gate.",
    )
    gate.add_argument("--base", metavar="REV", default="main", help="the revision to compare with (default: main)")
    gate.set_defaults(command=_gate)
    completion = commands.add_parser(
        "completion",
        help="a script for your shell that completes commands, studies and models",
        description='Print a completion script: eval "$(medcnn completion bash)" uses it at once, and in bash '
        "`medcnn completion bash > ~/.local/share/bash-completion/completions/medcnn` in every new shell.",
    )
    completion.add_argument("shell", choices=("bash", "zsh", "fish", "tcsh"))
    completion.set_defaults(command=_completion)
    parser.epilog = _grouped({action.dest: action.help or "" for action in commands._get_subactions()})
    return parser


def _grouped(helps: Mapping[str, str]) -> str:
    """The commands under the heading of what one wants."""
    width = max(map(len, helps))
    blocks = [
        "\n".join((f"{title}:", *(f"    {name:<{width}} {helps[name]}" for name in names))) for title, names in GROUPS
    ]
    return "\n\n".join((*blocks, "`COMMAND --help` says more of each."))


class _Parser(argparse.ArgumentParser):
    """Errors are one line, which names the closest of what could have been typed."""

    def error(self, message: str) -> NoReturn:
        """End with the reason."""
        wrong = re.search(r"invalid choice: '([^']*)' \(choose from (.*)\)|unrecognized arguments: (--[\w-]+)", message)
        typed, listed, flag = wrong.groups() if wrong else ("", "", "")
        known = self._flags() if flag else re.findall(r"[\w-]+", listed or "")
        close = difflib.get_close_matches(flag or typed or "", known, 1)
        meant = f" did you mean {close[0]}?" if close else ""
        self.exit(BAD_INPUT, f"error: {message};{meant} `{self.prog} --help` says what it takes\n")

    def _flags(self) -> list[str]:
        """The flags of all commands."""
        commands = [parser for action in self._actions for parser in (getattr(action, "choices", None) or {}).values()]
        return [flag for parser in (self, *commands) for flag in parser._option_string_actions]


# Each command imports what it needs: predict runs where only NumPy, Pillow and ONNX Runtime are installed.


def _repro(options: argparse.Namespace) -> None:
    from medcnn.params import whole
    from medcnn.running import reproducing
    from medcnn.runtime import side_by_side

    # On a cluster the work of a stage is elsewhere, and this machine's CPUs are no measure of it.
    local = whole.load().compute.backend == "local"
    if options.targets:
        side_by_side.run(options.jobs, options.targets, share_cpus=local)
    else:
        reproducing.everything(options.jobs, share_cpus=local)


def _study(options: argparse.Namespace) -> None:
    from medcnn.params import whole
    from medcnn.published import rerun

    if options.run:
        rerun.run_both(options.name, options.changes)
        return
    changes = (*rerun.assignments(options.name, whole.load()), *options.changes)
    print(*rerun.flags(changes))


def _review(options: argparse.Namespace) -> None:
    from medcnn.params import whole
    from medcnn.review import comment

    comment.write(options.base, options.output, whole.load())
    print(f"comment: {options.output}")


def _completion(options: argparse.Namespace) -> None:
    from medcnn.showing import completion

    print(completion.script(_parser("medcnn"), options.shell))


def _gate(options: argparse.Namespace) -> None:
    from medcnn.params import whole
    from medcnn.review import gate

    broken = gate.broken(options.base, whole.load())
    print(*(f"gate: {breach}" for breach in broken) if broken else ("gate: passed",), sep="\n")
    if broken:
        sys.exit(FAILED)


if __name__ == "__main__":
    main()
