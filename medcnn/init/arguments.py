"""The arguments of ``medcnn init`` and ``check``; importing this loads nothing, so that ``--help`` is instant."""

from __future__ import annotations

import argparse
from typing import Any

_SOURCE = """\
SOURCE is one of
  /data/skin             a folder of images, with a folder for each class, or with a label table in it
  skin.zip               a zip or tar of such a folder; an .npz of arrays
  labels.csv             a label table (.csv, .tsv, .xlsx, .parquet) in the folder that holds the images
  https://.../skin.zip   an archive behind an address
  kaggle:OWNER/NAME      a Kaggle data set; kaggle:OWNER/NAME@3 is its version 3

Every finding is printed with where it comes from. A flag says what the images do not, or says it better. Questions are
asked on a terminal alone, and only about what nothing in the data says.
"""


def add_init(commands: Any) -> None:
    """Add the command ``init`` to argparse's sub-commands."""
    parser = commands.add_parser(
        "init",
        help="look at an image set and write its study to params.yaml",
        description="Look at an image set, say what is found and what is doubtful, and write its study to params.yaml.",
        epilog=_SOURCE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("source", metavar="SOURCE", help="where the images are")
    parser.add_argument(
        "name", metavar="NAME", nargs="?", default="", help="of the study (default: that of the source)"
    )
    parser.add_argument("--name", metavar="NAME", dest="named", default="", help="the same")
    parser.add_argument("--title", metavar="TEXT", default="", help="what the images show, in a few words")
    labels = parser.add_argument_group("labels")
    labels.add_argument(
        "--classes",
        metavar="PATTERN=CLASS,...",
        type=_pairs,
        default={},
        help="class by pattern of folders, file names or label values",
    )
    labels.add_argument("--csv", metavar="PATTERN", default="", help="the label table, or several of one kind")
    labels.add_argument("--image", metavar="COLUMN", default="", help="its column of image names")
    labels.add_argument("--label", metavar="COLUMN", default="", help="its column of classes")
    labels.add_argument(
        "--columns", metavar="COLUMN,...", type=_list, default=(), help="its columns, one for each class"
    )
    labels.add_argument("--patient", metavar="COLUMN", default="", help="its column of patients")
    labels.add_argument("--positive", metavar="CLASS", default="", help="the class of two that is looked for")
    patients = labels.add_mutually_exclusive_group()
    patients.add_argument("--group", metavar="REGEX", default="", help="its groups, found in a path, name the patient")
    patients.add_argument("--no-patients", action="store_true", help="no patient is known")
    labels.add_argument(
        "--exclude", metavar="PATTERN", action="append", default=[], help="paths to leave out (may be repeated)"
    )
    rest = parser.add_argument_group("split and images")
    rest.add_argument("--split", choices=("author", "stratified"), default="", help="the author's parts, or drawn ones")
    rest.add_argument("--size", metavar="PIXELS", type=int, default=0, help="side of the square images")
    writing = parser.add_argument_group("writing")
    writing.add_argument("--yes", action="store_true", help="ask nothing")
    writing.add_argument("--force", action="store_true", help="replace a study of that name")
    writing.add_argument("--dry-run", action="store_true", help="write nothing")
    _add_format(parser)
    parser.set_defaults(command=_init)


def add_check(commands: Any) -> None:
    """Add the command ``check`` to argparse's sub-commands."""
    parser = commands.add_parser(
        "check",
        help="check params.yaml, or look at the images of a study, before anything runs",
        description="Check every key and value of params.yaml; what is wrong is one line, and exit code 2. With STUDY, "
        "look at its images too and say what `init` would: nothing runs, and no file is left behind.",
    )
    parser.add_argument("study", metavar="STUDY", nargs="?", default="", help="a study of params.yaml")
    _add_format(parser)
    parser.set_defaults(command=_check)


def _add_format(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--format", choices=("text", "json"), default="text", help="lines, or one JSON object")


def _pairs(text: str) -> dict[str, str]:
    """``pattern=class,pattern=class`` as a dict; a name alone is its own class."""
    pairs = [pair.strip().rpartition("=") for pair in text.split(",") if pair.strip()]
    if not pairs:
        raise argparse.ArgumentTypeError("give PATTERN=CLASS,PATTERN=CLASS")
    return {(pattern or name).strip(): name.strip() for pattern, _, name in pairs}


def _list(text: str) -> tuple[str, ...]:
    return tuple(name.strip() for name in text.split(",") if name.strip())


def _init(options: argparse.Namespace) -> None:
    from medcnn.init import command

    command.init(options)


def _check(options: argparse.Namespace) -> None:
    from medcnn.init import command

    command.check(options)
