from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import ImageEnhance

from medcnn.core.errors import MedcnnError
from medcnn.dataset import manifest
from medcnn.params.labels import Csv
from medcnn.params.splits import AuthorSplit
from medcnn.params.studies import Study
from medcnn.params.whole import Params
from medcnn.reading.archive import open_archive
from medcnn.results.data import Split
from medcnn.split import surveying
from medcnn.split.fingerprint import fingerprint
from medcnn.split.surveying import Survey
from tests.conftest import encoded, picture, zipped
from tests.project import changed
from tests.reading.formats.test_dicom import scan

CLASSES = {"yes": "tumour", "no": "healthy"}


@pytest.fixture
def study(settings: Params) -> Study:
    changes = {"classes": CLASSES, "positive": "tumour", "group": r"(patient_\d+)", "exclude": ("copy/*",)}
    return changed(settings.study("brain_mri"), {f"labels.{key}": value for key, value in changes.items()})


def images(count: int = 60) -> dict[str, bytes]:
    """Two images a patient; a patient is of one class."""
    return {
        f"{('yes', 'no')[index // 2 % 2]}/patient_{index // 2}_{index % 2}.png": encoded(picture(index))
        for index in range(count)
    }


def surveyed(folder: Path, members: dict[str, bytes], study: Study, seed: int = 1) -> Survey:
    with open_archive(zipped(folder / "raw.zip", members)) as archive:
        where = "studies.brain_mri"
        return surveying.dealt(surveying.looked_at(archive, study, where), study, seed, where)


def by_path(survey: Survey) -> dict[str, Any]:
    return {row.path: row for row in survey.rows.itertuples()}


def kinds(survey: Survey) -> dict[str, int]:
    return {doubt.kind: doubt.count for doubt in survey.doubts}


def sides(survey: Survey, prefix: str) -> set[str]:
    return {row.split for row in survey.rows.itertuples() if prefix in row.path and row.status == "used"}


def test_every_image_is_found_once_with_its_facts_in_a_fixed_order(tmp_path: Path, study: Study) -> None:
    members = images() | {f"copy/{name}": data for name, data in images().items()}
    survey = surveyed(tmp_path, members, study)
    assert survey.rows["path"].tolist() == sorted(images())
    row = by_path(survey)["yes/patient_0_1.png"]
    assert (row.label, row.group, row.width, row.height, row.mode) == ("tumour", "patient_0", 48, 40, "L")
    assert row.image_id == manifest.image_id(row.path)


def test_no_patient_stands_on_two_sides_and_every_part_has_both_classes(tmp_path: Path, study: Study) -> None:
    survey = surveyed(tmp_path, images(), study)
    for patient in range(30):
        assert len(sides(survey, f"patient_{patient}_")) == 1
    counts = Counter((row.split, row.label) for row in survey.rows.itertuples())
    assert set(counts) == {(split, label) for split in manifest.SPLITS for label in ("tumour", "healthy")}


def test_duplicates_join_their_patients(tmp_path: Path, study: Study) -> None:
    members = images()
    members["yes/patient_2_1.png"] = members["yes/patient_0_0.png"]
    brighter = ImageEnhance.Brightness(picture(3)).enhance(0.9)
    members["no/patient_5_1.png"] = encoded(brighter, "PNG")
    survey = surveyed(tmp_path, members, study)
    rows = by_path(survey)
    assert rows["yes/patient_2_1.png"].duplicate_of == rows["yes/patient_0_0.png"].image_id
    assert rows["yes/patient_2_0.png"].group == rows["yes/patient_0_1.png"].group == "patient_0"
    assert rows["no/patient_5_0.png"].group == rows["no/patient_1_0.png"].group == "patient_1"
    assert fingerprint(survey, "regroup", 1)["duplicates"] == {
        "exact_groups": 1, "exact_images": 2, "near_groups": 2, "near_images": 4,
    }  # fmt: skip


