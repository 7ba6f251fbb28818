from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from PIL import Image, ImageOps

from medcnn.grouping import duplicates
from medcnn.inference import novelty
from medcnn.split import appearance
from tests.conftest import picture


def measures(image: Image.Image) -> dict[str, float]:
    [values] = appearance.measured(duplicates.thumbnail(image)[None]).tolist()
    return dict(zip(appearance.MEASURES, values, strict=True))


def table(spreads: list[float]) -> pd.DataFrame:
    paths = [f"{place}.png" for place in range(len(spreads))]
    return pd.DataFrame({"path": paths, "label": ["a", "b"] * (len(spreads) // 2), "spread": spreads})


def test_what_is_measured_of_a_picture_with_a_black_frame() -> None:
    framed = ImageOps.expand(Image.new("L", (56, 56), 200), 4, 0)
    found = measures(framed)
    assert found["brightness"] == pytest.approx(200 * 56**2 / 64**2, abs=1)
    assert (found["border"], found["margin"], found["tones"]) == (0, 1, 1)
    assert measures(picture(1))["margin"] < 0.5
    assert measures(picture(1))["tones"] < appearance.FEW_TONES


@pytest.mark.parametrize("level", [0, 7, 255])
def test_a_picture_of_one_tone_is_flat_whatever_tone_it_is(level: int) -> None:
    noisy = np.random.default_rng(0).normal(level, 2, (64, 64)).clip(0, 255).astype(np.uint8)
    assert measures(Image.fromarray(noisy))["spread"] < appearance.FLAT < measures(picture(1))["spread"]


def test_a_few_flat_images_are_a_warning_and_most_of_a_set_an_error() -> None:
    (few,) = appearance.flat(table([0.0, 1.0, 0.5, *[40.0] * 7]))
    assert (few.severity, few.count, few.examples) == ("warning", 3, ("0.png", "1.png", "2.png"))
    assert "a 2" in few.text
    assert "b 1" in few.text
    assert [doubt.severity for doubt in appearance.flat(table([0.0] * 6 + [40.0] * 4))] == ["error"]
    assert list(appearance.flat(table([40.0] * 10))) == []


def scans(count: int, seed: int) -> np.ndarray:
    """Noisy bright discs on black."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[:32, :32] / 31 - 0.5
    a, b = rng.uniform(0.3, 0.45, (2, count, 1, 1))
    grey = 120 * ((x / a) ** 2 + (y / b) ** 2 < 1) + rng.normal(0, 12, (count, 32, 32)) + 20
    return np.repeat(grey.clip(0, 255).astype(np.uint8)[..., None], 3, axis=3)


@pytest.mark.parametrize("kind", ["inverted", "noise", "coloured"])
@pytest.mark.parametrize("count", [1, 3])
def test_images_unlike_the_rest_are_found_also_where_they_are_several(kind: str, count: int) -> None:
    usual, rng = scans(150, 0), np.random.default_rng(1)
    strange = {
        "inverted": 255 - scans(count, 2),
        "noise": rng.integers(0, 256, (count, 32, 32, 3)).astype(np.uint8),
        "coloured": scans(count, 3) // np.array([1, 4, 2], np.uint8),
    }[kind]
    features = novelty.features(np.concatenate([usual, strange]))
    far = appearance.unlike_the_rest(features.__getitem__, np.arange(len(features)))
    assert far[150:].all()
    assert far[:150].sum() <= 2


def test_nothing_is_called_unlike_among_few_images_or_groups() -> None:
    features = novelty.features(np.concatenate([scans(100, 0), 255 - scans(1, 1)]))
    assert not appearance.unlike_the_rest(features[-30:].__getitem__, np.arange(30)).any()
    assert not appearance.unlike_the_rest(features.__getitem__, np.arange(101) % 3).any()


def test_many_images_unlike_the_rest_are_a_warning_and_few_a_note() -> None:
    paths = pd.Series([f"{place}.png" for place in range(100)])
    (few,), (many,) = (list(appearance.unlike(paths, np.arange(100) < count)) for count in (2, 3))
    assert (few.severity, few.count, few.examples) == ("note", 2, ("0.png", "1.png"))
    assert many.severity == "warning"
    assert list(appearance.unlike(paths, np.zeros(100, bool))) == []
