from __future__ import annotations

import pytest

from medcnn import labelling
from medcnn.console import MedcnnError
from medcnn.params import Labels, Params, Study

XRAY = [
    ("chest_xray/train/PNEUMONIA/person1_bacteria_1.jpeg", "person1"),
    ("chest_xray/val/PNEUMONIA/person1_virus_6.jpeg", "person1"),
    ("chest_xray/test/PNEUMONIA/person1_virus_6.jpeg", "test/person1"),
    ("chest_xray/train/NORMAL/IM-0115-0001.jpeg", "IM-0115"),
    ("chest_xray/test/NORMAL/NORMAL2-IM-0376-0001.jpeg", "test/NORMAL2-IM-0376"),
]


@pytest.mark.parametrize(("path", "patient"), XRAY)
def test_chest_xray_patients_come_from_file_names_with_test_numbered_apart(
    settings: Params, path: str, patient: str
) -> None:
    assert labelling.from_path(path, settings.study("chest_xray")).patient == patient


def test_junk_second_copies_and_other_files_are_left_out(settings: Params) -> None:
    names = [
        "yes/Y1.JPG", "no/1 no.jpeg", "brain_tumor_dataset/yes/Y1.JPG", "__MACOSX/yes/._Y1.JPG", "yes/.hidden.png",
        "yes/Thumbs.db", "readme.txt", ".git/a.png",
    ]  # fmt: skip
    assert labelling.images(names, settings.study("brain_mri")) == ["yes/Y1.JPG", "no/1 no.jpeg"]


def test_the_nearest_folder_that_a_pattern_matches_gives_the_class(settings: Params) -> None:
    study = settings.study("brain_mri").model_copy(update={"classes": {"aden*": "adeno", "normal": "normal"}})
    assert labelling.from_path("Data/train/adenocarcinoma_left.lower_T2/x.png", study).label == "adeno"
    assert labelling.from_path("normal/adeno/x.png", study).label == "adeno"
    assert labelling.from_path("normal/other/x.png", study).label == "normal"
    assert labelling.from_path("else/x.png", study).label == ""


def csv_study(settings: Params) -> tuple[Labels, Study]:
    labels = Labels(csv="*labels.csv", image="new_names", label="labels", group="Patient_ID")
    return labels, settings.study("brain_mri").model_copy(
        update={"labels": labels, "classes": {"1": "all", "0": "hem"}}
    )


def test_class_and_patient_come_from_a_csv_where_there_is_one(settings: Params) -> None:
    labels, study = csv_study(settings)
    table = labelling.read_table(b"\xef\xbb\xbfPatient_ID,new_names,labels\nUID_57,1.bmp,1\n", labels, "studies.x")
    assert labelling.from_csv("a/b/1.bmp", table, labels, study) == labelling.Listed("a/b/1.bmp", "all", "UID_57")
    assert labelling.from_csv("a/b/2.bmp", table, labels, study).label == ""


def test_a_csv_without_the_column_says_which_it_has(settings: Params) -> None:
    labels, _ = csv_study(settings)
    with pytest.raises(MedcnnError, match=r"studies\.x\.labels: .* no column 'labels'; it has Patient_ID, new_names"):
        labelling.read_table(b"Patient_ID,new_names\n1,2\n", labels, "studies.x")


def test_a_csv_with_paths_tells_images_of_one_name_apart(settings: Params) -> None:
    labels, study = csv_study(settings)
    data = b"Patient_ID,new_names,labels\nA,train/1.bmp,1\nB,test/1.bmp,0\n"
    table = labelling.read_table(data, labels, "studies.x")
    assert labelling.from_csv("set/train/1.bmp", table, labels, study).label == "all"
    assert labelling.from_csv("set/test/1.bmp", table, labels, study).patient == "B"


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"Patient_ID,new_names,labels\nA,1.bmp,1\nB,1.bmp,0\n", r"lists 1\.bmp twice"),
        (b"Patient_ID,new_names,labels\nA,1.bmp\n", "line 2: a value is missing"),
        (b"\xff\xfe\x00", "is not UTF-8"),
    ],
)
def test_a_csv_that_cannot_be_trusted_is_refused(settings: Params, data: bytes, message: str) -> None:
    labels, _ = csv_study(settings)
    with pytest.raises(MedcnnError, match=message):
        labelling.read_table(data, labels, "studies.x")
