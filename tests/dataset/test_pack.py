from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from medcnn.core import files
from medcnn.core.errors import MedcnnError
from medcnn.dataset import pack
from tests.project import packed

ARRAY = np.random.default_rng(0).integers(0, 256, (10, 4, 4, 3), np.uint8)


@pytest.fixture(autouse=True)
def few_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    """Four images a shard."""
    monkeypatch.setattr(pack, "ROWS", 4)


def test_images_lie_in_shards_and_are_read_as_one_array(tmp_path: Path) -> None:
    packed(tmp_path, pack.IMAGES, ARRAY)
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        *(f"images-0000{number}.npy" for number in range(3)),
        "images.json",
    ]
    np.testing.assert_array_equal(np.load(tmp_path / "images-00002.npy"), ARRAY[8:])
    images = pack.images(tmp_path)
    assert (images.shape, images.dtype) == (ARRAY.shape, np.uint8)
    np.testing.assert_array_equal(images[:], ARRAY)


def test_views_are_read_by_view_and_image(tmp_path: Path) -> None:
    packed(tmp_path, pack.VIEWS, ARRAY.reshape(2, 5, 4, 4, 3))
    np.testing.assert_array_equal(pack.views(tmp_path)[1, [4, 0]], ARRAY[[9, 5]])


@pytest.mark.parametrize("shape", [(0, 5, 2, 2, 3), (3, 0, 2, 2, 3)], ids=str)
def test_no_views_are_an_empty_array(tmp_path: Path, shape: tuple[int, ...]) -> None:
    packed(tmp_path, pack.VIEWS, np.empty(shape, np.uint8))
    assert pack.views(tmp_path).shape == shape
    assert pack.views(tmp_path)[:].shape == shape


def test_what_an_earlier_larger_run_left_is_removed_and_the_other_array_kept(tmp_path: Path) -> None:
    packed(tmp_path, pack.VIEWS, ARRAY[None])
    packed(tmp_path, pack.IMAGES, ARRAY)
    (tmp_path / ".images-00001.7.partial.npy").touch()
    packed(tmp_path, pack.IMAGES, ARRAY[:3])
    assert {path.name for path in tmp_path.glob("*images*")} == {"images-00000.npy", "images.json"}
    np.testing.assert_array_equal(pack.images(tmp_path)[:], ARRAY[:3])
    np.testing.assert_array_equal(pack.views(tmp_path)[0], ARRAY)


def test_an_array_that_was_not_written_to_its_end_cannot_be_read(tmp_path: Path) -> None:
    packed(tmp_path, pack.IMAGES, ARRAY)
    with (
        pytest.raises(OSError, match="disk full"),
        pack.writing(tmp_path, pack.IMAGES, ARRAY.shape) as parts,
    ):
        shard, rows = parts[0]
        pack.write(shard, ARRAY[rows])
        raise OSError("disk full")
    with pytest.raises(MedcnnError, match=r"images\.json.*`dvc repro prepare`"):
        pack.images(tmp_path)


def test_a_shard_of_too_few_images_is_told_at_once(tmp_path: Path) -> None:
    with (
        pytest.raises(MedcnnError, match=r"images-00000\.npy"),
        pack.writing(tmp_path, pack.IMAGES, ARRAY.shape) as parts,
    ):
        for shard, rows in parts:
            pack.write(shard, ARRAY[rows][:3])
    assert not (tmp_path / "images.json").exists()


@pytest.mark.parametrize("text", ["", "[]", '{"rows": 4}', '{"rows": 4, "shape": "many"}', '{"rows": 0, "shape": [1]}'])
def test_a_broken_index_is_one_clear_line(tmp_path: Path, text: str) -> None:
    packed(tmp_path, pack.IMAGES, ARRAY)
    files.write_text(tmp_path / "images.json", text)
    with pytest.raises(MedcnnError, match=r"images\.json") as raised:
        pack.images(tmp_path)
    assert "\n" not in str(raised.value)


def test_the_digest_is_of_every_pixel_and_of_the_shape(tmp_path: Path) -> None:
    packed(tmp_path / "one", pack.IMAGES, ARRAY)
    packed(tmp_path / "same", pack.IMAGES, ARRAY)
    changed = ARRAY.copy()
    changed[9, 3, 3, 2] ^= 1
    packed(tmp_path / "other", pack.IMAGES, changed)
    one, same, other = (pack.digest(pack.images(tmp_path / name)) for name in ("one", "same", "other"))
    assert one == same != other
