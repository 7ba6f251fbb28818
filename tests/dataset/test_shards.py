from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from medcnn.core.errors import MedcnnError
from medcnn.dataset.shards import Shard, Shards

VALUES = np.random.default_rng(0).standard_normal((10, 4, 2)).astype(np.float32)


def stored(folder: Path, values: np.ndarray, *sizes: int) -> list[Shard]:
    shards = []
    for number, part in enumerate(np.split(values, np.cumsum(sizes)[:-1])):
        path = folder / f"{number}.npy"
        np.save(path, part)
        shards.append(Shard(path, part.shape))
    return shards


@pytest.fixture
def array(tmp_path: Path) -> Shards:
    """Ten rows in three files."""
    return Shards(stored(tmp_path, VALUES, 4, 4, 2), np.arange(10), (4, 2), np.float32)


@pytest.mark.parametrize(
    "key",
    [
        0,
        7,
        -1,
        np.int64(5),
        slice(None),
        slice(3, 9),
        slice(9, 1, -3),
        slice(4, 4),
        [8, 3, 3, 4],
        np.arange(10) % 3 == 0,
    ],
    ids=str,
)
def test_rows_are_those_of_the_array_in_memory(array: Shards, key: object) -> None:
    found = array[key]
    assert isinstance(found, np.ndarray)
    assert found.dtype == np.float32
    np.testing.assert_array_equal(found, VALUES[key])
    np.testing.assert_array_equal(array.chosen([2, 9, 5])[::-1], VALUES[[5, 9, 2]])


def test_length_shape_and_iteration_are_those_of_the_array_in_memory(array: Shards) -> None:
    assert (len(array), array.shape) == (10, (10, 4, 2))
    np.testing.assert_array_equal(np.stack(list(array)), VALUES)
    with pytest.raises(IndexError):
        array[10]


def test_rows_may_have_several_axes(tmp_path: Path) -> None:
    array = Shards(stored(tmp_path, VALUES, 7, 3), np.arange(10).reshape(2, 5), (4, 2), np.float32)
    folded = VALUES.reshape(2, 5, 4, 2)
    assert array.shape == folded.shape
    np.testing.assert_array_equal(array[:, 3], folded[:, 3])
    np.testing.assert_array_equal(array[[0, 1, 1], [4, 0, 2]], folded[[0, 1, 1], [4, 0, 2]])
    assert array[:0].shape == (0, 5, 4, 2)


def test_two_arrays_stand_beside_each_other(tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    one = Shards(stored(tmp_path, VALUES, 4, 6), np.arange(10).reshape(2, 5), (4, 2), np.float32)
    other = Shards(stored(tmp_path / "other", -VALUES[:4], 3, 1), np.arange(4).reshape(2, 2), (4, 2), np.float32)
    expected = np.concatenate([VALUES.reshape(2, 5, 4, 2), -VALUES[:4].reshape(2, 2, 4, 2)], axis=1)
    np.testing.assert_array_equal(one.beside(other)[:], expected)
    np.testing.assert_array_equal(one.beside(other).chosen(np.s_[:, [6, 0]])[1], expected[1, [6, 0]])


def test_shards_are_told_apart(array: Shards) -> None:
    parts = list(array.apart())
    assert [part.shape for part in parts] == [(4, 4, 2), (4, 4, 2), (2, 4, 2)]
    np.testing.assert_array_equal(np.concatenate([part[:] for part in parts]), VALUES)


def test_no_shards_are_an_empty_array() -> None:
    array = Shards([], np.arange(0).reshape(0, 5), (4, 2), np.float32)
    assert array[:].shape == (0, 5, 4, 2)
    assert list(array.apart()) == []


@pytest.mark.parametrize("fault", ["missing", "cut short", "longer", "of other rows", "of another type", "no array"])
def test_a_shard_that_is_not_whole_is_named(tmp_path: Path, fault: str) -> None:
    shards = stored(tmp_path, VALUES, 4, 4, 2)
    path = shards[1].path
    data = path.read_bytes()
    if fault == "missing":
        path.unlink()
    elif fault == "of other rows":
        np.save(path, VALUES[:3])
    elif fault == "of another type":
        np.save(path, VALUES[:4].astype(np.int32))
    else:
        path.write_bytes({"cut short": data[:-1], "longer": data + b"\0", "no array": b"\x93NUMPY broken"}[fault])
    with pytest.raises(MedcnnError, match=r"1\.npy is missing or broken; run `dvc repro`"):
        Shards(shards, np.arange(10), (4, 2), np.float32)


def test_a_shard_that_goes_or_is_cut_while_it_is_read_is_named(array: Shards) -> None:
    path = array.shards[2].path
    path.write_bytes(path.read_bytes()[:-40])
    with pytest.raises(MedcnnError, match=r"2\.npy is missing or broken"):
        array[8:]
    path.unlink()
    with pytest.raises(MedcnnError, match=r"2\.npy is missing or broken"):
        array[9]
    np.testing.assert_array_equal(array[:8], VALUES[:8])
