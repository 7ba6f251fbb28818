"""Class and patient of every image, from its path or from a CSV that came with the data."""

from __future__ import annotations

import csv
import io
import re
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import PurePosixPath
from posixpath import splitext

from medcnn.core.errors import MedcnnError
from medcnn.params.labels import Csv, Labels
from medcnn.reading.archive import Archive
from medcnn.reading.decode import SUFFIXES
from medcnn.reading.names import matches, printable

Table = Mapping[str, Mapping[str, str]]

_JUNK = {"__MACOSX", "Thumbs.db", "desktop.ini"}
_PACKED = {".7z", ".bz2", ".gz", ".rar", ".tar", ".tgz", ".xz", ".zip"}
_SHOWN = 8


@dataclass(frozen=True)
class Listed:
    """Label ('' where unknown) and patient ('' where unknown) of the image at a path of the raw data."""

    path: str
    label: str
    patient: str


def listed(archive: Archive, labels: Labels, where: str) -> list[Listed]:
    """Every image of the raw data that the study does not exclude, in the order of paths.

    Args:
        archive: the raw data.
        labels: the patterns for classes and patients, the CSV of labels, the aliases of patients.
        where: the key path of the study, for messages.

    Raises:
        MedcnnError: there are no images, a pattern or an alias matches nothing, or the CSV cannot be trusted.
    """
    names = archive.names()
    found = images(names, labels)
    left_out = _left_out(archive, names)
    if not found:
        raise MedcnnError(
            f"{where}: no images among the {len(names)} files of the raw data{left_out}; fix {where}.labels.exclude or "
            f"{where}.source"
        )
    if left_out:
        print(f"{where}.source: {len(found)} images{left_out}", file=sys.stderr)
    table = _table(archive, names, labels.csv, where)
    _check_table(table, names, found, f"{where}.labels.csv: {labels.csv.file}")
    items = [labelled(name, table, labels) for name in found]
    _check_classes(items, labels, f"{where}.labels")
    _check_patients(items, table, labels, f"{where}.labels")
    return _joined(items, labels.aliases, f"{where}.labels")


def described(archive: Archive, labels: Labels, where: str) -> dict[str, Mapping[str, str]]:
    """The CSV's row of every image by its path; an empty one for an image that the CSV does not list.

    Raises:
        MedcnnError: the CSV cannot be read.
    """
    names = archive.names()
    table = _table(archive, names, labels.csv, where)
    return {path: table.get(_entry(path, table) or "", {}) for path in images(names, labels)}


def images(names: Sequence[str], labels: Labels) -> list[str]:
    """The image files among the names: no junk of operating systems, nothing that the study excludes."""
    return [name for name in names if _is_image(name) and not any(matches(name, p) for p in labels.exclude)]


def labelled(name: str, table: Table, labels: Labels) -> Listed:
    """Label and patient by the CSV's row for the image, or by the image's path where no CSV lists it.

    By its path an image is of the class whose pattern matches the nearest folder, and of the patient that the study's
    regular expression finds. An image that a CSV should list and does not has no label, unless ``labels.csv.unlisted``
    says that its folder decides.
    """
    entry = _entry(name, table)
    if entry is not None:
        row = table[entry]
        label = _class(row[labels.csv.label], labels)
        return Listed(name, label, _patient_of_row(row, labels.csv.group, labels.group) or patient(name, labels.group))
    if labels.csv.file and labels.csv.unlisted == "set_aside":
        return Listed(name, "", patient(name, labels.group))
    found = (_class(folder, labels) for folder in reversed(name.split("/")[:-1]))
    return Listed(name, next(filter(None, found), ""), patient(name, labels.group))


def read_table(data: bytes, source: Csv, where: str) -> dict[str, dict[str, str]]:
    """Read the label CSV into a dict by image, as the CSV names it.

    Raises:
        MedcnnError: it is no CSV in UTF-8, lacks a column or a value, or lists an image twice.
    """
    try:
        # Lines may end in any way, that of old Macs included.
        text = io.StringIO(data.decode("utf-8-sig"), newline=None)
        reader = csv.DictReader(text)
        rows = [(reader.line_num, row) for row in reader]
    except UnicodeDecodeError as error:
        raise MedcnnError(f"{where}.labels.csv: {source.file} is not UTF-8; save it as such") from error
    except csv.Error as error:
        raise MedcnnError(f"{where}.labels.csv: {source.file} is not a CSV ({error}); save it as one") from error
    needed = [column for column in (source.image, source.label, source.group) if column]
    columns = reader.fieldnames or ()
    missing = [column for column in needed if column not in columns]
    if missing:
        raise MedcnnError(
            f"{where}.labels.csv: {source.file} has no column '{missing[0]}'; it has {', '.join(columns)}"
        )
    table: dict[str, dict[str, str]] = {}
    for line, row in rows:
        if any(row[column] is None for column in needed):
            raise MedcnnError(f"{where}.labels.csv: {source.file}, line {line}: a value is missing")
        values = {column: printable(row[column] or "") for column in columns}
        name = PurePosixPath(values[source.image]).as_posix()
        if name in table:
            raise MedcnnError(f"{where}.labels.csv: {source.file} lists {name} twice; name images by their path")
        table[name] = values
    return table


