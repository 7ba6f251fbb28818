from __future__ import annotations

import io
import pickle

import numpy as np
import pytest

from medcnn.reading.decode import UnreadableImageError, to_rgb
from medcnn.reading.formats import npy
from medcnn.reading.greys import Scaling

RNG = np.random.default_rng(0)


def saved(array: np.ndarray) -> bytes:
    file = io.BytesIO()
    np.save(file, array, allow_pickle=True)
    return file.getvalue()


def packed(**arrays: np.ndarray) -> bytes:
    file = io.BytesIO()
    np.savez_compressed(file, **arrays)
    return file.getvalue()


def levels(*shape: int) -> np.ndarray:
    return RNG.integers(0, 256, shape, np.uint8)


def seen(data: bytes) -> list[np.ndarray]:
    assert npy.starts_as_array(data)
    return [np.asarray(frame.image) for frame in npy.images(data)]


@pytest.mark.parametrize("shape", [(8, 9), (8, 9, 3), (8, 9, 4)])
def test_one_image(shape: tuple[int, ...]) -> None:
    array = levels(*shape)
    for data in (
        saved(array),
        saved(np.asfortranarray(array)),
        packed(image=array),
        packed(arr_0=array, age=np.int64(3)),
    ):
        (image,) = seen(data)
        assert np.array_equal(image, array)


@pytest.mark.parametrize(
    ("shape", "count"),
    [((5, 8, 9), 5), ((8, 9, 1), 1), ((1, 8, 9), 1), ((5, 8, 9, 3), 5), ((5, 8, 9, 1), 5), ((5, 1, 8, 9), 5)],
)
def test_a_stack_is_as_many_images(shape: tuple[int, ...], count: int) -> None:
    array = levels(*shape)
    images = seen(saved(array))
    assert len(images) == count
    assert np.array_equal(np.stack(images).ravel(), array.ravel())


def test_truth_values_are_black_and_white_and_deep_greys_keep_their_order() -> None:
    (mask,) = seen(saved(levels(8, 9) > 100))
    assert set(np.unique(mask)) == {0, 255}
    for kind in (np.int16, np.uint16, np.float16, np.float64, ">f4"):
        (frame,) = npy.images(saved(np.arange(72).reshape(8, 9).astype(kind)))
        image = np.asarray(to_rgb(frame.image))[..., 0].astype(float)
        assert (np.diff(image.ravel()) > 0).all()
        assert (image.min(), image.max()) == (0, 255)


def test_deep_colours_share_a_window() -> None:
    array = RNG.integers(0, 4096, (8, 9, 3)).astype(np.uint16)
    (frame,) = npy.images(saved(array))
    assert (np.asarray(to_rgb(frame.image, Scaling("values", 0, 4095))) == np.rint(array / 4095 * 255)).all()


def test_only_the_chosen_images_are_made() -> None:
    frames = list(npy.images(saved(levels(9, 4, 5)), lambda count: [count // 2]))
    assert [(frame.number, frame.count) for frame in frames] == [("5", 9)]


class Harmful:
    def __reduce__(self) -> tuple[object, tuple[str]]:
        return eval, ("1/0",)


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (saved(levels(3, 8, 9)), "3 may be colours or slices"),
        (saved(levels(5, 3, 8, 9)), "3 may be colours or slices"),
        (saved(levels(9)), "no image"),
        (saved(levels(2, 2, 2, 8, 9)), "no image"),
        (saved(np.array(["a", "b"])), "no image"),
        (saved(np.ones((4, 4), complex)), "no image"),
        (saved(np.array([[Harmful()]], object)), "Python objects"),
        (saved(levels(8, 9))[:-1], "does not hold"),
        (saved(levels(8, 9)).replace(b"(8, 9)", b"(8, -9"), "."),
        (saved(levels(8, 9)).replace(b"(8, 9)", b"(8,9e9"), "."),
        (saved(levels(0, 9)), "does not hold"),
        (packed(a=levels(8, 9), b=levels(8, 9)), "not known which"),
        (b"\x93NUMPY\x01\0\xff\xff" + pickle.dumps(1), "."),
    ],
)
def test_what_is_no_image_is_refused_with_its_reason(data: bytes, reason: str) -> None:
    with pytest.raises(UnreadableImageError, match=reason):
        seen(data)
