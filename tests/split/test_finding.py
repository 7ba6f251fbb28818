from __future__ import annotations

from pathlib import Path

import pytest

from medcnn.core.errors import MedcnnError
from medcnn.params.labels import Labels
from medcnn.params.whole import Params
from medcnn.reading.archive import open_archive
from medcnn.split import finding
from tests.conftest import encoded, picture, zipped
from tests.reading.formats.test_dicom import scan


@pytest.fixture
def labels(settings: Params) -> Labels:
    return settings.study("brain_mri").labels


def found(folder: Path, members: dict[str, bytes], labels: Labels) -> finding.Found:
    with open_archive(zipped(folder / "raw.zip", members)) as archive:
        return finding.found(archive, labels, "studies.x")


def test_junk_second_copies_and_other_files_are_left_out(tmp_path: Path, labels: Labels) -> None:
    system = [
        "__MACOSX/yes/._Y1.JPG", "yes/.hidden.png", "yes/Thumbs.db", ".git/a.png", "yes/@eaDir/Y1.JPG/THUMB_M.jpg",
        "$RECYCLE.BIN/yes/$R1.png", ".Trashes/501/a.png", "System Volume Information/a.png",
        "no/.ipynb_checkpoints/a-checkpoint.png",
    ]  # fmt: skip
    images = ["no/1 no.jpeg", "yes/Y1.JPG"]
    names = [*images, *system, "brain_tumor_dataset/yes/Y1.JPG", "readme.txt"]
    files = found(tmp_path, dict.fromkeys(names, b"text"), labels)
    assert files.names == images
    assert {doubt.kind: doubt.count for doubt in files.doubts} == {"system_files": 9, "files_passed_over": 1}


def test_an_image_of_an_unknown_suffix_is_known_by_its_first_bytes(tmp_path: Path, labels: Labels) -> None:
    image = picture(1, mode="RGB")
    members = {
        "yes/a.jpe": encoded(image, "JPEG"), "yes/b.png.txt": encoded(image), "yes/c": encoded(image, "TIFF"),
        "yes/IM0001": scan(), "yes/bare": scan()[132:], "yes/x.heic": b"\0\0\0\x18ftypheic" + bytes(9),
        "yes/v.nrrd": b"NRRD0004\n", "yes/v.mha": b"ObjectType = Image\n",
        "yes/notes.txt": b"some text", "yes/empty": b"", "DICOMDIR": scan(),
    }  # fmt: skip
    files = found(tmp_path, members, labels)
    assert files.names == [
        "yes/IM0001",
        "yes/a.jpe",
        "yes/b.png.txt",
        "yes/bare",
        "yes/c",
        "yes/v.mha",
        "yes/v.nrrd",
        "yes/x.heic",
    ]
    (doubt,) = files.doubts
    assert (doubt.severity, doubt.count) == ("note", 3)


def test_more_other_files_than_images_in_a_folder_are_a_warning(tmp_path: Path, labels: Labels) -> None:
    beside = {f"no/{number}.{suffix}": b"{}" for number in range(3) for suffix in ("png", "json", "xml")}
    assert [doubt.severity for doubt in found(tmp_path, beside, labels).doubts] == ["note"]
    lost = {"yes/a.png": b"", **{f"yes/{number}.mat": b"MATLAB" for number in range(2)}}
    (doubt,) = found(tmp_path, beside | lost, labels).doubts
    assert doubt.severity == "warning"
    assert "yes" in doubt.text and ".mat 2" in doubt.text


def test_archives_inside_are_named_and_volumes_are_none(tmp_path: Path, labels: Labels) -> None:
    files = found(tmp_path, {"yes/v.nii.gz": b"x", "yes/more.zip": b"PK", "no/a.png": b"x"}, labels)
    assert files.names == ["no/a.png", "yes/v.nii.gz"]
    assert {doubt.kind: doubt.examples for doubt in files.doubts}["archives_inside"] == ("yes/more.zip",)


def test_raw_data_without_images_says_what_there_is(tmp_path: Path, labels: Labels) -> None:
    with pytest.raises(MedcnnError, match=r"studies\.x: no images among the 2 files .*\.csv 2"):
        found(tmp_path, {"a.csv": b"a,b", "b.csv": b"a,b"}, labels)