def patient(text: str, pattern: str | None) -> str:
    """What the pattern's groups matched, joined by '/'; the whole match where it has no groups; '' for no match."""
    match = re.search(pattern, text) if pattern else None
    if match is None:
        return ""
    return "/".join(part for part in match.groups() if part) or match.group()


def _left_out(archive: Archive, names: Sequence[str]) -> str:
    """What of an archive is not looked at and might have been meant to be, for messages; '' where there is nothing."""
    told = [f"{count} {kind}" for kind, count in sorted(archive.left_out.items())]
    inner = [name for name in names if splitext(name)[1].lower() in _PACKED]
    told += [f"{len(inner)} archives inside of it ({_some(inner)})"] if inner else []
    return f"; left out: {', '.join(told)}" if told else ""


def _class(text: str, labels: Labels) -> str:
    return next((label for pattern, label in labels.classes.items() if matches(text, pattern)), "")


def _patient_of_row(row: Mapping[str, str], column: str | None, pattern: str | None) -> str:
    text = row[column] if column else ""
    return patient(text, pattern) if pattern else text


def _entry(name: str, table: Table) -> str | None:
    """How the CSV names the image: by its whole path, by the end of it, or by the file name alone."""
    if not table:
        return None
    parts = name.split("/")
    endings = ("/".join(parts[start:]) for start in range(len(parts)))
    return next((ending for ending in endings if ending in table), None)


def _table(archive: Archive, names: Sequence[str], source: Csv, where: str) -> Table:
    """The rows of the label CSV by image; none where folders name the classes."""
    if source.file is None:
        return {}
    matching = [name for name in names if matches(name, source.file)]
    if len(matching) != 1:
        some = f" ({', '.join(matching[:_SHOWN])})" if matching else ""
        raise MedcnnError(
            f"{where}.labels.csv.file: '{source.file}' matches {len(matching)} files{some}, not one; fix the pattern"
        )
    return read_table(archive.read(matching[0]), source, where)


def _check_table(table: Table, names: Sequence[str], found: Sequence[str], where: str) -> None:
    absent = sorted(set(table) - {_entry(name, table) for name in names})
    if absent:
        raise MedcnnError(
            f"{where} lists {len(absent)} images that the raw data does not hold, the first {absent[0]}; "
            "remove their lines, or fix labels.csv.image or the source"
        )
    bearer: dict[str, str] = {}
    for name in found:
        entry = _entry(name, table)
        if entry is not None and bearer.setdefault(entry, name) != name:
            raise MedcnnError(
                f"{where} lists {entry}, which could be {bearer[entry]} or {name}; name images by their path, or "
                "exclude one"
            )


def _check_classes(items: Sequence[Listed], labels: Labels, where: str) -> None:
    present = {item.label for item in items}
    missing = next((name for name in labels.class_names if name not in present), None)
    if missing:
        patterns = " or ".join(f"'{pattern}'" for pattern, name in labels.classes.items() if name == missing)
        folders = sorted({PurePosixPath(item.path).parent.as_posix() for item in items})
        places = f"folder or value of column {labels.csv.label}" if labels.csv.file else "folder"
        raise MedcnnError(
            f"{where}.classes: no image is of class '{missing}': {patterns} matches no {places}; fix the pattern; "
            f"folders found: {_some(folders)}"
        )


def _check_patients(items: Sequence[Listed], table: Table, labels: Labels, where: str) -> None:
    if not labels.group:
        return
    cure = "; fix the regular expression, or leave it empty if no name identifies the patient"
    if labels.csv.group and table:
        values = [row[labels.csv.group] for row in table.values()]
        if not any(patient(value, labels.group) for value in values):
            column = f"column {labels.csv.group} of {labels.csv.file}"
            raise MedcnnError(f"{where}.group: '{labels.group}' matches nothing in {column}, such as {values[0]}{cure}")
    if not any(item.patient for item in items):
        raise MedcnnError(f"{where}.group: '{labels.group}' matches no path, such as {items[0].path}{cure}")


def _joined(items: Sequence[Listed], aliases: Mapping[str, str], where: str) -> list[Listed]:
    """The images with every alias replaced by the patient whom it stands for."""
    patients = {item.patient for item in items} - {""}
    absent = next((alias for alias in aliases if alias not in patients), None)
    if absent is not None:
        found = _some(sorted(patients)) or "none"
        raise MedcnnError(f"{where}.aliases.{absent}: no image is of patient '{absent}'; patients found: {found}")
    return [replace(item, patient=aliases.get(item.patient, item.patient)) for item in items]


def _some(names: Sequence[str]) -> str:
    return ", ".join(names[:_SHOWN]) + (f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else "")


def _is_image(name: str) -> bool:
    hidden = any(part in _JUNK or part.startswith(".") for part in name.split("/"))
    return not hidden and splitext(name)[1].lower() in SUFFIXES
