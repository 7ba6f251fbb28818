"""The arguments of ``python -m medcnn predict``; importing this loads nothing, so that ``--help`` is instant."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

FORMATS = ("text", "csv", "json", "jsonl", "fhir", "dicom-sr")

_PATHS = """\
PATH is one of
  scan.png             a file: PNG, JPEG, BMP, TIFF, WebP, GIF, PPM, PGM; DICOM (needs pydicom), one row per frame,
                       scan.dcm#3 being the third; NIfTI (needs nibabel), one row per axial slice from the feet up
  folder               every image in it and below, sorted; hidden files and files that are not images are skipped
  'scans/**/*.png'     a pattern: *, ?, [..], and ** for folders at any depth
  set.zip              every image in a zip
  'set.zip!yes/*.jpg'  those of its members that match a pattern, or lie in the folder that is named
  -                    one image, as bytes, from standard input

Exit codes: 0 all images have a prediction, 1 the model cannot be used, 2 the command is wrong or no image is found,
3 some images could not be read; their rows say why.

The text and the probabilities are for research. This is not a medical device.
"""


def add_to(commands: Any) -> None:
    """Add the command ``predict`` to argparse's sub-commands."""
    parser = commands.add_parser(
        "predict",
        help="classify images with an exported model",
        description="Classify images with an exported model. Needs numpy, pillow and onnxruntime, not TensorFlow.",
        epilog=_PATHS,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "model",
        metavar="MODEL",
        type=Path,
        help="a model.onnx or model.int8.onnx of this project, or a study with results here, for its chosen model",
    )
    parser.add_argument("paths", metavar="PATH", nargs="+", help="images, folders, patterns, zips, or -")
    parser.add_argument(
        "--format",
        choices=FORMATS,
        default="text",
        help="text for people; csv with a header; json: one document, the model's facts on top; jsonl: one line per "
        "image; fhir: an R4 bundle; dicom-sr: a structured report (TID 1500) per DICOM file into the folder --output",
    )
    parser.add_argument(
        "--threshold",
        metavar="T",
        dest="thresholds",
        action="append",
        default=[],
        help="the probability from which a class is predicted: 0.3 (the positive one of two), CLASS=0.3 (may be "
        "repeated), or `operating`, the thresholds that validation chose; without it the most probable class is. Of "
        "several that reach theirs the most probable is shown; where none does, the most probable of those without one",
    )
    parser.add_argument("--output", metavar="FILE", type=Path, help="write there instead, the whole file or nothing")
    parser.add_argument(
        "--explain",
        metavar="DIR",
        type=Path,
        help="write one picture per image: where a grey patch lowers its probability (slow: some 170 runs each)",
    )
    parser.add_argument(
        "--pseudonyms",
        metavar="TABLE",
        type=Path,
        help="name images by keyed pseudonyms, and write which is of which path to this CSV, which stays with you",
    )
    parser.add_argument(
        "--threads", metavar="N", type=_positive, default=2, help="threads that decode images (default: 2)"
    )
    parser.add_argument("--batch", metavar="N", type=_positive, default=16, help="images in a run (default: 16)")
    parser.set_defaults(command=_predict)


def _positive(text: str) -> int:
    number = int(text)
    if not 1 <= number <= 1024:
        raise argparse.ArgumentTypeError(f"{number} is not from 1 to 1024")
    return number


def _predict(options: argparse.Namespace) -> None:
    from medcnn.predict import command

    code = command.run(options)
    if code:
        sys.exit(code)
