from __future__ import annotations

import gzip
import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from medcnn.params.shared.images import Frames, Reading
from medcnn.reading import pictures as reading
from medcnn.reading.archive import open_archive
from medcnn.reading.decode import UnreadableImageError
from medcnn.reading.formats.frames import NoPictureError
from medcnn.reading.pictures import pictures
from tests.conftest import encoded, picture, zipped
from tests.reading.formats.test_dicom import RAMP, scan
from tests.reading.formats.test_nifti import volume


def pages(count: int, kind: str, **options: object) -> bytes:
    """A file of several pages, the first of level 0, the second of level 10, ..."""
    levels = [Image.fromarray(np.full((20, 30), 10 * number, np.uint8)) for number in range(count)]
    return encoded(levels[0], kind, save_all=True, append_images=levels[1:], **options)


def marks(data: bytes, name: str = "x", frames: Frames = "all") -> list[str]:
    return [found.mark for found in pictures(data, name, Reading(frames=frames))]


SEVERAL = {
    "TIFF": pages(3, "TIFF"),
    "GIF": pages(3, "GIF"),
    "PNG": pages(3, "PNG"),
    "WEBP": pages(3, "WEBP", lossless=True),
    "DICOM": scan(np.stack([RAMP] * 3)),
    "NIfTI": volume(np.random.default_rng(0).random((4, 5, 3), np.float32)),
    "NIfTI.gz": gzip.compress(volume(np.random.default_rng(0).random((4, 5, 3), np.float32))),
}


@pytest.mark.parametrize("kind", SEVERAL)
def test_frames_slices_and_pages_are_pictures_with_marks(kind: str) -> None:
    data = SEVERAL[kind]
    assert marks(data) == ["#1", "#2", "#3"]
    assert marks(data, frames="first") == ["#1"]
    assert marks(data, frames="middle") == ["#2"]
    assert {found.count for found in pictures(data, "x", Reading())} == {3}


@pytest.mark.parametrize("kind", ["TIFF", "GIF", "PNG", "WEBP"])
def test_each_page_has_its_own_pixels(kind: str) -> None:
    seen = [np.asarray(found.image).mean() for found in pictures(SEVERAL[kind], "x", Reading())]
    assert seen == pytest.approx([0, 10, 20], abs=1)


def test_the_only_picture_of_a_file_has_no_mark() -> None:
    files = [encoded(picture(1)), scan(), scan()[132:], volume(np.ones((4, 5, 1), np.float32)), pages(1, "GIF")]
    assert [marks(data) for data in files] == [[""]] * len(files)


@pytest.mark.parametrize("kind", [{254: 1}, {254: 4}, {255: 2}])
def test_smaller_versions_and_masks_are_no_pages(kind: dict[int, int]) -> None:
    small = Image.new("L", (15, 10))
    small.encoderinfo = {"tiffinfo": kind}
    assert marks(encoded(Image.new("L", (30, 20)), "TIFF", save_all=True, append_images=[small])) == [""]


def test_the_second_picture_of_a_jpeg_is_a_preview() -> None:
    large, small = picture(1, mode="RGB"), picture(2, (20, 20), "RGB")
    assert marks(encoded(large, "MPO", save_all=True, append_images=[small])) == [""]


def test_pages_before_a_fault_are_read() -> None:
    data = bytearray(pages(3, "TIFF", compression="tiff_adobe_deflate"))
    with Image.open(io.BytesIO(data)) as file:
        file.seek(1)
        (offset,) = file.tag_v2[273]
    data[offset : offset + 4] = b"\xff" * 4
    found = pictures(bytes(data), "x", Reading())
    assert next(found).mark == "#1"
    with pytest.raises(UnreadableImageError):
        next(found)


def test_what_a_dicom_file_says_of_its_making(tmp_path: Path) -> None:
    (found,) = pictures(scan(PatientID="P 7", Modality="MR", Manufacturer="ACME"), "x", Reading())
    assert found.about == {"PatientID": "P 7", "Modality": "MR", "Manufacturer": "ACME"}
    assert found.mode == "MONOCHROME2"


def test_a_dicom_report_is_no_picture_and_a_file_without_its_pixels_is_broken() -> None:
    report = {"PixelData": None, "Rows": None, "Columns": None, "SOPClassUID": "1.2.840.10008.5.1.4.1.1.88.11"}
    with pytest.raises(NoPictureError, match="Basic Text SR"):
        marks(scan(**report))
    with pytest.raises(UnreadableImageError) as raised:
        marks(scan(PixelData=None, SOPClassUID="1.2.840.10008.5.1.4.1.1.2"))
    assert not isinstance(raised.value, NoPictureError)


def test_a_picture_is_found_again_by_its_path(tmp_path: Path) -> None:
    members = {"a.tif": SEVERAL["TIFF"], "b#2": encoded(picture(1)), "c.png": encoded(picture(2))}
    with open_archive(zipped(tmp_path / "raw.zip", members)) as archive:
        parts = [reading.parted(archive, path) for path in ("a.tif#3", "b#2", "c.png")]
        assert parts == [("a.tif", "#3"), ("b#2", ""), ("c.png", "")]
        first, last = reading.named(archive, "a.tif", ["#1", "#3"], Reading())
        assert (np.asarray(first).mean(), np.asarray(last).mean()) == pytest.approx((0, 20), abs=1)
        with pytest.raises(UnreadableImageError, match="#4"):
            list(reading.named(archive, "a.tif", ["#4"], Reading()))
