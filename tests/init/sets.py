"""Small image sets as people have them, drawn anew."""

from __future__ import annotations

import io
from collections.abc import Iterable, Mapping
from pathlib import Path

import numpy as np
from PIL import Image


def picture(seed: int, *, side: int = 40, suffix: str = "png", bright: bool = False) -> bytes:
    """An image file of smooth noise that is like no other, with a bright square where asked for."""
    rng = np.random.default_rng(seed)
    coarse = Image.fromarray(rng.integers(0, 160, (6, 6, 3), np.uint8)).resize((side, side), Image.Resampling.BICUBIC)
    pixels = np.asarray(coarse).copy()
    if bright:
        pixels[side // 4 : side // 2, side // 4 : side // 2] = 250
    stream = io.BytesIO()
    Image.fromarray(pixels).save(stream, {"jpg": "JPEG"}.get(suffix, suffix))
    return stream.getvalue()


def written(folder: Path, names: Iterable[str], others: Mapping[str, bytes] | None = None, side: int = 40) -> Path:
    """A folder with an image under each name, each another one, and other files."""
    drawn = {name: picture(seed, side=side, suffix=name.rpartition(".")[2]) for seed, name in enumerate(names)}
    for name, data in {**drawn, **(others or {})}.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    return folder


def by_class(patients: int = 30, images: int = 2) -> list[str]:
    """Names with a folder for each of two classes, several images of a patient."""
    return [
        f"{('benign', 'malignant')[patient % 2]}/patient{patient:03}_{image}.png"
        for patient in range(patients)
        for image in range(images)
    ]
