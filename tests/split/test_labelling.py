from __future__ import annotations

import unicodedata
from pathlib import Path
from typing import NamedTuple

import pandas as pd
import pytest

from medcnn.core.errors import MedcnnError
from medcnn.params.labels import Csv, Labels
from medcnn.params.whole import Params
from medcnn.reading.archive import open_archive
from medcnn.split import labelling
from medcnn.split.labelling import NOTHING
from tests.conftest import zipped

XRAY = [
    ("chest_xray/train/PNEUMONIA/person1_bacteria_1.jpeg", "person1"),
    ("chest_xray/val/PNEUMONIA/person1_virus_6.jpeg", "person1"),
    ("chest_xray/test/PNEUMONIA/person1_virus_6.jpeg", "test/person1"),
    ("chest_xray/train/NORMAL/IM-0115-0001.jpeg", "IM-0115"),
    ("chest_xray/test/NORMAL/NORMAL2-IM-0376-0001.jpeg", "test/NORMAL2-IM-0376"),
]


class Listed(NamedTuple):
    path: str
    label: str
    patient: str


def labelled(path: str, table: pd.DataFrame, labels: Labels) -> Listed:
    (found,) = labelling.labelled([path], table, labels).itertuples(index=False)
    return Listed(*found)


@pytest.mark.parametrize(("path", "patient"), XRAY)
def test_chest_xray_patients_come_from_file_names_with_test_numbered_apart(
    settings: Params, path: str, patient: str
) -> None:
    assert labelled(path, NOTHING, settings.study("chest_xray").labels).patient == patient


def test_the_nearest_folder_that_a_pattern_matches_gives_the_class(settings: Params) -> None:
    labels = settings.study("brain_mri").labels.model_copy(update={"classes": {"aden*": "adeno", "normal": "normal"}})
    assert labelled("Data/train/adenocarcinoma_left.lower_T2/x.png", NOTHING, labels).label == "adeno"
    assert labelled("normal/adeno/x.png", NOTHING, labels).label == "adeno"
    assert labelled("normal/other/x.png", NOTHING, labels).label == "normal"
    assert labelled("else/x.png", NOTHING, labels).label == ""


def csv_labels(settings: Params, **changes: object) -> Labels:
    source = Csv(file="*labels.csv", image="new_names", label="labels", group="Patient_ID", **changes)
    classes = {"1": "all", "0": "hem", "yes": "all"}
    return settings.study("brain_mri").labels.model_copy(update={"csv": source, "classes": classes})


def test_class_and_patient_come_from_a_csv_where_there_is_one(settings: Params) -> None:
    labels = csv_labels(settings)
    table = labelling.read_table(b"\xef\xbb\xbfPatient_ID,new_names,labels\nUID_57,1.bmp,1\n", labels.csv, "studies.x")
    assert labelled("yes/b/1.bmp", table, labels) == ("yes/b/1.bmp", "all", "UID_57")
    assert labelled("yes/b/2.bmp", table, labels).label == ""


def test_an_image_that_the_csv_does_not_list_may_be_labelled_by_its_folder(settings: Params) -> None:
    labels = csv_labels(settings, unlisted="by_folder")
    labels = labels.model_copy(update={"group": r"(UID_H?\d+)_"})
    table = labelling.read_table(b"Patient_ID,new_names,labels\nUID_57_29_1_all.bmp,1.bmp,0\n", labels.csv, "studies.x")
    assert labelled("yes/1.bmp", table, labels) == ("yes/1.bmp", "hem", "UID_57")
    path = "yes/UID_H10_2_1_hem.bmp"
    assert labelled(path, table, labels) == (path, "all", "UID_H10")


def test_a_csv_without_the_column_says_which_it_has(settings: Params) -> None:
    labels = csv_labels(settings)
    with pytest.raises(MedcnnError, match=r"studies\.x\.labels\.csv: .* no column 'labels'; it has Patient_ID"):
        labelling.read_table(b"Patient_ID,new_names\n1,2\n", labels.csv, "studies.x")


def test_a_csv_with_paths_tells_images_of_one_name_apart(settings: Params) -> None:
    labels = csv_labels(settings)
    data = b"Patient_ID,new_names,labels\nA,train/1.bmp,1\nB,test/1.bmp,0\n"
    table = labelling.read_table(data, labels.csv, "studies.x")
    assert labelled("set/train/1.bmp", table, labels).label == "all"
    assert labelled("set/test/1.bmp", table, labels).patient == "B"


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"Patient_ID,new_names,labels\nA,1.bmp,1\nB,1.bmp,0\n", r"lists 1\.bmp twice"),
        (b"Patient_ID,new_names,labels\nA,1.bmp\n", "line 2: 2 values"),
        (b"Patient_ID,new_names,labels\nA,1.bmp,1\n\nB,2.bmp,1,surplus\n", "line 4: 4 values"),
        (b"Patient_ID,new_names,labels\nA,1.bmp,1,surplus\nB,2.bmp,1,surplus\n", "line 2: 4 values"),
        (b'Patient_ID,new_names,labels\nA,1.bmp,"1\n2"\nB\n', "line 4: 1 values"),
        (b"Patient_ID,new_names,labels,labels\nA,1.bmp,1,1\n", "Patient_ID, new_names, labels, labels"),
        (b"Patient_ID,new_names,labels\nA,1.bmp,\xff\n", "line 2: .*UTF-8"),
        (b"\xff\xfe\x00", "UTF-8"),
        (b"", "labels.csv is not a CSV"),
    ],
)
def test_a_csv_that_cannot_be_trusted_is_refused(settings: Params, data: bytes, message: str) -> None:
    labels = csv_labels(settings)
    with pytest.raises(MedcnnError, match=message):
        labelling.read_table(data, labels.csv, "studies.x")


