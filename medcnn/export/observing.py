"""Ranges and means of a network's tensors while it runs on the calibration images."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import onnxruntime
from onnx import ModelProto, helper

from medcnn.core import processors
from medcnn.core.arrays import Floats, Integers
from medcnn.core.seeding import THREADS
from medcnn.dataset.part import Part
from medcnn.inference.sessions import INPUT

if TYPE_CHECKING:
    from medcnn.networks.exact import Exact

_BATCH = 2
"""Images at a time: a ResNet50 makes 100 MB of activations of one."""
_SAMPLE = 50_000
"""So many values of a tensor enter its histogram for each batch, evenly spaced."""
_BINS = 2048
_LEVELS = 256
_TAIL = 5e-5
_SHRUNK = np.linspace(1, 0.3, 71)
_SILENT = 4

Range = tuple[float, float]


@dataclass(frozen=True)
class Observed:
    """What was observed, by tensor.

    Attributes:
        ranges: the values that int8 should cover, 0 among them.
        means: the mean of each channel (C,) over images and positions; channels are the second axis.
    """

    ranges: Mapping[str, Range]
    means: Mapping[str, Floats]


def observed(model: ModelProto, tensors: Sequence[str], images: Part, method: str) -> Observed:
    """Run images through a network, a few at a time, so that memory does not grow with their number.

    Args:
        model: takes ``image``.
        tensors: names of what to observe, each (batch, channels, ...).
        images: the calibration images.
        method: ``minmax``, all that was seen; ``percentile``, without the utmost 0.005% on either side; or
            ``entropy``, the part of the range that loses least information (see ``least_divergent``). The latter two
            run the images a second time, for histograms within the ranges of the first.
    """
    session = _session(model, tensors)
    ranges: dict[str, Range] = dict.fromkeys(tensors, (0.0, 0.0))
    sums: dict[str, Floats] = {}
    for name, values in _flow(session, tensors, images):
        low, high = ranges[name]
        ranges[name] = (min(low, float(values.min())), max(high, float(values.max())))
        of_images = values.reshape(*values.shape[:2], -1).mean(axis=2)
        sums[name] = sums.get(name, 0.0) + of_images.sum(axis=0, dtype=np.float64)
    means = {name: total / len(images) for name, total in sums.items()}
    if method == "minmax":
        return Observed(ranges, means)
    narrowed = {"percentile": without_tails, "entropy": least_divergent}[method]
    counts = dict.fromkeys(tensors, np.zeros(_BINS, np.int64))
    for name, values in _flow(session, tensors, images):
        sample = values.ravel()[:: max(1, values.size // _SAMPLE)]
        counts[name] = counts[name] + np.histogram(sample, _BINS, ranges[name])[0]
    return Observed({name: narrowed(counts[name], ranges[name]) for name in tensors}, means)


def without_tails(counts: Integers, seen: Range) -> Range:
    """The range without the bins at either end that together hold at most 0.005% of all values."""
    low, high = seen
    edges = np.linspace(low, high, len(counts) + 1)
    share = np.cumsum(counts) / counts.sum()
    below = np.count_nonzero(share <= _TAIL)
    above = np.count_nonzero(share < 1 - _TAIL)
    return min(float(edges[below]), 0.0), max(float(edges[above + 1]), 0.0)


def least_divergent(counts: Integers, seen: Range) -> Range:
    """The share of the range, 30% to all of it, whose 256 levels lose least of the histogram.

    As in TensorRT (Migacz, 8-bit Inference with TensorRT, GTC 2017): values out of range move to its ends, values of a
    level spread evenly over its bins that had any, and the Kullback-Leibler divergence from what was seen is least.
    Zeros, which are most of what follows a ReLU and fit any range, do not count.
    """
    ranges = [(seen[0] * float(share), seen[1] * float(share)) for share in _SHRUNK]
    edges = np.linspace(*seen, len(counts) + 1)
    centres = (edges[1:] + edges[:-1]) / 2
    others = np.where((edges[:-1] <= 0) & (edges[1:] >= 0), 0, counts)
    return ranges[int(np.argmin([_divergence(others, centres, within) for within in ranges]))]


def _divergence(counts: Integers, centres: Floats, within: Range) -> float:
    """The Kullback-Leibler divergence of a histogram (bins,) from what 256 levels within a range keep of it."""
    low, high = within
    step = (high - low) / (_LEVELS - 1) or 1.0
    inside = (centres >= low) & (centres <= high)
    nearest = np.searchsorted(centres[inside], centres.clip(low, high)).clip(0, max(inside.sum() - 1, 0))
    clipped = np.bincount(nearest, counts, inside.sum())
    level = np.round((centres[inside] - low) / step).astype(int)
    had = (counts[inside] > 0).astype(float)
    kept = np.bincount(level, counts[inside], _LEVELS) / np.bincount(level, had, _LEVELS).clip(1)
    spread = np.where(had > 0, kept[level], 0)
    lost = clipped > 0
    expected, actual = clipped[lost] / max(clipped.sum(), 1), spread[lost].clip(1e-9) / max(spread.sum(), 1e-9)
    return float((expected * np.log(expected / actual)).sum())


def _flow(
    session: onnxruntime.InferenceSession | Exact, tensors: Sequence[str], images: Part
) -> Iterator[tuple[str, np.ndarray]]:
    for batch in images.batches(_BATCH):
        yield from zip(tensors, session.run(tensors, {INPUT: batch}), strict=True)


def _session(model: ModelProto, tensors: Sequence[str]) -> onnxruntime.InferenceSession | Exact:
    """A session that answers with tensors from inside the network."""
    showing = ModelProto()
    showing.CopyFrom(model)
    del showing.graph.output[:]
    showing.graph.output.extend(helper.make_empty_tensor_value_info(name) for name in tensors)
    if processors.held_to():
        from medcnn.networks.exact import Exact

        return Exact(showing)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = THREADS
    options.log_severity_level = _SILENT
    return onnxruntime.InferenceSession(showing.SerializeToString(), options, providers=["CPUExecutionProvider"])
