from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from medcnn.predict import occlusion
from tests.predict.conftest import SIDE


def test_the_picture_is_red_where_probability_falls_and_blue_where_it_rises():
    heat = np.zeros((SIDE, SIDE))
    heat[:16], heat[16:] = 0.3, -0.3
    page = Image.open(io.BytesIO(occlusion.picture(np.full((SIDE, SIDE, 3), 90, np.uint8), heat, "bright 0.7: \u00e9")))
    (red, _, blue), (red_below, _, blue_below) = (page.getpixel((224, y)) for y in (60, 380))
    assert red > blue and red_below < blue_below


@pytest.mark.parametrize(
    "path", ["../../etc/passwd", "..", "", "a\0b\n.png", "C:\\scans\\x.png", "x" * 5000, "\udcff.png"]
)
def test_names_stay_in_their_folder_and_differ(path: str):
    name = occlusion.file_name(path)
    assert Path(name).name == name
    assert len(name) < 120 and name.isascii() and name.isprintable() and not name.startswith(".")
    assert name != occlusion.file_name(f"{path}/")
