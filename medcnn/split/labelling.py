"""Class, patient and author's part of every image, from its path or from tables that came with the data."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import PurePosixPath
from posixpath import dirname

import pandas as pd

from medcnn.core import tables
from medcnn.core.arrays import Truths
from medcnn.core.errors import MedcnnError
from medcnn.dataset import truths
from medcnn.dataset.doubts import SHOWN, Doubt
from medcnn.params.labels import Labels
from medcnn.params.splits import AuthorSplit, Split
from medcnn.reading.archive import Archive
from medcnn.split import author, classing, finding, label_tables, patients
from medcnn.split.classing import Classifier
from medcnn.split.label_tables import Contents


@dataclass(frozen=True)
class Listing:
    """What is known of the images before any of them is opened.

    Attributes:
        rows: ``path``, ``label``, ``patient``, ``part`` and ``reason`` of each image, in the order of paths; '' where
            unknown. The part is what a label table says of it, in its own words; the reason, why it has no label.
        doubts: what is doubtful about labels and patients.
    """

    rows: pd.DataFrame
    doubts: tuple[Doubt, ...]


def listed(archive: Archive, labels: Labels, split: Split, where: str) -> Listing:
    """Every image of the raw data that the study does not exclude, in the order of paths.

    By its path an image is of the class whose pattern matches the nearest folder, or else its name, and of the patient
    that the study's regular expression finds. What a label table says of it comes first. An image that a table should
    list and does not has no label, unless ``labels.csv.unlisted`` says that its path decides.

    Args:
        archive: the raw data.
        labels: the patterns for classes and patients, the label tables, the aliases of patients.
        split: the author's parts, if they are taken: a column of a label table that says them is found.
        where: the key path of the study, for messages.

    Raises:
        MedcnnError: there are no images, a pattern or an alias matches nothing, or a table cannot be trusted.
    """
    files = finding.found(archive, labels, where)
    classifier, at = classing.classifier(labels), f"{where}.labels"
    contents = label_tables.read(archive, files.names, labels.csv, classifier.of_text, f"{at}.csv", labels.multi_label)
    rows, column = _rows(files.names, contents), ""
    if isinstance(split, AuthorSplit) and (rows["part"] == "").all():
        column = author.column_of_parts(contents.cells, rows["path"], split)
        rows["part"] = contents.cells[column].str.strip().reindex(rows.index).fillna("") if column else ""
    by_path = ~rows["listed"].to_numpy() & (labels.csv.file is None or labels.csv.unlisted == "by_folder")
    rows["label"] = _labelled_by_path(rows, by_path, classifier)
    rows["patient"] = patients.joined(_patients(rows, labels, at), labels.aliases, at)
    _check_classes(rows, classifier, labels, at)
    doubts = (
        *files.doubts,
        *contents.doubts,
        *_parts_found(rows["part"], column, labels),
        *_without_row(rows["path"][~rows["listed"]], labels),
        *_of_no_class(rows, by_path, classifier),
        *classing.of_two_classes(classifier),
        *classing.from_file_names(classifier, int(by_path.sum())),
        *patients.doubts(rows, labels),
    )
    rows["reason"] = _reasons(rows, by_path, labels)
    return Listing(rows[["path", "label", "patient", "part", "reason"]].astype(tables.TEXT), doubts)


def described(archive: Archive, labels: Labels, where: str) -> pd.DataFrame:
    """What label tables say of every file, by its path; '' for a file that they do not list.

    Raises:
        MedcnnError: a table cannot be read.
    """
    names = finding.found(archive, labels, where).names
    contents = label_tables.read(
        archive, names, labels.csv, lambda value: value, f"{where}.labels.csv", labels.multi_label
    )
    return contents.cells.reindex(range(len(names))).fillna("").set_axis(names)


def _rows(names: list[str], contents: Contents) -> pd.DataFrame:
    """What tables say of each file, and whether they say anything (``listed``)."""
    rows = contents.rows.reindex(range(len(names))).fillna("")
    return rows.assign(path=pd.array(names, tables.TEXT), listed=rows.index.isin(contents.rows.index))


def _labelled_by_path(rows: pd.DataFrame, which: Truths, classifier: Classifier) -> pd.Series[str]:
    """The label of every row, of some of them by the nearest folder that is of a class, or else by the file's name."""
    folders = rows["path"][which].map(dirname)
    found = folders.map({folder: classifier.of_folders(folder) for folder in folders.unique()})
    nowhere = found.index[found == ""]
    found[nowhere] = [classifier.of_file_name(path) for path in rows["path"][nowhere]]
    return rows["label"].mask(which, found.reindex(rows.index))


