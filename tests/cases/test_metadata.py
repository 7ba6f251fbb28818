"""What files say of a patient beside the pixels, and that none of it goes on."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import ExifTags, Image, PngImagePlugin, TiffImagePlugin

from tests.cases.outcome import NAMES, STUDY, outcome
from tests.cases.test_containers import values
from tests.conftest import encoded, picture
from tests.project import stage
from tests.reading.formats.test_dicom import scan

SECRET = "Doe^Jane"


def in_tags(number: int) -> bytes:
    return scan(values(number), PatientName=SECRET, PatientID=SECRET, InstitutionName=SECRET)


def in_exif(number: int) -> bytes:
    exif = Image.Exif()
    exif[ExifTags.Base.Artist] = exif[ExifTags.Base.ImageDescription] = SECRET
    return encoded(picture(number), "JPEG", exif=exif, comment=SECRET.encode())


def in_text(number: int) -> bytes:
    text = PngImagePlugin.PngInfo()
    text.add_text("Patient", SECRET)
    return encoded(picture(number), pnginfo=text)


def in_a_description(number: int) -> bytes:
    tags = TiffImagePlugin.ImageFileDirectory_v2()
    tags[ExifTags.Base.ImageDescription] = SECRET
    return encoded(picture(number), "TIFF", tiffinfo=tags)


@pytest.mark.parametrize(
    ("made", "suffix"), [(in_tags, "dcm"), (in_exif, "jpg"), (in_text, "png"), (in_a_description, "tif")]
)
def test_nothing_that_a_file_says_of_its_patient_is_written_by_a_stage(
    tmp_path: Path, made: Callable[[int], bytes], suffix: str
) -> None:
    files = {f"{name}/{n}.{suffix}": made(100 * place + n) for place, name in enumerate(NAMES) for n in range(12)}
    assert all(SECRET.encode() in content for content in files.values())
    found = outcome(tmp_path, files)
    stage(tmp_path, "prepare", STUDY)
    # What was given lies in the set's folder and, as `download` took it, in data/raw.
    given = (tmp_path / "set", tmp_path / "data" / "raw")
    written = [path for path in tmp_path.rglob("*") if path.is_file() and not any(map(path.is_relative_to, given))]
    assert found.facts.used == 24
    assert any(path.suffix == ".npy" for path in written)
    assert [path for path in written if b"Doe" in path.read_bytes() or b"Jane" in path.read_bytes()] == []