ROWS = b"Patient_ID,new_names,labels\nP1,1.bmp,1\nP2,2.bmp,0\nP3,3.bmp,0\n"


def listed(folder: Path, labels: Labels, names: tuple[str, ...], rows: bytes = ROWS) -> pd.DataFrame:
    members = {"labels.csv": rows, **dict.fromkeys(names, b"")}
    with open_archive(zipped(folder / "raw.zip", members)) as archive:
        return labelling.listed(archive, labels, "studies.x").rows


def test_an_alias_joins_two_numbers_of_one_patient(tmp_path: Path, settings: Params) -> None:
    labels = csv_labels(settings)
    found = listed(tmp_path, labels.model_copy(update={"aliases": {"P3": "P1"}}), ("1.bmp", "2.bmp", "3.bmp"))
    assert found["patient"].tolist() == ["P1", "P2", "P1"]


@pytest.mark.parametrize(
    ("changes", "names", "message"),
    [
        (
            {"aliases": {"P9": "P1"}},
            ("1.bmp", "2.bmp", "3.bmp"),
            r"studies\.x\.labels\.aliases\.P9: no image is of patient 'P9'; patients found: P1, P2, P3",
        ),
        ({}, ("2.bmp", "a.bmp"), r"studies\.x\.labels\.csv: \*labels\.csv lists 2 images .* the first 1\.bmp; remove"),
        ({}, ("a/1.bmp", "b/1.bmp", "2.bmp", "3.bmp"), r"lists 1\.bmp, which could be a/1\.bmp or b/1\.bmp; name"),
        (
            {"group": r"(UID_\d+)"},
            ("1.bmp", "2.bmp", "3.bmp"),
            r"studies\.x\.labels\.group: '\(UID_\\d\+\)' matches nothing in column Patient_ID .* such as P1",
        ),
        (
            {"classes": {"1": "all", "x*": "hem"}},
            ("1.bmp", "2.bmp", "3.bmp"),
            r"studies\.x\.labels\.classes: no image is of class 'hem': 'x\*' .* folder or value of column labels",
        ),
        ({"exclude": ("*.bmp",)}, ("1.bmp", "2.bmp", "3.bmp"), r"studies\.x: no images among the 4 files .*\.exclude"),
    ],
)
def test_what_matches_nothing_or_too_much_is_one_line(
    tmp_path: Path, settings: Params, changes: dict[str, object], names: tuple[str, ...], message: str
) -> None:
    labels = csv_labels(settings)
    with pytest.raises(MedcnnError, match=message) as caught:
        listed(tmp_path, labels.model_copy(update=changes), names)
    assert "\n" not in str(caught.value)


def test_an_image_that_the_csv_lists_may_be_excluded(tmp_path: Path, settings: Params) -> None:
    labels = csv_labels(settings)
    found = listed(tmp_path, labels.model_copy(update={"exclude": ("3.*",)}), ("1.bmp", "2.bmp", "3.bmp"))
    assert found["path"].tolist() == ["1.bmp", "2.bmp"]


@pytest.mark.parametrize("form", ["NFC", "NFD"])
def test_a_pattern_matches_a_folder_however_its_accents_are_encoded(settings: Params, form: str) -> None:
    spelt = unicodedata.normalize(form, "gu\N{LATIN SMALL LETTER E WITH ACUTE}ri")
    labels = settings.study("brain_mri").labels.model_copy(
        update={"classes": {"gu\N{LATIN SMALL LETTER E WITH ACUTE}ri": "well"}}
    )
    assert labelled(f"{spelt}/1.png", NOTHING, labels).label == "well"


def test_a_csv_of_an_old_mac_is_read_and_what_breaks_lines_is_spelled_out(settings: Params) -> None:
    labels = csv_labels(settings)
    table = labelling.read_table(ROWS.replace(b"\n", b"\r") + b"P\x0b5,5\x1b.bmp,1\r", labels.csv, "studies.x")
    assert table.index[-1] == "5\\x1b.bmp"
    assert len(table) == len(ROWS.splitlines())


def test_words_and_numbers_are_read_as_they_are_written(settings: Params) -> None:
    rows = b"Patient_ID,new_names,labels,,\nNA,nan,007,,\n,null,1.0,,x\n"
    table = labelling.read_table(rows, csv_labels(settings).csv, "studies.x")
    assert table.to_dict("list") == {"Patient_ID": ["NA", ""], "new_names": ["nan", "null"], "labels": ["007", "1.0"]}


def test_a_quote_that_does_not_end_is_one_line(settings: Params) -> None:
    labels = csv_labels(settings)
    with pytest.raises(MedcnnError, match=r"^studies\.x\.labels\.csv: [^\n]*$"):
        labelling.read_table(ROWS + b'"' + b"x" * 2_000_000, labels.csv, "studies.x")