def test_what_cannot_be_trusted_is_set_aside_with_its_reason(tmp_path: Path, study: Study) -> None:
    members = images()
    members["yes/patient_90_0.png"] = b""
    members["no/patient_91_0.png"] = members["yes/patient_0_0.png"][:100]
    members["no/patient_92_0.png"] = members["yes/patient_4_0.png"]
    members["else/patient_93_0.png"] = encoded(picture(900))
    survey = surveyed(tmp_path, members, study)
    rows = by_path(survey)
    assert rows["yes/patient_90_0.png"].reason == "unreadable: empty file"
    assert rows["no/patient_91_0.png"].reason.startswith("unreadable: ")
    conflict = "identical image under labels healthy and tumour"
    assert rows["no/patient_92_0.png"].reason == rows["yes/patient_4_0.png"].reason == conflict
    assert rows["else/patient_93_0.png"].reason == "no class"
    aside = survey.rows[survey.rows["status"] == "set_aside"]
    assert len(aside) == 5
    assert ((aside["split"] == "") & (aside["fold"] == -1)).all()
    assert fingerprint(survey, "regroup", 1)["set_aside"] == {"unreadable": 2, conflict: 2, "no class": 1}


def test_an_authors_split_is_kept_and_what_leaks_into_it_is_set_aside(tmp_path: Path, study: Study) -> None:
    members = {}
    for part, patients in (("train", range(10)), ("valid", range(10, 14)), ("test", range(14, 18))):
        for patient in patients:
            name = f"Data/{part}/{('yes', 'no')[patient % 2]}/patient_{patient}.png"
            members[name] = encoded(picture(patient))
    members["Data/train/yes/patient_14.png"] = encoded(picture(300))
    members["Data/valid/no/patient_3.png"] = encoded(picture(301))
    author = AuthorSplit(kind="author", train="Data/train/*", validation="Data/valid/*", test="Data/test/*", folds=2)
    survey = surveyed(tmp_path, members, study.model_copy(update={"split": author}))
    rows = by_path(survey)
    assert rows["Data/train/yes/patient_14.png"].reason == "shares a patient or a duplicate with test"
    assert rows["Data/train/no/patient_3.png"].reason == "shares a patient or a duplicate with validation"
    assert rows["Data/valid/no/patient_3.png"].split == "validation"
    assert sides(survey, "Data/test/") == {"test"}


def test_labels_and_patients_can_come_from_a_csv(tmp_path: Path, study: Study) -> None:
    members = {f"all/{index}.bmp": encoded(picture(index), "BMP") for index in range(40)}
    lines = [f"UID_{index // 2},{index}.bmp,{index // 2 % 2}" for index in range(40)]
    members["labels.csv"] = "\n".join(["Patient_ID,new_names,labels", *lines]).encode()
    source = Csv(file="*labels.csv", image="new_names", label="labels", group="Patient_ID")
    classes = {"1": "tumour", "0": "healthy"}
    changes = {"labels.csv": source, "labels.classes": classes, "labels.group": None}
    survey = surveyed(tmp_path, members, changed(study, changes))
    row = by_path(survey)["all/5.bmp"]
    assert (row.label, row.group) == ("healthy", "UID_2")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            {"classes": {"yes": "tumour", "nope": "healthy"}},
            "studies.brain_mri.labels.classes: no image is of class 'healthy'",
        ),
        ({"group": r"(subject_\d+)"}, r"studies.brain_mri.labels.group: '\(subject_"),
        ({"exclude": ("*",)}, "studies.brain_mri: no images among the 60 files"),
        ({"csv": Csv(file="*.csv", image="a", label="b")}, r"studies.brain_mri.labels.csv.file: '\*.csv' matches 0"),
    ],
)
def test_a_pattern_that_matches_nothing_names_its_key(
    tmp_path: Path, study: Study, changes: dict[str, object], message: str
) -> None:
    with pytest.raises(MedcnnError, match=message):
        surveyed(tmp_path, images(), changed(study, {f"labels.{key}": value for key, value in changes.items()}))


