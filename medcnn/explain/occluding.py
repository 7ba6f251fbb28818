"""Occlusion maps of an exported model, an ensemble or a cascade among them, for as many images as its cost allows."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
from PIL import Image

from medcnn.core.arrays import Floats
from medcnn.core.seeding import THREADS, derived
from medcnn.dataset.part import Part
from medcnn.explain.shuffling import shuffled_onnx
from medcnn.explain.trust import Maps
from medcnn.inference import sessions
from medcnn.inference.occlusion import PATCHES, asked, occlusion
from medcnn.networks import exact

if TYPE_CHECKING:
    from onnxruntime import InferenceSession

    from medcnn.networks.exact import Exact

MACS = 18 * 10**10
"""Multiply-accumulates that the maps of a study may take: about five seconds of one core."""
CHECKED = 3
"""Images whose map is compared with that of shuffled weights."""
_PLACES = (10, PATCHES)
"""Of the patch, side by side; see ``occlusion``."""
_BATCH = 32


@dataclass(frozen=True)
class Plan:
    """How many images have a map, how many of them one of shuffled weights too, and how fine maps are."""

    images: int
    checked: int
    places: int


def affordable(macs: int, images: int) -> Plan:
    """The most that a model of this cost per image is asked: coarser maps before fewer of them."""
    for places in _PLACES:
        maps = MACS // (macs * asked(places))
        checked = min(CHECKED, images, maps // 2)
        if maps - checked >= images:
            return Plan(images, checked, places)
    return Plan(maps - checked, checked, places)


def maps(onnx: Path, images: Part, classes: np.ndarray, macs: int, seed: int) -> Maps:
    """Occlusion maps of the first images, as many as are affordable.

    Args:
        onnx: the exported model.
        images: N images, those that matter most first.
        classes: (N,) the class that is explained in each.
        macs: multiply-accumulates of the model for one image.
        seed: of the shuffled weights.
    """
    plan = affordable(macs, len(images))
    content = onnx.read_bytes()
    random = shuffled_onnx(content, derived("explain", seed))
    learnt, shuffled = (exact.opened(model, onnx, threads=1) for model in (content, random))
    return Maps(
        _maps(learnt, images, classes, plan.images, plan.places),
        _maps(shuffled, images, classes, plan.checked, plan.places),
    )


def log_odds(probabilities: np.ndarray, index: int) -> Floats:
    """The logarithm of p / (1 - p), (N,), for one class of probabilities (N, C).

    1 - p is the sum of the others, which keeps its digits where p rounds to 1: what is sure has a map as well.
    """
    smallest = np.finfo(np.float32).tiny
    of_class = probabilities[:, index].astype(np.float64)
    others = np.delete(probabilities, index, axis=1).sum(axis=1, dtype=np.float64)
    odds: Floats = np.log(of_class + smallest) - np.log(others + smallest)
    return odds


def _maps(session: InferenceSession | Exact, images: Part, classes: np.ndarray, count: int, places: int) -> Floats:
    def of_class(index: int, some: np.ndarray) -> Floats:
        return log_odds(sessions.probabilities(session, some.astype(np.float32)), index)

    def of_image(pixels: np.ndarray, index: int) -> npt.NDArray[np.float32]:
        return _cells(occlusion(pixels, partial(of_class, index), _BATCH, places), places)

    # Threads within a call wait for each other busily, which doubles the work of so small a model.
    with ThreadPoolExecutor(THREADS) as pool:
        found = list(pool.map(of_image, images.pixels(slice(0, count)), classes[:count].tolist()))
    return np.array(found, np.float64).reshape(-1, places, places)


def _cells(heat: Floats, places: int) -> npt.NDArray[np.float32]:
    """The mean over each of so many cells side by side: a map is no finer than where patches lay."""
    return np.asarray(Image.fromarray(heat.astype(np.float32)).resize((places, places), Image.Resampling.BOX))
