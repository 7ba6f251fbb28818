"""An image beside the same image under its heat maps, as a small picture."""

from __future__ import annotations

import io
from collections.abc import Sequence
from functools import cache

import numpy as np
import numpy.typing as npt
from PIL import Image

SIDE = 160
"""Side of the original and of each overlay, in pixels."""
GAP = 4
"""Black pixels between them."""
OPACITY = 0.65
"""Opacity of the map where it is strongest, so that the anatomy stays visible beneath."""
QUALITY = 80
"""Quality of the JPEG, 1..95; at 80 a picture takes about 8 kB."""


def tile(image: npt.NDArray[np.uint8], heats: Sequence[npt.NDArray[np.float32] | None]) -> bytes:
    """A JPEG, ``SIDE`` pixels high: the original on the left, the overlays to its right.

    Args:
        image: uint8 (S, S, 3).
        heats: what was looked at, each (h, w) of 0..1; the place of one that is not there stays black.
    """
    original = Image.fromarray(image).resize((SIDE, SIDE), Image.Resampling.BICUBIC)
    picture = Image.new("RGB", (SIDE + len(heats) * (SIDE + GAP), SIDE))
    picture.paste(original, (0, 0))
    for number, heat in enumerate(heats, start=1):
        if heat is not None:
            picture.paste(Image.fromarray(overlay(original, heat)), (number * (SIDE + GAP), 0))
    buffer = io.BytesIO()
    picture.save(buffer, "JPEG", quality=QUALITY, optimize=True)
    return buffer.getvalue()


def overlay(original: Image.Image, heat: npt.NDArray[np.float32]) -> npt.NDArray[np.uint8]:
    """The image in grey, coloured the more the stronger the map is there; uint8 (H, W, 3).

    The map is interpolated linearly between its cells, which are much larger than a pixel.
    """
    strength = np.asarray(Image.fromarray(heat).resize(original.size, Image.Resampling.BILINEAR)).clip(0, 1)
    colours = _colours()[np.rint(strength * 255).astype(np.uint8)]
    grey = np.asarray(original.convert("L"), np.float32)[..., None]
    share = OPACITY * strength[..., None]
    blended: npt.NDArray[np.uint8] = np.rint(grey * (1 - share) + colours * share).astype(np.uint8)
    return blended


@cache
def _colours() -> npt.NDArray[np.float32]:
    """Matplotlib's inferno, (256, 3) of 0..255: its lightness rises evenly, also for the colour-blind."""
    # Imported here, since it takes a second to load and choosing images does not need it.
    from matplotlib import colormaps

    return (255 * colormaps["inferno"](np.arange(256))[:, :3]).astype(np.float32)