def test_before_any_repair_an_image_counts_by_how_it_leaks(tmp_path: Path, study: Study) -> None:
    members = {}
    for part, patients in (("train", range(10)), ("valid", range(10, 20)), ("test", range(20, 30))):
        for patient in patients:
            members[f"{part}/{('yes', 'no')[patient % 2]}/patient_{patient}.png"] = encoded(picture(patient))
    members["test/yes/patient_20.png"] = members["train/yes/patient_0.png"]
    members["test/no/patient_21.png"] = members["valid/no/patient_11.png"]
    members["test/no/patient_23.png"] = encoded(ImageEnhance.Brightness(picture(1)).enhance(0.9))
    members["valid/no/patient_3.png"] = encoded(picture(100))
    author = AuthorSplit(kind="author", train="train/*", validation="valid/*", test="test/*", on_leak="keep")
    kept = surveyed(tmp_path, members, study.model_copy(update={"split": author}))
    facts = fingerprint(kept, "keep", 1)
    nothing = {"exact_copy": 0, "near_duplicate": 0, "patient": 0, "any": 0}
    assert facts["before_repair"] == {
        "validation": {
            "tumour": {"images": 5, **nothing},
            "healthy": {"images": 6, **nothing, "patient": 1, "any": 1},
        },
        "test": {
            "tumour": {"images": 5, **nothing, "exact_copy": 1, "near_duplicate": 1, "any": 1},
            "healthy": {"images": 5, **nothing, "exact_copy": 1, "near_duplicate": 2, "any": 2},
        },
    }
    assert Split.model_validate(facts).leaked_before_repair == (4, 21)
    assert facts["leak"]["this_split"] == 4
    dropping = author.model_copy(update={"on_leak": "drop_from_train"})
    dropped = fingerprint(surveyed(tmp_path, members, study.model_copy(update={"split": dropping})), "keep", 1)
    assert dropped["before_repair"] == facts["before_repair"]
    assert dropped["leak"]["this_split"] == 0
    assert dropped["set_aside"] == {
        "shares a patient or a duplicate with test": 3, "shares a patient or a duplicate with validation": 1,
    }  # fmt: skip


def test_the_fingerprint_counts_what_a_plain_split_would_have_leaked(tmp_path: Path, study: Study) -> None:
    facts = fingerprint(surveyed(tmp_path, images(), study), "regroup", 1)
    # Two images a patient: a held-out image leaks when the other one is in training, about two times in three.
    assert facts["leak"]["random_split_fraction"] == pytest.approx(0.65, abs=0.12)
    assert facts["leak"]["this_split"] == 0
    assert (facts["images"], facts["used"], facts["patients"], facts["groups"]) == (60, 60, 30, 30)
    assert facts["sizes"]["distinct"] == 1


def test_the_seed_decides_the_split_and_the_fingerprint_does_not_depend_on_it(tmp_path: Path, study: Study) -> None:
    one, same, other = (surveyed(tmp_path, images(), study, seed) for seed in (1, 1, 2))
    assert one.rows.equals(same.rows)
    assert not one.rows.equals(other.rows)
    assert fingerprint(one, "regroup", 1)["fingerprint"] == fingerprint(other, "regroup", 2)["fingerprint"]


def several(seeds: range) -> bytes:
    """A TIFF of one page for each seed."""
    first, *others = (picture(seed) for seed in seeds)
    return encoded(first, "TIFF", save_all=True, append_images=others)


def test_pages_are_images_of_one_patient_and_are_counted(tmp_path: Path, study: Study) -> None:
    members = images() | {
        f"{name}/case{k}.tif": several(range(9 * k, 9 * k + 3)) for k, name in ((100, "yes"), (101, "no"))
    }
    survey = surveyed(tmp_path, members, study)
    rows = survey.rows[survey.rows["path"].str.contains("case100")]
    assert rows["path"].tolist() == [f"yes/case100.tif#{number}" for number in (1, 2, 3)]
    assert rows["group"].nunique() == rows["split"].nunique() == 1
    assert rows["sha256"].nunique() == rows["image_id"].nunique() == 3
    (doubt,) = [doubt for doubt in survey.doubts if doubt.kind == "several_pictures"]
    assert (doubt.severity, doubt.count) == ("note", 2)
    first = surveyed(tmp_path, members, changed(study, {"images.frames": "first"}))
    assert first.rows["path"][first.rows["path"].str.contains("case")].tolist() == [
        "no/case101.tif#1",
        "yes/case100.tif#1",
    ]


def test_copies_of_a_file_of_pages_are_copies_page_by_page(tmp_path: Path, study: Study) -> None:
    members = images() | {f"yes/{name}.tif": several(range(900, 903)) for name in ("one", "same")}
    rows = by_path(surveyed(tmp_path, members, study))
    assert rows["yes/same.tif#2"].duplicate_of == rows["yes/one.tif#2"].image_id


def test_reports_among_dicom_images_are_counted_and_a_page_that_is_broken_is_set_aside(
    tmp_path: Path, study: Study
) -> None:
    report = scan(PixelData=None, Rows=None, Columns=None, SOPClassUID="1.2.840.10008.5.1.4.1.1.88.11")
    scout = scan(ImageType=["ORIGINAL", "PRIMARY", "LOCALIZER"])
    members = images() | {"yes/IM1": scan(), "yes/SR1": report, "yes/IM0": scout, "no/bad.dcm": b"text"}
    survey = surveyed(tmp_path, members, study)
    rows = by_path(survey)
    assert (rows["yes/IM1"].status, rows["yes/IM1"].mode) == ("used", "MONOCHROME2")
    assert rows["no/bad.dcm"].reason.startswith("unreadable: ")
    assert not {"yes/SR1", "yes/IM0"} & set(rows)
    assert [doubt.count for doubt in survey.doubts if doubt.kind == "files_without_picture"] == [1, 1]
    assert kinds(survey)["unreadable_images"] == 1


