from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from medcnn.console import MedcnnError
from medcnn.images import pack


def test_what_is_streamed_in_chunks_is_read_as_one_memory_map(tmp_path: Path) -> None:
    array = np.random.default_rng(0).integers(0, 256, (10, 4, 4, 3), np.uint8)
    pack.write(tmp_path / pack.IMAGES, array.shape, (array[start : start + 3] for start in range(0, 10, 3)))
    images = pack.images(tmp_path)
    assert isinstance(images, np.memmap)
    assert np.array_equal(images, array)


def test_chunks_that_do_not_fill_the_shape_leave_no_file(tmp_path: Path) -> None:
    with pytest.raises(MedcnnError, match="was announced"):
        pack.write(tmp_path / pack.IMAGES, (3, 2, 2, 3), [np.zeros((2, 2, 2, 3), np.uint8)])
    assert list(tmp_path.iterdir()) == []


def test_no_views_are_an_empty_array(tmp_path: Path) -> None:
    pack.write(tmp_path / pack.VIEWS, (0, 5, 2, 2, 3), [])
    assert pack.views(tmp_path).shape == (0, 5, 2, 2, 3)


def test_a_missing_or_broken_file_says_which_stage_to_run(tmp_path: Path) -> None:
    with pytest.raises(MedcnnError, match="dvc repro prepare"):
        pack.images(tmp_path)
    (tmp_path / pack.IMAGES).write_bytes(b"\x93NUMPY broken")
    with pytest.raises(MedcnnError, match=r"images\.npy is missing or broken"):
        pack.images(tmp_path)
