from __future__ import annotations

import gzip
from collections.abc import Callable
from pathlib import Path

import numpy as np

from tests.reading.formats.test_dicom import RAMP, scan
from tests.reading.formats.test_nifti import volume


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
