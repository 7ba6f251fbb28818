from __future__ import annotations

import gzip
from collections.abc import Callable
from pathlib import Path

import numpy as np

from tests.reading.formats.test_dicom import RAMP, scan
from tests.reading.formats.test_nifti import volume
from tests.reading.formats.test_npy import levels, packed


def test_frames_are_rows_with_numbers(predict: Callable, tmp_path: Path):
    (tmp_path / "one.dcm").write_bytes(scan())
    (tmp_path / "IM0001").write_bytes(scan(np.stack([RAMP, RAMP, RAMP])))
    (tmp_path / "raw.dcm").write_bytes(scan()[132:])
    done = predict(tmp_path, "--format", "csv")
    names = [Path(line.split(",")[0]).name for line in done.stdout.splitlines()[1:]]
    assert names == ["IM0001#1", "IM0001#2", "IM0001#3", "one.dcm", "raw.dcm"]
    assert done.code == 0


def test_slices_are_rows_with_numbers(predict: Callable, tmp_path: Path):
    (tmp_path / "brain.nii.gz").write_bytes(gzip.compress(volume()))
    done = predict(tmp_path, "--format", "csv", "--batch", "4")
    names = [Path(line.split(",")[0]).name for line in done.stdout.splitlines()[1:]]
    assert names == [f"brain.nii.gz#{number}" for number in range(1, 7)]


def test_images_of_a_set_in_arrays_are_rows_with_their_names(predict: Callable, tmp_path: Path):
    (tmp_path / "set.npz").write_bytes(packed(test_images=levels(3, 40, 50), test_labels=np.array([1, 0, 1])))
    (tmp_path / "one.npz").write_bytes(packed(image=levels(40, 50)))
    done = predict(tmp_path / "set.npz", tmp_path / "one.npz", "--format", "csv")
    names = [line.split(",")[0].rpartition("npz")[2] for line in done.stdout.splitlines()[1:]]
    assert names == ["!test/0/00001.npy", "!test/1/00000.npy", "!test/1/00002.npy", ""]
    assert done.code == 0