def _reasons(rows: pd.DataFrame, by_path: Truths, labels: Labels) -> pd.Series[str]:
    """Why a row has no label; '' where it has one."""
    reasons = rows["reason"].mask((rows["reason"] == "") & rows["listed"], "no class: value '" + rows["value"] + "'")
    reasons = reasons.mask(~rows["listed"], f"no class: no row in {labels.csv.file}").mask(by_path, "no class")
    return reasons.mask(rows["label"] != "", "")


def _patients(rows: pd.DataFrame, labels: Labels, where: str) -> pd.Series[str]:
    """The patient of each row: as a table names it, or else by its path.

    Raises:
        MedcnnError: the regular expression finds nothing at all.
    """
    known = rows["patient"]
    if not labels.group:
        return known
    cure = "; fix the regular expression, or leave it empty if no name identifies the patient"
    if labels.csv.group and rows["listed"].any():
        known = patients.found_in(known, labels.group).set_axis(rows.index)
        if (known == "").all():
            raise MedcnnError(
                f"{where}.group: '{labels.group}' matches nothing in column {labels.csv.group} of {labels.csv.file}, "
                f"such as '{rows['patient'][rows['listed']].iloc[0]}'{cure}"
            )
    known = known.mask(known == "", patients.found_in(rows["path"], labels.group).set_axis(rows.index))
    if (known == "").all():
        raise MedcnnError(f"{where}.group: '{labels.group}' matches no path, such as {rows['path'].iloc[0]}{cure}")
    return known


def _check_classes(rows: pd.DataFrame, classifier: Classifier, labels: Labels, where: str) -> None:
    """Refuse a class of which there is no image."""
    present = truths.counted(rows["label"])
    missing = next((name for name in labels.class_names if name not in present), None)
    if missing is None:
        return
    patterns = [pattern for pattern, name in labels.classes.items() if name == missing]
    folders = sorted({dirname(path) or "." for path in rows["path"]})
    values = rows["value"][rows["listed"]]
    texts = [PurePosixPath(folder).name for folder in folders] + list(values.unique())
    taken = classing.taken(classifier, missing)
    place = f"{' or '.join(map(repr, patterns))} matches no folder, file name or value"
    some = patients.some(folders, classing.VALUES)
    found = f"values found: {classing.shown(_counter(values))}" if len(values) else f"folders found: {some}"
    almost = classing.nearly(texts, patterns)
    raise MedcnnError(
        f"{where}.classes: no image is of class '{missing}': {taken or place}; fix the pattern; "
        f"{almost + '; ' if almost else ''}{found}"
    )


def _parts_found(parts: pd.Series[str], column: str, labels: Labels) -> Iterator[Doubt]:
    """The column of label tables that says the author's parts, where the study names none."""
    if column:
        counts = _counter(parts[parts != ""])
        text = (
            f"the author's parts come from column {column} of {labels.csv.file}, as split matches no path: "
            f"{classing.shown(counts)}; labels.csv.split: {column} says so"
        )
        yield Doubt("note", "parts_from_column", text, counts.total())


def _without_row(paths: pd.Series[str], labels: Labels) -> Iterator[Doubt]:
    """Images that a label table does not list."""
    if labels.csv.file is None or paths.empty:
        return
    found = f"{len(paths)} images have no row in {labels.csv.file}, such as {paths.iloc[0]}, and are"
    some = tuple(paths.iloc[:SHOWN])
    if labels.csv.unlisted == "by_folder":
        yield Doubt("note", "images_without_row", f"{found} labelled by their path", len(paths), some)
    else:
        text = f"{found} set aside; add rows, or let labels.csv.unlisted be by_folder"
        yield Doubt("warning", "images_without_row", text, len(paths), some)


def _of_no_class(rows: pd.DataFrame, by_path: Truths, classifier: Classifier) -> Iterator[Doubt]:
    """The folders and the values that are of no class."""
    unlabelled = (rows["label"] == "").to_numpy()
    folders = rows["path"][by_path & unlabelled].map(lambda path: dirname(path) or ".")
    values = rows["value"][(rows["listed"] & (rows["reason"] == "")).to_numpy() & unlabelled]
    for what, texts in (("folder", folders), ("value", values)):
        yield from classing.of_no_class(classifier, _counter(texts), len(rows), what)


def _counter(texts: pd.Series[str]) -> Counter[str]:
    return Counter({str(text): int(count) for text, count in texts.value_counts().items()})
