from __future__ import annotations

import io
import zipfile
from pathlib import Path

import numpy as np
import pytest

from medcnn.core.errors import MedcnnError
from medcnn.params.shared.images import Reading
from medcnn.reading.archive import open_archive
from medcnn.reading.pictures import pictures
from tests.conftest import zipped
from tests.reading.formats.test_npy import levels, packed


def medmnist(count: int = 4, *shape: int) -> dict[str, np.ndarray]:
    """A set of three parts in which labels alternate, as MedMNIST names its arrays."""
    labels = (np.arange(count) % 2).astype(np.uint8)[:, None]
    parts = ("train", "val", "test")
    images = {f"{part}_images": levels(count, *(shape or (6, 7))) for part in parts}
    return images | {f"{part}_labels": labels for part in parts}


def names(path: Path) -> list[str]:
    with open_archive(path) as archive:
        return archive.names()


@pytest.fixture(params=["alone", "in a zip", "in a folder"])
def place(request: pytest.FixtureRequest, tmp_path: Path):
    """Puts an .npz where it is read as raw data: as a file, in a zip, in a folder."""

    def put(data: bytes) -> Path:
        if request.param == "in a zip":
            return zipped(tmp_path / "raw.zip", {"set.npz": data, "readme.txt": b"text"})
        folder = tmp_path if request.param == "alone" else tmp_path / "folder"
        folder.mkdir(exist_ok=True)
        (folder / "set.npz").write_bytes(data)
        return folder / "set.npz" if request.param == "alone" else folder

    return put


def test_parts_and_labels_are_folders_of_images(place) -> None:
    arrays = medmnist(4, 6, 7, 3)
    with open_archive(place(packed(**arrays))) as archive:
        found = [name for name in archive.names() if name.startswith("set.npz/train/")]
        assert found == [f"set.npz/train/{k % 2}/0000{k}.npy" for k in (0, 2, 1, 3)]
        for name in found:
            (picture,) = pictures(archive.read(name), name, Reading())
            assert np.array_equal(np.asarray(picture.image), arrays["train_images"][int(name[-5])])
            assert archive.size(name) == len(archive.read(name))
        assert not archive.holds("set.npz/train/1/00000.npy")
        assert not archive.holds("set.npz/train/0/00004.npy")
        with pytest.raises(MedcnnError, match="holds no file"):
            archive.read("set.npz/train/0/7.npy")


@pytest.mark.parametrize(
    ("images", "labels", "first"),
    [
        ("x_train", "y_train", "train/0/00000.npy"),
        ("X_test", "Y_test", "test/0/00000.npy"),
        ("xval", "yval", "val/0/00000.npy"),
        ("X", "y", "0/00000.npy"),
        ("images", "labels", "0/00000.npy"),
        ("data", "target", "0/00000.npy"),
        ("validation-imgs", "validation-targets", "validation/0/00000.npy"),
    ],
)
def test_the_usual_names_of_arrays(tmp_path: Path, images: str, labels: str, first: str) -> None:
    (tmp_path / "set.npz").write_bytes(packed(**{images: levels(4, 6, 7), labels: np.arange(4) % 2}))
    assert names(tmp_path / "set.npz")[0] == f"set.npz/{first}"


@pytest.mark.parametrize(
    ("labels", "folders"),
    [
        (np.array(["no", "yes"]), ["no", "yes"]),
        (np.array([b"no", b"yes"]), ["no", "yes"]),
        (np.array([0.0, 1.0]), ["0", "1"]),
        (np.array([False, True]), ["0", "1"]),
        (np.array(["a/b", ".."]), ["_", "a_b"]),
    ],
)
def test_labels_become_names_of_folders(tmp_path: Path, labels: np.ndarray, folders: list[str]) -> None:
    (tmp_path / "set.npz").write_bytes(packed(images=levels(2, 6, 7), labels=labels))
    assert [name.split("/")[1] for name in names(tmp_path / "set.npz")] == folders


def test_several_labels_of_an_image_are_a_table(place) -> None:
    labels = np.array([[0, 1, 1], [1, 0, 0]])
    with open_archive(place(packed(train_images=levels(2, 6, 7), train_labels=labels))) as archive:
        assert {"set.npz/labels.csv", "set.npz/train/00000.npy", "set.npz/train/00001.npy"} <= set(archive.names())
        lines = archive.read("set.npz/labels.csv").decode().splitlines()
        assert lines == ["image,part,0,1,2", "train/00000.npy,train,0,1,1", "train/00001.npy,train,1,0,0"]


def test_arrays_of_fortran_order_and_not_compressed(tmp_path: Path) -> None:
    images = levels(3, 6, 7)
    np.savez(tmp_path / "set.npz", images=np.asfortranarray(images), labels=np.arange(3))
    with open_archive(tmp_path / "set.npz") as archive:
        for index in range(3):
            name = f"set.npz/{index}/0000{index}.npy"
            (picture,) = pictures(archive.read(name), name, Reading())
            assert np.array_equal(np.asarray(picture.image)[..., 0], images[index])


def test_volumes_of_a_set_are_pictures_of_one_file(tmp_path: Path) -> None:
    (tmp_path / "set.npz").write_bytes(packed(**medmnist(2, 5, 6, 7)))
    with open_archive(tmp_path / "set.npz") as archive:
        data = archive.read("set.npz/test/1/00001.npy")
        assert [picture.mark for picture in pictures(data, "x.npy", Reading())] == [f"#{n}" for n in range(1, 6)]


def test_an_npz_of_an_image_and_its_mask_is_no_set(tmp_path: Path) -> None:
    members = {
        "yes/a.npz": packed(image=levels(6, 7)),
        "yes/b.npz": packed(image=levels(5, 6, 7), label=levels(5, 6, 7)),
        "no/c.npz": packed(arr_0=levels(4, 6, 7)),
    }
    assert names(zipped(tmp_path / "raw.zip", members)) == sorted(members)


@pytest.mark.parametrize(
    ("arrays", "reason"),
    [
        ({"x": levels(4, 6, 7), "y": np.arange(3)}, "3 labels, and there are 4 images"),
        ({"x": levels(4, 6, 7), "y": np.array([None] * 4, object)}, "Python objects"),
        ({"x_train": levels(4, 6, 7), "train_images": levels(4, 6, 7)}, "may be the same"),
    ],
)
def test_a_set_that_cannot_be_trusted_is_refused(place, arrays: dict[str, np.ndarray], reason: str) -> None:
    with pytest.raises(MedcnnError, match=reason):
        names(place(packed(**arrays)))


def test_an_array_that_holds_less_than_it_states_is_refused_image_by_image(tmp_path: Path) -> None:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        data = packed(images=levels(4, 6, 7), labels=np.arange(4))
        with zipfile.ZipFile(io.BytesIO(data)) as made:
            archive.writestr("images.npy", made.read("images.npy").replace(b"(4, 6, 7)", b"(4, 60,7)"))
            archive.writestr("labels.npy", made.read("labels.npy"))
    (tmp_path / "set.npz").write_bytes(file.getvalue())
    with open_archive(tmp_path / "set.npz") as opened, pytest.raises(MedcnnError, match="does not hold"):
        opened.read("set.npz/0/00000.npy")
