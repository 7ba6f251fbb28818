"""Images lost or added without a count, and masks taken for images."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.cases.outcome import NAMES, folders, outcome
from tests.conftest import encoded, picture
from tests.reading.formats.test_dicom import scan


def mask(seed: int) -> bytes:
    """A white disc on black, in one bit."""
    rng = np.random.default_rng(seed)
    rows, columns = np.mgrid[:40, :48]
    radius, x, y = rng.uniform(4, 9), rng.uniform(12, 36), rng.uniform(12, 28)
    return encoded(Image.fromarray((rows - y) ** 2 + (columns - x) ** 2 < radius**2))


@pytest.mark.parametrize("form", ["{folder}/{folder} ({number})_mask.png", "{folder}/masks/{folder} ({number}).png"])
def test_masks_beside_their_images(tmp_path: Path, form: str) -> None:
    images = {}
    for place, folder in enumerate(NAMES):
        for number in range(24):
            stem = f"{folder}/images/{folder}" if "masks/" in form else f"{folder}/{folder}"
            images[f"{stem} ({number}).png"] = encoded(picture(500 * place + number))
            images[form.format(folder=folder, number=number)] = mask(900 * place + number)
    found = outcome(tmp_path, images)
    doubt = found.warned("masks_beside_images")
    assert doubt.count == 48
    assert "exclude" in doubt.text
    side = found.rows.set_index("path")["split"]
    for path in side.index[side.index.str.contains("mask")]:
        beside = path.replace("_mask", "").replace("masks/", "images/")
        assert side[path] == side[beside]
    fixed = outcome(tmp_path / "fixed", images, exclude=["*mask*"])
    assert fixed.facts.used == 48
    assert fixed.doubt("masks_beside_images") is None


def test_every_page_of_a_file_is_an_image_of_one_patient(tmp_path: Path) -> None:
    images = {}
    for place, (folder, kind) in enumerate(zip(NAMES, ("TIFF", "GIF"), strict=True)):
        for number in range(12):
            first, *others = (picture(1000 * place + 50 * number + page) for page in range(4))
            buffer = io.BytesIO()
            first.save(buffer, kind, save_all=True, append_images=others)
            images[f"{folder}/case{number:02}.{kind.lower()}"] = buffer.getvalue()
    found = outcome(tmp_path, images)
    assert found.facts.used == 96
    doubt = found.doubt("several_pictures")
    assert doubt is not None
    assert "96" in doubt.text
    sides = found.rows.assign(file=found.rows["path"].str.partition("#")[0]).groupby("file")["split"].nunique()
    assert len(sides) == 24
    assert (sides == 1).all()


def test_files_are_known_by_what_they_are_and_others_counted_by_suffix(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    files = folders()
    for number in range(6):
        files[f"malignant/scan{number}.dcm"] = scan(rng.integers(0, 4096, (32, 32), np.int16))
        for place, suffix in enumerate((".jpe", ".dib", ".pnm", ".png.txt", "")):
            kind = ("JPEG", "BMP", "PPM", "PNG", "PNG")[place]
            files[f"malignant/x{place}{number}{suffix}"] = encoded(
                picture(4000 + 100 * place + number, mode="RGB"), kind
            )
        files[f"benign/notes{number}.docx"] = b"PK notes"
    found = outcome(tmp_path, files)
    assert found.facts.classes == {"benign": 24, "malignant": 24 + 36}
    doubt = found.doubt("files_passed_over")
    assert doubt is not None
    assert "docx" in doubt.text
    assert doubt.count == 6


@pytest.mark.parametrize(
    "name",
    ["benign/@eaDir/i000.png/SYNOPHOTO_THUMB_M.jpg", "$RECYCLE.BIN/benign/$R1.png", "__MACOSX/benign/._i000.png",
     "benign/.thumbnails/i000.png", "System Volume Information/benign/a.png", "benign/Thumbs.db"],
)  # fmt: skip
def test_what_systems_leave_behind_is_no_image(tmp_path: Path, name: str) -> None:
    found = outcome(tmp_path, {**folders(), name: encoded(picture(77, (24, 24)))})
    assert found.facts.images == found.facts.used == 48
