from __future__ import annotations

import unicodedata
from pathlib import Path

import pandas as pd
import pytest

from medcnn.core.errors import MedcnnError
from medcnn.params.labels import Csv, Labels
from medcnn.params.splits import StratifiedSplit
from medcnn.params.whole import Params
from medcnn.reading.archive import open_archive
from medcnn.split import labelling
from medcnn.split.labelling import Listing
from tests.conftest import zipped

XRAY = [
    ("chest_xray/train/PNEUMONIA/person1_bacteria_1.jpeg", "person1"),
    ("chest_xray/val/PNEUMONIA/person1_virus_6.jpeg", "person1"),
    ("chest_xray/test/PNEUMONIA/person1_virus_6.jpeg", "test/person1"),
    ("chest_xray/train/NORMAL/IM-0115-0001.jpeg", "IM-0115"),
    ("chest_xray/test/NORMAL/NORMAL2-IM-0376-0001.jpeg", "test/NORMAL2-IM-0376"),
]
ROWS = "Patient_ID,new_names,labels\nP1,1.bmp,1\nP2,2.bmp,0\nP3,3.bmp,0\n"
IMAGES = ("1.bmp", "2.bmp", "3.bmp")


def looked_at(folder: Path, how: Labels, names: tuple[str, ...], **tables: str | bytes) -> Listing:
    """What is listed of empty images and of tables; `labels` is the table labels.csv, `a__b` is a/b.csv."""
    files = {f"{name.replace('__', '/')}.csv": text for name, text in tables.items()}
    members = {name: text.encode() if isinstance(text, str) else text for name, text in files.items()}
    with open_archive(zipped(folder / "raw.zip", members | dict.fromkeys(names, b""))) as archive:
        return labelling.listed(archive, how, StratifiedSplit(), "studies.x")


def listed(folder: Path, labels: Labels, names: tuple[str, ...], rows: str | bytes = ROWS) -> pd.DataFrame:
    return looked_at(folder, labels, names, labels=rows).rows


def doubted(listing: Listing) -> dict[str, int]:
    return {doubt.kind: doubt.count for doubt in listing.doubts}


def folders(**classes: str) -> Labels:
    return Labels(classes=classes)


def csv_labels(classes: dict[str, str] | None = None, **changes: object) -> Labels:
    source = {"file": "*labels.csv", "image": "new_names", "label": "labels", "group": "Patient_ID"}
    return Labels(csv=Csv(**source | changes), classes=classes or {"1": "all", "0": "hem", "yes": "all"})


def test_chest_xray_patients_come_from_file_names_with_test_numbered_apart(tmp_path: Path, settings: Params) -> None:
    rows = listed(tmp_path, settings.study("chest_xray").labels, tuple(path for path, _ in XRAY))
    assert dict(zip(rows["path"], rows["patient"], strict=True)) == dict(XRAY)


def test_the_nearest_folder_that_a_pattern_matches_gives_the_class(tmp_path: Path) -> None:
    labels = Labels(classes={"aden*": "adeno", "normal": "normal"})
    names = ("Data/adenocarcinoma_left.lower_T2/x.png", "normal/adeno/x.png", "normal/other/x.png", "else/x.png")
    rows = listed(tmp_path, labels, names).set_index("path")
    assert rows["label"].loc[list(names)].tolist() == ["adeno", "adeno", "normal", ""]
    assert rows["reason"].loc[list(names)].tolist() == ["", "", "", "no class"]


def test_a_file_name_gives_the_class_where_no_folder_does(tmp_path: Path) -> None:
    names = ("CXR/a_0.png", "CXR/b_1.png", "CXR/Covid.png", "ill/c_0.png")
    labels = Labels(classes={"*_0.png": "well", "*_1": "ill", "Covid": "ill", "ill": "ill"})
    listing = looked_at(tmp_path, labels, names)
    assert listing.rows["label"].tolist() == ["ill", "well", "ill", "ill"]
    assert doubted(listing)["classes_from_file_names"] == 3


def test_class_and_patient_come_from_a_table_where_there_is_one(tmp_path: Path) -> None:
    listing = looked_at(tmp_path, csv_labels(), ("yes/b/1.bmp", "yes/b/9.bmp", "2.bmp", "3.bmp"), labels=ROWS)
    rows = listing.rows.set_index("path")
    assert rows.loc["yes/b/1.bmp", ["label", "patient"]].tolist() == ["all", "P1"]
    assert rows.loc["yes/b/9.bmp", ["label", "patient"]].tolist() == ["", ""]
    assert "no row" in rows.loc["yes/b/9.bmp", "reason"]
    assert doubted(listing)["images_without_row"] == 1


def test_an_image_that_the_table_does_not_list_may_be_labelled_by_its_folder(tmp_path: Path) -> None:
    labels = csv_labels(unlisted="by_folder").model_copy(update={"group": r"(UID_H?\d+)_"})
    data = "Patient_ID,new_names,labels\nUID_57_29_1_all.bmp,1.bmp,0\n"
    rows = listed(tmp_path, labels, ("yes/1.bmp", "yes/UID_H10_2_1_hem.bmp"), data)
    assert rows[["label", "patient"]].to_numpy().tolist() == [["hem", "UID_57"], ["all", "UID_H10"]]


def test_an_alias_joins_two_numbers_of_one_patient(tmp_path: Path) -> None:
    labels = csv_labels().model_copy(update={"aliases": {"P3": "P1"}})
    assert listed(tmp_path, labels, IMAGES)["patient"].tolist() == ["P1", "P2", "P1"]