def test_a_picture_and_a_file_of_one_name_are_refused(tmp_path: Path, study: Study) -> None:
    members = images() | {"yes/a.tif": several(range(3)), "yes/a.tif#2": encoded(picture(5))}
    with pytest.raises(MedcnnError, match="rename"):
        surveyed(tmp_path, members, study)


def exposures(**elements: str) -> dict[str, bytes]:
    """Two DICOM files of each of 30 patients."""
    values = np.random.default_rng(0).integers(0, 4096, (60, 8, 8), np.uint16)
    return {
        f"{('yes', 'no')[index // 2 % 2]}/IM{index:04}": scan(
            np.kron(values[index], np.ones((5, 5), np.uint16)), PatientID=f"Smith^{index // 2}", **elements
        )
        for index in range(60)
    }


def test_patients_can_come_from_dicom_files_and_no_name_is_kept(tmp_path: Path, study: Study) -> None:
    tagged = changed(study, {"labels.group": None, "labels.dicom_group": "PatientID"})
    survey = surveyed(tmp_path, exposures(), tagged)
    assert survey.rows.groupby("group")["path"].count().tolist() == [2] * 30
    assert fingerprint(survey, "regroup", 1)["patients"] == 30
    assert "Smith" not in survey.rows.to_csv()
    assert "patients_in_dicom" not in kinds(survey)
    unasked = surveyed(tmp_path, exposures(), changed(study, {"labels.group": None}))
    assert kinds(unasked)["patients_in_dicom"] == 60
    assert "Smith" not in str(unasked.doubts)
    with pytest.raises(MedcnnError, match=r"studies\.brain_mri\.labels\.dicom_group"):
        surveyed(tmp_path, exposures(), changed(tagged, {"labels.dicom_group": "AccessionNumber"}))


def test_a_name_that_stands_for_none_is_no_patient(tmp_path: Path, study: Study) -> None:
    tagged = changed(study, {"labels.group": None, "labels.dicom_group": "AccessionNumber"})
    members = exposures(AccessionNumber="A1") | {"no/IM9000": scan(AccessionNumber="unknown")}
    survey = surveyed(tmp_path, {name: members[name] for name in sorted(members)[:3]} | images(), tagged)
    rows = by_path(survey)
    assert rows["no/IM0002"].group == rows["no/IM0003"].group


def test_a_mask_stays_with_its_image_and_is_doubted_with_the_line_that_leaves_it_out(
    tmp_path: Path, study: Study
) -> None:
    members = {}
    for index in range(24):
        folder = ("yes", "no")[index % 2]
        members[f"{folder}/images/{index}.png"] = encoded(picture(index))
        members[f"{folder}/masks/{index}.png"] = encoded(picture(500 + index).convert("1"))
    unknown = changed(study, {"labels.group": None})
    survey = surveyed(tmp_path, members, unknown)
    parts = survey.rows.set_index("path")["split"]
    for path in members:
        assert parts[path] == parts[path.replace("images", "masks")]
    doubt = next(doubt for doubt in survey.doubts if doubt.kind == "masks_beside_images")
    assert (doubt.severity, doubt.count) == ("warning", 24)
    assert "labels.exclude: ['*/masks/*']" in doubt.text
    without = changed(unknown, {"labels.exclude": ("*/masks/*",)})
    assert not any(doubt.kind == "masks_beside_images" for doubt in surveyed(tmp_path, members, without).doubts)


@pytest.mark.parametrize("level", [0, 255])
def test_a_set_of_flat_pictures_is_refused_with_the_number_of_them(tmp_path: Path, study: Study, level: int) -> None:
    members = {}
    for index in range(24):
        flat = picture(index).convert("RGBA")
        flat.paste((level, level, level, 255), (0, 0, *flat.size))
        flat.putpixel((0, 0), (index, level, level, 255))
        members[f"{('yes', 'no')[index % 2]}/patient_{index}.png"] = encoded(flat)
    with pytest.raises(MedcnnError, match="24 of 24 images are of one colour"):
        surveyed(tmp_path, members, study)
