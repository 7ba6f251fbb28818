"""Class and patient of an image, from its path or from a CSV that came with the data."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import PurePosixPath

from medcnn.console import MedcnnError
from medcnn.images.decode import SUFFIXES
from medcnn.params import Labels, Study

_JUNK = {"__MACOSX", "Thumbs.db", "desktop.ini"}


@dataclass(frozen=True)
class Listed:
    """Label ('' where unknown) and patient ('' where unknown) of the image at a path of the raw data."""

    path: str
    label: str
    patient: str


def images(names: list[str], study: Study) -> list[str]:
    """The image files among the names: no junk of operating systems, nothing that the study excludes."""
    return [name for name in names if _is_image(name) and not any(fnmatchcase(name, p) for p in study.exclude)]


def from_path(name: str, study: Study) -> Listed:
    """Label by the nearest folder that a class pattern matches, patient by the study's regular expression."""
    folders = reversed(PurePosixPath(name).parts[:-1])
    labels = (label for folder in folders for pattern, label in study.classes.items() if fnmatchcase(folder, pattern))
    return Listed(name, next(labels, ""), patient(name, study.group))


def from_csv(name: str, table: Mapping[str, Mapping[str, str]], labels: Labels, study: Study) -> Listed:
    """Label and patient by the CSV's row for the image's file name; images without a row stay unlabelled."""
    # The CSV may name images by their whole path, by the end of it, or by the file name alone.
    parts = PurePosixPath(name).parts
    endings = ("/".join(parts[start:]) for start in range(len(parts)))
    row = next((table[ending] for ending in endings if ending in table), None)
    if row is None:
        return Listed(name, "", patient(name, study.group))
    value = row[labels.label]
    label = next((label for pattern, label in study.classes.items() if fnmatchcase(value, pattern)), "")
    return Listed(name, label, row[labels.group] if labels.group else patient(name, study.group))


def read_table(data: bytes, labels: Labels, where: str) -> dict[str, dict[str, str]]:
    """Read the label CSV into a dict by image, as the CSV names it.

    Raises:
        MedcnnError: it is no CSV in UTF-8, lacks a column or a value, or lists an image twice.
    """
    try:
        reader = csv.DictReader(io.StringIO(data.decode("utf-8-sig")))
    except UnicodeDecodeError as error:
        raise MedcnnError(f"{where}.labels: {labels.csv} is not UTF-8; save it as such") from error
    needed = [column for column in (labels.image, labels.label, labels.group) if column]
    missing = [column for column in needed if column not in (reader.fieldnames or ())]
    if missing:
        raise MedcnnError(
            f"{where}.labels: {labels.csv} has no column '{missing[0]}'; it has {', '.join(reader.fieldnames or ())}"
        )
    table: dict[str, dict[str, str]] = {}
    for row in reader:
        if any(row[column] is None for column in needed):
            raise MedcnnError(f"{where}.labels: {labels.csv}, line {reader.line_num}: a value is missing")
        name = PurePosixPath(row[labels.image]).as_posix()
        if name in table:
            raise MedcnnError(f"{where}.labels: {labels.csv} lists {name} twice; name images by their path")
        table[name] = row
    return table


def patient(text: str, pattern: str | None) -> str:
    """What the pattern's groups matched, joined by '/'; the whole match where it has no groups; '' for no match."""
    match = re.search(pattern, text) if pattern else None
    if match is None:
        return ""
    return "/".join(part for part in match.groups() if part) or match.group()


def _is_image(name: str) -> bool:
    path = PurePosixPath(name)
    hidden = any(part in _JUNK or part.startswith(".") for part in path.parts)
    return not hidden and path.suffix.lower() in SUFFIXES
