"""Pictures of where a grey patch, slid over an image, takes probability from its class: see ``inference.occlusion``."""

from __future__ import annotations

import hashlib
import io
import os
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw

from medcnn.core import files
from medcnn.inference.occlusion import occlusion
from medcnn.predict.model import Model
from medcnn.predict.rows import Row
from medcnn.runtime.console import shown

SIDE = 448
"""The side of the picture, in pixels."""
OPACITY = 0.6
_LEGEND, _BAR = 72, 128
_FALL, _RISE = (255, 60, 0), (0, 120, 255)
_LEAST = 0.01
"""The change of probability that is shown strongest where all changes are smaller, so that noise stays pale."""
_LONGEST_NAME = 80


def explained(row: Row, model: Model, folder: Path, batch: int) -> Row:
    """The row, with the picture that explains its class, or the most probable one where none or several are predicted.

    Args:
        row: as it was answered; one with an error stays as it is.
        model: what predicts.
        folder: made if it does not exist.
        batch: images in a run.
    """
    if row.pixels is None or not row.probabilities:
        return row
    likeliest = max(row.probabilities, key=lambda key: row.probabilities[key])
    name = row.label if row.label and row.label in row.probabilities else likeliest
    index = list(row.probabilities).index(name)
    heat = occlusion(row.pixels, lambda images: model.probabilities(images)[:, index], batch)
    target = folder / file_name(row.path)
    last = shown(re.split(r"[/\\]", row.path)[-1])
    files.write_bytes(target, picture(row.pixels, heat, f"{name} {row.probabilities[name]:.4f}: {last}"))
    return replace(row, explanation=target.name)


def file_name(path: str) -> str:
    """A name for the picture of a path: readable, without folders, and unique by a digest of the whole path."""
    readable = re.sub(r"[^A-Za-z0-9._#-]+", "_", re.split(r"[/\\]", path)[-1]).strip("._")[:_LONGEST_NAME]
    return f"{readable or 'image'}-{hashlib.sha256(os.fsencode(path)).hexdigest()[:12]}.png"


def picture(pixels: np.ndarray, heat: np.ndarray, title: str) -> bytes:
    """A PNG: the image in grey under its heat, red where the patch lowers the probability, blue where it raises it."""
    strongest = max(float(np.abs(heat).max()), _LEAST)
    page = Image.new("RGB", (SIDE, SIDE + _LEGEND), "white")
    page.paste(_overlay(pixels, heat / strongest), (0, 0))
    _legend(page, strongest, title)
    buffer = io.BytesIO()
    page.save(buffer, "PNG")
    return buffer.getvalue()


def _overlay(pixels: np.ndarray, strength: np.ndarray) -> Image.Image:
    large = Image.fromarray(pixels).convert("L").resize((SIDE, SIDE), Image.Resampling.BICUBIC)
    field = Image.fromarray(strength.astype(np.float32)).resize((SIDE, SIDE), Image.Resampling.BICUBIC)
    return Image.fromarray(_coloured(np.asarray(large, np.float64), np.asarray(field, np.float64).clip(-1, 1)))


def _coloured(grey: np.ndarray, strength: np.ndarray) -> np.ndarray:
    """Greys (H, W) under strengths (H, W) of -1..1, as uint8 (H, W, 3)."""
    colour = np.where(strength[..., None] > 0, _FALL, _RISE)
    share = OPACITY * np.abs(strength[..., None])
    return np.rint(grey[..., None] * (1 - share) + colour * share).astype(np.uint8)


def _legend(page: Image.Image, strongest: float, title: str) -> None:
    draw = ImageDraw.Draw(page)
    # Pillow's own font has Latin letters only.
    draw.text((8, SIDE + 6), title.encode("ascii", "backslashreplace").decode()[:72], fill="black")
    scale = np.linspace(-1, 1, _BAR)[None].repeat(12, axis=0)
    left = (SIDE - _BAR) // 2
    page.paste(Image.fromarray(_coloured(np.full_like(scale, 230.0), scale)), (left, SIDE + 28))
    draw.text((8, SIDE + 28), f"rises by {strongest:.3f}", fill="black")
    draw.text((left + _BAR + 8, SIDE + 28), f"falls by {strongest:.3f}", fill="black")
    draw.text((8, SIDE + 50), "Change of its probability where a grey patch hides the image.", fill="black")
