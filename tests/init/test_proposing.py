"""What is found in image sets as people have them: layouts, label tables, arrays, scans."""

from __future__ import annotations

import io
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pydicom
import pytest

from medcnn.core.errors import ParamsError
from medcnn.init import sources
from medcnn.init.columns import Asked
from medcnn.init.proposing import Proposal, Wishes, proposed
from tests.init.sets import picture, written


def of(folder: Path, wishes: Wishes | None = None) -> Proposal:
    with sources.in_place(folder) as archive:
        return proposed(archive, wishes or Wishes(), "studies.skin")


def named(folder: Path, names: Sequence[str], **tables: str) -> Proposal:
    others = {f"{name.replace('__', '/')}.csv": text.encode() for name, text in tables.items()}
    return of(written(folder, names, others))


def table(header: str, *rows: str) -> str:
    return "\n".join([header, *rows, ""])


def two_classes(pattern: str, count: int = 40, classes: tuple[str, str] = ("benign", "malignant")) -> list[str]:
    """Names of which ``{c}`` is the class, ``{p}`` the patient (two images each) and ``{i}`` the image."""
    return [pattern.format(c=classes[i // 2 % 2], p=i // 2, i=i) for i in range(count)]


@pytest.mark.parametrize(
    ("pattern", "patient"),
    [
        ("{c}/patient{p:03}_{i}.png", "patient000"),
        ("{c}/P{p:03}_{i}.png", "P000"),
        ("{c}/subject-{p:02}/{i}.png", "subject-00"),
        ("{c}/case_{p}_{i}.png", "case_0"),
        ("{c}/person{p}_bacteria_{i}.png", "person0"),
        ("{c}/IM-{p:04}-{i:04}.png", "IM-0000"),
        ("{c}/{p:05}_{i}.png", "00000"),
        ("{c}/Smith{p}x/{i}.png", "Smith0x"),
    ],
)
def test_patients_are_found_in_paths(pattern: str, patient: str, tmp_path: Path) -> None:
    proposal = named(tmp_path, two_classes(pattern))
    finding = proposal.finding("patients")
    assert finding is not None
    assert patient in finding.origin
    assert finding.doubt, "a guess is never silent"


@pytest.mark.parametrize("pattern", ["{c}/{i}.png", "{c}/ISIC_{i:07}.png", "{c}/image ({i}).png"])
def test_numbers_of_images_are_no_patients(pattern: str, tmp_path: Path) -> None:
    assert "group" not in named(tmp_path, two_classes(pattern)).labels


@pytest.mark.parametrize(
    ("pattern", "patterns"),
    [
        ("set/{c}/{i}.png", {"benign": "benign", "malignant": "malignant"}),
        ("patient{p}/{c}/{i}.png", {"benign": "benign", "malignant": "malignant"}),
        ("all/CHNCXR_{i:04}_{c}.png", {"*_benign.*": "benign", "*_malignant.*": "malignant"}),
        ("all/{c} ({i}).png", {"benign[!A-Za-z]*": "benign", "malignant[!A-Za-z]*": "malignant"}),
        ("wrist/patient{p}/study1_{c}/{i}.png", {"*_benign": "benign", "*_malignant": "malignant"}),
    ],
)
def test_classes_are_found_in_folders_and_file_names(pattern: str, patterns: dict[str, str], tmp_path: Path) -> None:
    assert named(tmp_path, two_classes(pattern)).labels["classes"] == patterns


@pytest.mark.parametrize(
    ("classes", "positive"),
    [
        (("no", "yes"), "yes"),
        (("normal", "pneumonia"), "pneumonia"),
        (("0", "1"), "1"),
        (("no_tumor", "tumor"), "tumor"),
        (("healthy", "other"), "other"),
        (("left_side", "right_side"), None),
    ],
)
def test_the_positive_class_is_guessed_from_words(classes: tuple[str, str], positive: str, tmp_path: Path) -> None:
    assert named(tmp_path, two_classes("{c}/{i}.png", classes=classes)).labels.get("positive") == positive


@pytest.mark.parametrize(
    ("folders", "split"),
    [
        (("train", "val", "test"), {"train": "train/*", "validation": "val/*", "test": "test/*"}),
        (("Data/Training", "Data/Testing"), {"train": "Data/Training/*", "validation": 0.15, "test": "Data/Testing/*"}),
    ],
)
def test_the_authors_parts_are_taken_over(folders: Sequence[str], split: dict[str, Any], tmp_path: Path) -> None:
    names = [name for folder in folders for name in two_classes(f"{folder}/{{c}}/{{p}}-{folder[-3:]}{{i}}.png", 24)]
    assert named(tmp_path, names).split == {"kind": "author", **split, "on_leak": "drop_from_train"}
    assert of(tmp_path, Wishes(split="stratified")).split == {}


def test_parts_below_each_class_are_found_too(tmp_path: Path) -> None:
    names = [name for part in ("train", "test") for name in two_classes(f"{{c}}/{part}/{part}{{i}}.png")]
    assert named(tmp_path, names).split["test"] == "*/test/*"


def test_a_part_without_classes_is_left_out_and_said(tmp_path: Path) -> None:
    names = [*two_classes("train/{c}/{i}.png"), *(f"test/t{i}.png" for i in range(9))]
    proposal = named(tmp_path, names)
    assert (proposal.labels["exclude"], proposal.split) == (["test/*"], {})
    assert any(finding.about == "exclude" and "9" in finding.origin for finding in proposal.findings)


def test_masks_are_left_out(tmp_path: Path) -> None:
    beside = [name.replace(".png", "_mask.png") for name in two_classes("{c}/{i}.png")]
    assert named(tmp_path / "a", [*two_classes("{c}/{i}.png"), *beside]).labels["exclude"] == ["*_mask*"]
    apart = [name.replace("images", "masks") for name in two_classes("{c}/images/{i}.png")]
    proposal = named(tmp_path / "b", [*two_classes("{c}/images/{i}.png"), *apart])
    assert proposal.labels["classes"] == {"benign": "benign", "malignant": "malignant"}
    assert len(proposal.labels["exclude"]) > 0


IMAGES = [f"images/img{number:03}.png" for number in range(40)]


def test_a_label_table_names_classes_patients_and_parts(tmp_path: Path) -> None:
    parts = ("train", "train", "val", "test")
    rows = [f"img{i:03};{('nv', 'mel')[i % 2]};{parts[i // 10]};L{i // 2};{i % 3}" for i in range(40)]
    proposal = named(tmp_path, IMAGES, metadata=table("image_id;dx;split;lesion_id;age", *rows))
    known = {"file": "metadata.csv", "image": "image_id", "label": "dx", "group": "lesion_id", "split": "split"}
    assert proposal.labels["csv"] == known
    assert proposal.labels["classes"] == {"mel": "mel", "nv": "nv"}
    assert [proposal.split[part] for part in ("train", "validation", "test")] == ["train", "val", "test"]


def test_one_column_for_each_class(tmp_path: Path) -> None:
    rows = [f"img{i:03}.png,{','.join('1' if i % 3 == k else '0' for k in range(3))}" for i in range(40)]
    proposal = named(tmp_path, IMAGES, truth=table("image,MEL,NV,BCC", *rows))
    assert proposal.labels["csv"]["columns"] == ["MEL", "NV", "BCC"]
    assert proposal.labels["classes"] == {"MEL": "mel", "NV": "nv", "BCC": "bcc"}
    assert "multi_label" not in proposal.labels


def test_classes_in_file_names_may_have_accents(tmp_path: Path) -> None:
    classes = ("m\u00e9lanome", "n\u00e9vus")
    names = [f"{classes[number % 2]}_{number:03}.png" for number in range(40)]
    assert set(named(tmp_path, names).labels["classes"].values()) == set(classes)


def test_columns_that_are_never_1_are_no_classes(tmp_path: Path) -> None:
    rows = [f"img{i:03}.png,,{i % 2},{1 - i % 2},0" for i in range(40)]
    proposal = named(tmp_path, IMAGES, truth=table("image,remark,MEL,NV,BCC", *rows))
    assert proposal.labels["csv"]["columns"] == ["MEL", "NV"]


def test_columns_of_which_several_are_1_are_findings(tmp_path: Path) -> None:
    rows = [f"img{i:03}.png,{i % 2},{i // 2 % 2},{i // 4 % 2}" for i in range(40)]
    proposal = named(tmp_path, IMAGES, truth=table("image,Mass,Effusion,Nodule", *rows))
    assert proposal.labels["multi_label"] is True
    assert "positive" not in proposal.labels


def test_columns_of_findings_may_be_empty_or_uncertain(tmp_path: Path) -> None:
    rows = [f"img{i:03}.png,F,{'1.0' if i % 4 == 0 else ''},{('1.0', '0.0', '', '-1.0')[i % 4]}" for i in range(40)]
    labels = named(tmp_path, IMAGES, train=table("Path,Sex,No Finding,Edema", *rows)).labels
    assert labels["csv"]["columns"] == ["No Finding", "Edema"]
    assert labels["multi_label"] is True


def test_a_single_column_of_yes_and_no_is_the_class(tmp_path: Path) -> None:
    rows = [f"{i // 2},img{i:03}.png,{('0', '1.0', '0.0')[i % 3]},L" for i in range(40)]
    labels = named(tmp_path, IMAGES, train=table("patient_id,path,cancer,side", *rows)).labels
    assert labels["csv"]["label"] == "cancer"
    assert labels["classes"] == {"0": "0", "0.0": "0", "1.0": "1"}


def test_a_column_of_readers_is_no_class(tmp_path: Path) -> None:
    rows = [f"img{i:03}.png,{('nothing', 'nodule')[i % 2]},R{i % 3}" for i in range(40)]
    assert named(tmp_path, IMAGES, train=table("image,class_name,rad_id", *rows)).labels["csv"]["label"] == "class_name"


def test_tables_without_a_header(tmp_path: Path) -> None:
    names = [f"{part}/{part}{i}.png" for part in ("train", "test") for i in range(20)]
    rows = "\n".join(f"PARTp{i} PART{i}.png {('negative', 'positive')[i % 2]}" for i in range(20))
    files = {f"{part}.txt": rows.replace("PART", part).encode() for part in ("train", "test")}
    proposal = of(written(tmp_path, names, files))
    assert proposal.labels["csv"] == {"file": "*.txt", "image": "#2", "label": "#3"}
    assert proposal.labels["classes"] == {"negative": "negative", "positive": "positive"}
    assert (proposal.split["train"], proposal.split["test"]) == ("train", "test")


@pytest.mark.parametrize("pattern", ["all/train_{i}.png", "{c}/{i}.png"])
def test_names_of_parts_are_never_classes(pattern: str, tmp_path: Path) -> None:
    names = two_classes(pattern, classes=("training", "testing"))
    with pytest.raises(ParamsError, match="nothing tells the classes"):
        named(tmp_path, [*names, *(name.replace("train_", "test_x") for name in names)])


def test_several_tables_name_the_parts(tmp_path: Path) -> None:
    rows = [f"img{i:03}.png,{('benign', 'malignant')[i % 2]}" for i in range(40)]
    tables = {"train": table("file,diagnosis", *rows[:24]), "test": table("file,diagnosis", *rows[24:])}
    proposal = named(tmp_path, IMAGES, **tables)
    assert proposal.labels["csv"]["file"] == "*.csv"
    assert (proposal.split["train"], proposal.split["test"]) == ("train", "test")


@pytest.mark.parametrize("separator", ["|", ";", ", "])
def test_values_joined_in_a_row_are_findings(separator: str, tmp_path: Path) -> None:
    joined = ["No Finding", "Edema", separator.join(("Mass", "Edema")), separator.join(("Mass", "Hernia"))]
    rows = [f'img{i:03}.png,"{joined[i % 4]}"' for i in range(40)]
    labels = named(tmp_path, IMAGES, truth=table("image,Finding Labels", *rows)).labels
    assert labels["multi_label"] is True
    assert labels["csv"].get("separator", "|") == separator.strip()
    assert set(labels["classes"]) - {"No Finding"} == {"Mass", "Edema", "Hernia"}


@pytest.mark.parametrize("values", [("nodule, benign", "nodule, malignant"), ("T1; N0", "T2; N1")])
def test_a_comma_within_the_name_of_a_class_separates_no_findings(values: tuple[str, str], tmp_path: Path) -> None:
    rows = [f'img{i:03}.png,"{values[i % 2]}"' for i in range(40)]
    labels = named(tmp_path, IMAGES, truth=table("image,diagnosis", *rows)).labels
    assert "multi_label" not in labels
    assert set(labels["classes"]) == set(values)


def test_a_table_in_which_several_columns_may_be_the_class_is_asked_about(tmp_path: Path) -> None:
    rows = [f"img{i:03}.png,{('benign', 'malignant')[i % 2]},{('m', 'f')[i % 2]}" for i in range(40)]
    with pytest.raises(ParamsError, match="--label"):
        named(tmp_path, IMAGES, notes=table("file,found,sex", *rows))
    assert of(tmp_path, Wishes(table=Asked(label="found"))).labels["csv"]["label"] == "found"


def test_an_unreadable_table_is_named_where_nothing_else_says_the_classes(tmp_path: Path) -> None:
    with pytest.raises(ParamsError, match=r"notes\.csv.*line 2"):
        named(tmp_path, IMAGES, notes=table("file,label", "img000.png,benign,left,upper"))
    two = two_classes("{c}/{i}.png")
    assert "csv" not in named(tmp_path / "other", two, notes=table("a,b", "1,2,3")).labels


def test_arrays_with_parts(tmp_path: Path) -> None:
    arrays: dict[str, Any] = {}
    for part, count in (("train", 20), ("val", 8), ("test", 8)):
        arrays[f"{part}_images"] = np.random.default_rng(count).integers(0, 255, (count, 28, 28), np.uint8)
        arrays[f"{part}_labels"] = np.arange(count).reshape(-1, 1) % 2
    stream = io.BytesIO()
    np.savez(stream, **arrays)
    path = tmp_path / "pneumonia.npz"
    path.write_bytes(stream.getvalue())
    proposal = of(path)
    assert proposal.labels["classes"] == {"0": "0", "1": "1"}
    assert proposal.split["kind"] == "author"


def test_nothing_that_tells_the_classes_is_one_line_with_flags(tmp_path: Path) -> None:
    scans = {f"scans/{i}.png": picture(i) for i in range(8)}
    with pytest.raises(ParamsError, match=r"--classes.*notes\.csv \(Export of 2026\)"):
        of(written(tmp_path, [], {**scans, "notes.csv": b"Export of 2026,\n0.png,benign\n"}))


def scan(patient: str, seed: int) -> bytes:
    """A small DICOM file."""
    dataset = pydicom.Dataset()
    dataset.file_meta = pydicom.dataset.FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = pydicom.uid.ExplicitVRLittleEndian
    dataset.SOPClassUID = dataset.file_meta.MediaStorageSOPClassUID = pydicom.uid.CTImageStorage
    dataset.SOPInstanceUID = dataset.file_meta.MediaStorageSOPInstanceUID = pydicom.uid.generate_uid()
    dataset.PatientID, dataset.Modality, dataset.PhotometricInterpretation = patient, "CT", "MONOCHROME2"
    dataset.Rows = dataset.Columns = 16
    dataset.SamplesPerPixel, dataset.PixelRepresentation = 1, 0
    dataset.BitsAllocated = dataset.BitsStored = 8
    dataset.HighBit = 7
    dataset.PixelData = np.random.default_rng(seed).integers(0, 255, (16, 16), np.uint8).tobytes()
    stream = io.BytesIO()
    pydicom.dcmwrite(stream, dataset, enforce_file_format=True)
    return stream.getvalue()


@pytest.mark.parametrize(("patients", "key"), [(10, "PatientID"), (1, None)])
def test_dicom_files_name_their_patients_unless_all_name_the_same(
    patients: int, key: str | None, tmp_path: Path
) -> None:
    files = {f"{('benign', 'malignant')[i % 2]}/{i:08X}": scan(f"ID{i % patients}", i) for i in range(20)}
    proposal = of(written(tmp_path, [], files))
    assert proposal.labels.get("dicom_group") == key
    assert "group" not in proposal.labels


def test_a_value_of_contradicting_rows_alone_is_no_class(tmp_path: Path) -> None:
    names = [f"images/{i:02}.png" for i in range(40)]
    rows = [f"{i:02}.png,{('benign', 'malignant')[i % 2]}" for i in range(40)]
    proposal = named(tmp_path, names, labels=table("image,dx", *rows, "07.png,other"))
    assert set(proposal.labels["classes"].values()) == {"benign", "malignant"}