@pytest.mark.parametrize(
    ("changes", "names", "message"),
    [
        (
            {"aliases": {"P9": "P1"}},
            IMAGES,
            r"studies\.x\.labels\.aliases\.P9: no image is of patient 'P9'; patients found: P1, P2, P3",
        ),
        ({}, ("a.bmp", "b.bmp", "c.bmp"), r"studies\.x\.labels\.csv: 0 of 3 rows .* column new_names has '1.bmp', and"),
        ({}, ("a/1.bmp", "b/1.bmp", "2.bmp", "3.bmp"), r"lists 1\.bmp, which could be a/1\.bmp or b/1\.bmp; name"),
        (
            {"group": r"(UID_\d+)"},
            IMAGES,
            r"studies\.x\.labels\.group: '\(UID_\\d\+\)' matches nothing in column Patient_ID .* such as 'P1'",
        ),
        (
            {"classes": {"1": "all", "x*": "hem"}},
            IMAGES,
            r"studies\.x\.labels\.classes: no image is of class 'hem': 'x\*' .*; values found: '0' 2, '1' 1",
        ),
        ({"exclude": ("*.bmp",)}, IMAGES, r"studies\.x: no images among the 4 files .*\.exclude"),
    ],
)
def test_what_matches_nothing_or_too_much_is_one_line(
    tmp_path: Path, changes: dict[str, object], names: tuple[str, ...], message: str
) -> None:
    with pytest.raises(MedcnnError, match=message) as caught:
        listed(tmp_path, csv_labels().model_copy(update=changes), names)
    assert "\n" not in str(caught.value)


def test_an_image_that_the_table_lists_may_be_excluded(tmp_path: Path) -> None:
    listing = looked_at(tmp_path, csv_labels().model_copy(update={"exclude": ("3.*",)}), IMAGES, labels=ROWS)
    assert listing.rows["path"].tolist() == ["1.bmp", "2.bmp"]
    assert "rows_without_image" not in doubted(listing)


@pytest.mark.parametrize("form", ["NFC", "NFD"])
def test_a_pattern_matches_a_folder_however_its_accents_are_encoded(tmp_path: Path, form: str) -> None:
    name = "gu\N{LATIN SMALL LETTER E WITH ACUTE}ri"
    rows = listed(
        tmp_path, folders(**{name: "well", "b": "ill"}), (f"{unicodedata.normalize(form, name)}/1.png", "b/2.png")
    )
    assert set(rows["label"]) == {"well", "ill"}


def test_values_of_no_class_are_counted_and_those_that_almost_match_are_named(tmp_path: Path) -> None:
    rows = "new_names,labels\n1.bmp,1\n2.bmp,0\n3.bmp,01\n4.bmp,Yes\n5.bmp,\n6.bmp,Yes\n"
    listing = looked_at(tmp_path, csv_labels(group=None), tuple(f"{n}.bmp" for n in range(1, 7)), labels=rows)
    (doubt,) = [doubt for doubt in listing.doubts if doubt.kind == "labels_of_no_class"]
    assert (doubt.count, doubt.examples[0]) == (4, "'Yes' 2")
    assert "'Yes' is almost 'yes'" in doubt.text
    assert "'01' is almost '1'" in doubt.text


def test_folders_of_no_class_are_counted(tmp_path: Path) -> None:
    listing = looked_at(tmp_path, folders(a="x", b="y"), ("a/1.png", "b/1.png", "A/2.png", "A/3.png", "4.png"))
    (doubt,) = [doubt for doubt in listing.doubts if doubt.kind == "labels_of_no_class"]
    assert doubt.examples == ("'A' 2", "'.' 1")


def test_parts_come_from_a_column(tmp_path: Path) -> None:
    rows = "new_names,labels,fold\n1.bmp,1, train\n2.bmp,0,val\n"
    found = listed(tmp_path, csv_labels(group=None, split="fold"), ("1.bmp", "2.bmp"), rows)
    assert found["part"].tolist() == ["train", "val"]


def test_several_tables_are_joined_and_name_the_parts(tmp_path: Path) -> None:
    labels = csv_labels(file="*.csv", group=None)
    head = "new_names,labels\n"
    names = ("train/1.bmp", "train/2.bmp", "valid/1.bmp", "valid/2.bmp")
    for tables in (
        ("train", "valid"),
        ("set__train", "set__valid"),
        ("train__x", "valid__x"),
        ("train_labels", "valid_labels"),
    ):
        data = dict(zip(tables, (head + "1.bmp,1\n2.bmp,0\n", head + "1.bmp,0\n2.bmp,1\n"), strict=True))
        listing = looked_at(tmp_path, labels, names, **data)
        assert listing.rows["label"].tolist() == ["all", "hem", "hem", "all"]
        parts = [table.replace("__", "/").removeprefix("set/") for table in tables]
        assert listing.rows["part"].tolist() == [parts[0]] * 2 + [parts[1]] * 2
        assert doubted(listing)["several_tables"] == 2


def test_what_tables_say_of_images_is_there_for_subgroups(tmp_path: Path) -> None:
    with open_archive(zipped(tmp_path / "raw.zip", {"labels.csv": ROWS.encode(), "x/1.bmp": b"", "9.bmp": b""})) as raw:
        table = labelling.described(raw, csv_labels(), "studies.x")
    assert table["Patient_ID"].to_dict() == {"x/1.bmp": "P1", "9.bmp": ""}
