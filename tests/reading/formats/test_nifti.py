from __future__ import annotations

import gzip
import struct
import sys

import nibabel
import numpy as np
import pytest

from medcnn.reading.decode import UnreadableImageError
from medcnn.reading.formats import nifti

VALUES = np.arange(4 * 5 * 6, dtype=np.int16).reshape(4, 5, 6)


def volume(values: np.ndarray = VALUES, axes: str = "RAS", **header: float) -> bytes:
    """A NIfTI file of a volume whose first axis runs towards the patient's right, and so on, stored along ``axes``."""
    image = nibabel.Nifti1Image(values, np.diag([2.0, 2.0, 3.0, 1.0]))
    wanted = nibabel.orientations.axcodes2ornt(axes)
    image = image.as_reoriented(nibabel.orientations.ornt_transform(nibabel.io_orientation(image.affine), wanted))
    for key, value in header.items():
        image.header[key] = value
    return image.to_bytes()


def seen(data: bytes) -> dict[str, np.ndarray]:
    return {frame.number: np.asarray(frame.image)[..., 0] for frame in nifti.slices(data)}


def refusal(data: bytes) -> str:
    with pytest.raises(UnreadableImageError) as raised:
        list(nifti.slices(data))
    assert "\n" not in str(raised.value)
    return str(raised.value)


@pytest.mark.parametrize("axes", ["RAS", "LPS", "SPL", "ARI"])
def test_slices_are_axial_from_the_feet_up_the_right_on_the_left(axes: str):
    shown = seen(volume(axes=axes, cal_max=119.0))
    assert list(shown) == ["1", "2", "3", "4", "5", "6"]
    for height in range(6):
        expected = VALUES[::-1, ::-1, height].T / 119 * 255
        assert np.abs(shown[f"{height + 1}"] - expected).max() <= 0.5


def test_scale_and_percentiles():
    (first, *_) = seen(volume(scl_slope=2.0, scl_inter=-3.0)).values()
    low, high = np.percentile(VALUES, (0.5, 99.5))
    expected = ((VALUES[::-1, ::-1, 0].T - low) / (high - low)).clip(0, 1) * 255
    assert np.abs(first - expected).max() <= 0.51


def test_series_colours_and_flat_images():
    assert list(seen(volume(np.stack([VALUES[..., :2]] * 2, axis=-1)))) == ["1,1", "2,1", "1,2", "2,2"]
    colours = np.zeros((4, 5, 1), [("R", "u1"), ("G", "u1"), ("B", "u1")])
    colours["G"] = 200
    (frame,) = nifti.slices(nibabel.Nifti1Image(colours, np.eye(4)).to_bytes())
    assert (np.asarray(frame.image) == (0, 200, 0)).all()
    assert len(seen(nibabel.Nifti1Image(VALUES[..., 0], np.eye(4)).to_bytes())) == 1
    assert not any(shown.any() for shown in seen(volume(np.zeros((4, 4, 2), np.float32))).values())
    assert len(seen(volume(np.full((4, 4, 2), np.nan, np.float32)))) == 2


def test_compressed_files_and_nifti2():
    assert seen(gzip.compress(volume())).keys() == seen(volume()).keys()
    second = nibabel.Nifti2Image(VALUES, np.eye(4)).to_bytes()
    assert nifti.starts_as_nifti(second) and nifti.starts_as_nifti(gzip.compress(second))
    assert len(seen(second)) == 6
    assert not nifti.starts_as_nifti(b"\x89PNG") and not nifti.starts_as_nifti(gzip.compress(b"text" * 500))


def changed(data: bytes, at: int, kind: str, *values: float) -> bytes:
    packed = struct.pack(f"<{kind}", *values)
    return data[:at] + packed + data[at + len(packed) :]


@pytest.mark.parametrize(
    ("at", "kind", "values", "reason"),
    [
        (40, "8h", (3, 30000, 30000, 30000, 1, 1, 1, 1), "30000x30000x30000"),
        (40, "8h", (3, 40, 50, 600, 1, 1, 1, 1), "claims to have 2400000"),
        (40, "8h", (3, -4, 5, 6, 1, 1, 1, 1), "-4x5x6"),
        (40, "8h", (7, *(0,) * 7), "0x0x0"),
        (40, "8h", (99, 4, 5, 6, 1, 1, 1, 1), ""),
        (70, "h", (32,), "complex64"),
        (70, "h", (-7,), ""),
        (108, "f", (1e30,), ""),
        (108, "f", (float("nan"),), ""),
        (108, "f", (-5.0,), ""),
        (112, "2f", (2.0, float("inf")), ""),
    ],
)
def test_headers_that_lie_get_one_reason(at: int, kind: str, values: tuple[float, ...], reason: str):
    assert reason in refusal(changed(volume(), at, kind, *values))


def test_no_orientation_is_no_fault():
    lost = changed(volume(cal_max=119.0), 252, "2h", 1, 1)
    lost = changed(lost, 280, "12f", *[float("nan")] * 12)
    assert len(seen(lost)) == 6


def test_cut_off_and_inflated_files(monkeypatch: pytest.MonkeyPatch):
    packed = gzip.compress(volume())
    assert refusal(packed[:-40]) and refusal(volume()[:-1]) and refusal(volume()[:350])
    monkeypatch.setattr(nifti, "LIMIT", 1 << 20)
    assert refusal(gzip.compress(volume() + bytes(2 << 20))) == "a volume larger than 1 MiB"


def test_a_missing_package_is_named(monkeypatch: pytest.MonkeyPatch):
    data = volume()
    monkeypatch.setitem(sys.modules, "nibabel", None)
    assert refusal(data) == "a NIfTI file needs nibabel: pip install nibabel"
