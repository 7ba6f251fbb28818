from __future__ import annotations

from collections.abc import Callable

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

from medcnn.core.arrays import Integers
from medcnn.export.observing import Range, least_divergent, observed, without_tails
from tests.export.parts import part

PIXELS = np.random.default_rng(0).integers(20, 256, (7, 4, 4, 3), np.uint8)
IMAGES = part(PIXELS, [0, 2, 3, 5, 6])
SEEN = PIXELS[[0, 2, 3, 5, 6]].transpose(0, 3, 1, 2)
HIGHEST = float(SEEN.max())


def network() -> onnx.ModelProto:
    nodes = [
        helper.make_node("Transpose", ["image"], ["x"], perm=[0, 3, 1, 2]),
        helper.make_node("Neg", ["x"], ["negated"]),
        helper.make_node("Flatten", ["negated"], ["probabilities"]),
    ]
    image = helper.make_tensor_value_info("image", TensorProto.FLOAT, ["n", 4, 4, 3])
    answer = helper.make_tensor_value_info("probabilities", TensorProto.FLOAT, ["n", 48])
    graph = helper.make_graph(nodes, "by_hand", [image], [answer])
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 15)], ir_version=8)


def test_ranges_hold_all_that_the_images_show_and_zero() -> None:
    found = observed(network(), ["x", "negated", "probabilities"], IMAGES, "minmax")
    assert found.ranges["x"] == (0.0, HIGHEST)
    assert found.ranges["negated"] == found.ranges["probabilities"] == (-HIGHEST, 0)


def test_means_are_of_channels_over_images_and_places() -> None:
    found = observed(network(), ["x", "probabilities"], IMAGES, "minmax")
    assert found.means["x"] == pytest.approx(SEEN.mean(axis=(0, 2, 3)), rel=1e-6)
    assert found.means["probabilities"] == pytest.approx(-SEEN.reshape(5, -1).mean(axis=0), rel=1e-6)


@pytest.mark.parametrize("method", ["percentile", "entropy"])
def test_other_methods_never_widen_the_range(method: str) -> None:
    found = observed(network(), ["x", "negated"], IMAGES, method)
    assert found.means["x"] == pytest.approx(SEEN.mean(axis=(0, 2, 3)), rel=1e-6)
    low, high = found.ranges["x"]
    assert low == 0
    assert 0.3 * HIGHEST <= high <= HIGHEST
    low, high = found.ranges["negated"]
    assert -HIGHEST <= low <= -0.3 * HIGHEST
    assert high == 0


def test_tails_of_a_few_values_in_a_hundred_thousand_are_cut() -> None:
    counts = np.zeros(2048, np.int64)
    counts[0] = counts[-1] = 3
    counts[1000:1048] = 10_000
    low, high = without_tails(counts, (-10, 10))
    assert low == pytest.approx(-10 + 20 * 1000 / 2048)
    assert high == pytest.approx(-10 + 20 * 1048 / 2048)
    counts[0] = counts[-1] = 300
    assert without_tails(counts, (-10, 10)) == (-10, 10)


def test_a_range_without_values_on_one_side_still_holds_zero() -> None:
    counts = np.zeros(2048, np.int64)
    counts[1500:1600] = 1000
    low, high = without_tails(counts, (0, 2048))
    assert (low, high) == (0, 1600)


def test_entropy_drops_a_lone_outlier_and_keeps_an_even_spread() -> None:
    even = np.full(2048, 100, np.int64)
    assert least_divergent(even, (-1, 3)) == (-1, 3)
    spread = np.random.default_rng(0).normal(0, 1, 200_000)
    counts = np.histogram(np.append(spread, 20), 2048, (-20, 20))[0]
    low, high = least_divergent(counts, (-20, 20))
    assert 4 < high < 12
    assert low == -high


@pytest.mark.parametrize("narrowed", [without_tails, least_divergent])
def test_a_tensor_that_is_always_zero_has_no_range(narrowed: Callable[[Integers, Range], Range]) -> None:
    counts = np.histogram(np.zeros(100), 2048, (0, 0))[0]
    assert narrowed(counts, (0, 0)) == (0, 0)
