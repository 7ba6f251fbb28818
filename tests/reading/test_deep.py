from __future__ import annotations

import io

import numpy as np
import pytest
from imagecodecs import png_encode
from PIL import Image

from medcnn.reading import decode
from medcnn.reading.greys import Scaling

WINDOW = Scaling("values", 0, 4095)


def twelve_bits(channels: int) -> np.ndarray:
    return np.random.default_rng(channels).integers(0, 4096, (37, 41, channels)).astype(np.uint16)


def shown(data: bytes, scale: Scaling = WINDOW) -> np.ndarray:
    return np.asarray(decode.to_rgb(decode.open_image(data), scale))


def in_eight(values: np.ndarray) -> np.ndarray:
    return np.rint(np.broadcast_to(values, (*values.shape[:2], 3)) / 4095 * 255).astype(np.uint8)


@pytest.mark.parametrize("channels", [1, 3])
def test_deep_pngs_are_scaled_as_a_whole(channels: int) -> None:
    values = twelve_bits(channels)
    assert (shown(png_encode(values.squeeze())) == in_eight(values)).all()


@pytest.mark.parametrize("channels", [2, 4])
def test_alpha_is_no_colour_and_what_it_hides_is_black(channels: int) -> None:
    values = twelve_bits(channels)
    values[..., -1] = 65535
    values[:5, :, -1] = 0
    expected = in_eight(values[..., :-1])
    expected[:5] = 0
    assert (shown(png_encode(values)) == expected).all()


@pytest.mark.parametrize("text", [False, True])
def test_deep_portable_maps(text: bool) -> None:
    grey, colour = twelve_bits(1), twelve_bits(3)
    body = " ".join(map(str, grey.ravel())).encode() if text else grey.astype(">u2").tobytes()
    for highest in (4095, 65535):
        assert (shown(f"{'P2' if text else 'P5'} 41 37 {highest}\n".encode() + body) == in_eight(grey)).all()
    data = b"P6 41 37 65535\n" + colour.astype(">u2").tobytes()
    assert (shown(data) == in_eight(colour)).all()
    with pytest.raises(decode.UnreadableImageError):
        decode.open_image(b"P3 1 1 4095\n1 2 3")


def test_colours_share_one_window() -> None:
    values = twelve_bits(3)
    values[..., 2] //= 4
    seen = shown(png_encode(values), Scaling())
    assert seen[..., 0].max() == 255
    assert 60 <= seen[..., 2].max() <= 68


def stored_png(array: np.ndarray, **options: object) -> bytes:
    file = io.BytesIO()
    Image.fromarray(array).save(file, "PNG", **options)
    return file.getvalue()


def test_a_transparent_value_is_black_in_deep_and_in_plain_greys() -> None:
    deep = twelve_bits(1)[..., 0]
    plain = (deep >> 4).astype(np.uint8)
    for array, scale in ((deep, 4095), (plain, 255)):
        expected = np.where(array == array[3, 4], 0, np.rint(array / scale * 255))
        assert (shown(stored_png(array, transparency=int(array[3, 4])))[..., 0] == expected).all()
