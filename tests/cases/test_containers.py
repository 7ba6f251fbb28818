"""The usual containers of this field: DICOM, NIfTI, arrays, and zips that cannot be read."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

import nibabel
import numpy as np
import pytest

from medcnn.core.errors import MedcnnError
from tests.cases.outcome import NAMES, folders, outcome
from tests.conftest import picture
from tests.reading.formats.test_dicom import scan


def values(seed: int, shape: tuple[int, ...] = (32, 32)) -> np.ndarray:
    """A smooth picture with 12 bits."""
    return (np.asarray(picture(seed, shape[:2]), np.int16) * 16).astype(np.int16)


@pytest.mark.parametrize("suffix", [".dcm", "", ".1"])
def test_dicom_trains_whatever_its_suffix(tmp_path: Path, suffix: str) -> None:
    files = {
        f"{name}/IM{n:04}{suffix}": scan(values(100 * place + n)) for place, name in enumerate(NAMES) for n in range(24)
    }
    found = outcome(tmp_path, files)
    assert found.facts.classes == {"benign": 24, "malignant": 24}
    assert found.facts.set_aside == {}


@pytest.mark.parametrize("suffix", [".nii.gz", ".nii"])
def test_slices_of_a_volume_are_images_of_one_patient(tmp_path: Path, suffix: str) -> None:
    files: dict[str, bytes | str] = {}
    for place, name in enumerate(NAMES):
        for number in range(8):
            volume = np.stack([values(100 * place + 10 * number + layer) for layer in range(3)], -1).astype(np.float32)
            path = tmp_path / f"volume{suffix}"
            nibabel.save(nibabel.Nifti1Image(volume, np.eye(4)), path)
            files[f"{name}/v{number}{suffix}"] = path.read_bytes()
    found = outcome(tmp_path / "project", files)
    assert found.facts.used == 48
    sides = found.rows.assign(file=found.rows["path"].str.partition("#")[0]).groupby("file")["split"].nunique()
    assert len(sides) == 16
    assert (sides == 1).all()


def test_arrays_of_medmnist_with_their_parts(tmp_path: Path) -> None:
    arrays = {}
    for part, count, seed in (("train", 40, 0), ("val", 10, 100), ("test", 10, 200)):
        arrays[f"{part}_images"] = np.stack([np.asarray(picture(seed + n, (28, 28))) for n in range(count)])
        arrays[f"{part}_labels"] = (np.arange(count) % 2).astype(np.uint8)[:, None]
    buffer = io.BytesIO()
    np.savez_compressed(buffer, **arrays)
    split = {"kind": "author", "train": "*/train/*", "validation": "*/val/*", "test": "*/test/*", "folds": 3}
    found = outcome(tmp_path, {"pneumoniamnist.npz": buffer.getvalue()}, {"0": "normal", "1": "pneumonia"}, split)
    assert found.facts.splits == {
        part: {"normal": count, "pneumonia": count} for part, count in (("train", 20), ("validation", 5), ("test", 5))
    }


def test_a_zip_packed_by_deflate64_is_refused_when_it_comes_in(tmp_path: Path) -> None:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in folders(4).items():
            archive.writestr(name, data)
    content = bytearray(buffer.getvalue())
    # The number of the packing in the local headers and in the directory; the streams stay what they are.
    for mark, offset in ((b"PK\x03\x04", 8), (b"PK\x01\x02", 10)):
        at = content.find(mark)
        while at >= 0:
            content[at + offset : at + offset + 2] = b"\x09\x00"
            at = content.find(mark, at + 4)
    with pytest.raises(MedcnnError, match="Deflate64"):
        outcome(tmp_path, {"set.zip": bytes(content)}, archive="set.zip")
