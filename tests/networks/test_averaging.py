from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from medcnn.params.shared.models import Tta
from tests.export.networks import small_network
from tests.lazy import lazy

averaging = lazy("medcnn.networks.averaging")
cost = lazy("medcnn.networks.cost")
saving = lazy("medcnn.networks.saving")

SIZE = 40
Views = Callable[[np.ndarray], list[np.ndarray]]


def images() -> np.ndarray:
    return np.random.default_rng(1).integers(0, 256, (3, SIZE, SIZE, 3)).astype(np.float32)


def mirrored(image: np.ndarray) -> list[np.ndarray]:
    return [image, image[:, ::-1]]


def corners(image: np.ndarray) -> list[np.ndarray]:
    """The image and its corners of 36 pixels, enlarged by Pillow."""
    channels = [Image.fromarray(channel) for channel in np.moveaxis(image, -1, 0)]
    boxes = [(left, top, left + 36, top + 36) for top in (0, 4) for left in (0, 4)]
    enlarged = [
        [channel.crop(box).resize((SIZE, SIZE), Image.Resampling.BILINEAR) for channel in channels] for box in boxes
    ]
    return [image, *(np.stack([np.asarray(channel) for channel in view], axis=-1) for view in enlarged)]


@pytest.mark.parametrize(("tta", "views"), [("flips", mirrored), ("views", corners)])
@pytest.mark.parametrize("classes", [2, 4])
def test_the_answer_is_the_mean_over_the_views(tta: Tta, views: Views, classes: int, tmp_path: Path) -> None:
    network = small_network(classes, SIZE)
    averaged, pixels = averaging.averaged(network, tta), images()
    expected = [network.predict_on_batch(np.stack(views(image))).mean(axis=0) for image in pixels]
    np.testing.assert_allclose(averaged.predict_on_batch(pixels), expected, atol=1e-5)
    of_views = averaging.features(network, tta).predict_on_batch(pixels)
    np.testing.assert_allclose(
        averaging.head(network, of_views.shape[1]).predict_on_batch(of_views), expected, atol=1e-5
    )
    assert cost.macs(averaged) == of_views.shape[1] * cost.macs(network)
    for name in ("first", "second"):
        saving.save(averaging.averaged(network, tta), tmp_path / f"{name}.keras")
    assert (tmp_path / "first.keras").read_bytes() == (tmp_path / "second.keras").read_bytes()
    again = saving.load(tmp_path / "first.keras")
    np.testing.assert_array_equal(again.predict_on_batch(pixels), averaged.predict_on_batch(pixels))
    assert {"preprocessing", "backbone", "head"} <= {layer.name for layer in again.layers}


def test_without_views_a_network_is_itself() -> None:
    network = small_network(2, SIZE)
    assert averaging.averaged(network, "none") is network
