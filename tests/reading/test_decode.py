from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

from medcnn.reading import decode
from tests.conftest import encoded, picture

RED = (255, 0, 0)


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA", "CMYK", "I;16"])
def test_every_mode_becomes_rgb_of_the_wanted_size(mode: str) -> None:
    image = picture(1, mode="L" if mode == "I;16" else mode)
    if mode == "I;16":
        image = Image.fromarray(np.asarray(image, np.uint16) * 16)
    pixels = decode.pixels(encoded(image, "TIFF"), 32, "stretch")
    assert pixels.shape == (32, 32, 3)
    assert pixels.dtype == np.uint8
    assert pixels.std() > 10


def test_twelve_bit_greys_use_the_whole_range() -> None:
    values = np.linspace(100, 4095, 64 * 64).reshape(64, 64).astype(np.uint16)
    pixels = decode.pixels(encoded(Image.fromarray(values)), 64, "stretch")
    assert pixels.min() == 0
    assert pixels.max() == 255


def test_an_exif_rotation_is_applied() -> None:
    image = Image.new("RGB", (40, 20))
    image.paste(RED, (0, 0, 20, 20))
    exif = Image.Exif()
    exif[0x0112] = 6  # to be turned by 90 degrees clockwise
    upright = decode.to_rgb(decode.open_image(encoded(image, "JPEG", exif=exif, quality=95)))
    assert upright.size == (20, 40)
    assert upright.getpixel((10, 5))[0] > 200
    assert upright.getpixel((10, 35))[0] < 50


def test_what_is_transparent_is_black_whatever_colour_hides_there() -> None:
    image = Image.new("RGBA", (16, 16), (255, 255, 255, 0))
    assert decode.pixels(encoded(image), 16, "stretch").max() == 0


def test_the_first_frame_of_several_is_taken() -> None:
    frames = [Image.new("L", (16, 16), value) for value in (200, 10, 10)]
    buffer = io.BytesIO()
    frames[0].save(buffer, "TIFF", save_all=True, append_images=frames[1:])
    assert decode.pixels(buffer.getvalue(), 16, "stretch").min() == 200


def test_fit_decides_what_becomes_of_the_aspect_ratio() -> None:
    image = Image.new("RGB", (80, 40), (200, 200, 200))
    image.paste(RED, (0, 0, 10, 40))
    data = encoded(image)
    stretched, padded, cropped = (decode.pixels(data, 40, fit) for fit in ("stretch", "pad", "crop"))
    assert stretched[0, 20, 2] > 150
    assert padded[0, 20].max() == 0
    assert padded[20, 20, 2] > 150
    assert tuple(stretched[20, 1]) == RED
    assert cropped.min() > 150


def test_shrinking_is_antialiased() -> None:
    stripes = np.zeros((128, 128), np.uint8)
    stripes[:, ::2] = 255
    assert decode.pixels(encoded(Image.fromarray(stripes)), 32, "stretch").std() < 10


@pytest.mark.parametrize("data", [b"", b"not an image", encoded(picture(1))[:200], b"\x89PNG\r\n\x1a\n" + b"\0" * 50])
def test_bytes_that_are_no_whole_image_are_refused_with_a_reason(data: bytes) -> None:
    with pytest.raises(decode.UnreadableImageError) as caught:
        decode.open_image(data)
    assert str(caught.value)
    assert "\n" not in str(caught.value)


def test_an_image_that_inflates_beyond_the_limit_is_refused() -> None:
    bomb = encoded(Image.new("1", (20000, 20000)))
    assert len(bomb) < 100_000
    with pytest.raises(decode.UnreadableImageError, match="exceeds limit"):
        decode.open_image(bomb)


def test_a_damaged_exif_block_does_not_cost_the_image() -> None:
    image = picture(1, mode="RGB")
    data = encoded(image, "PNG", exif=b"Exif\x00\x00garbage that is no TIFF")
    assert decode.pixels(data, 32, "stretch").shape == (32, 32, 3)
