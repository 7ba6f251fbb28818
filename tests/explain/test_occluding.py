from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import numpy_helper

from medcnn.core import processors
from medcnn.dataset import part
from medcnn.explain import occluding, trust
from medcnn.explain.shuffling import shuffled_onnx
from medcnn.inference import sessions
from medcnn.inference.occlusion import asked
from tests.explain.networks import save_squares
from tests.project import SIZE, prepared_study

CLASSES = ("healthy", "nodule", "spiculated", "ground_glass")


def test_a_map_is_hot_where_the_model_looks_and_shuffled_weights_look_elsewhere(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.chdir(prepared_study(tmp_path, "phantom", CLASSES))
    test = part.read("phantom", CLASSES)
    onnx_file = save_squares(tmp_path / "model.onnx", SIZE, len(CLASSES))
    maps = occluding.maps(onnx_file, test, test.labels, macs=1000, seed=1)
    assert len(maps.heat) == len(test)
    assert len(maps.shuffled) == occluding.CHECKED
    cells = maps.heat.shape[1]
    for heat, label in zip(maps.heat, test.labels, strict=True):
        row, column = (index * SIZE / cells for index in np.unravel_index(heat.argmax(), heat.shape))
        assert abs(row - (7 + 6 * label)) < 7
        assert 4 < column < 22
    for heat, shuffled in zip(maps.heat, maps.shuffled, strict=False):
        assert trust.rank_correlation(heat, shuffled) < 0.6
    again = occluding.maps(onnx_file, test, test.labels, macs=1000, seed=1)
    assert (again.heat == maps.heat).all() and (again.shuffled == maps.shuffled).all()
    # Where bytes are portable, ONNX Runtime is not asked.
    monkeypatch.setattr(processors, "held_to", lambda: "AVX2")
    monkeypatch.setattr(sessions, "session", None)
    portable = occluding.maps(onnx_file, test, test.labels, macs=1000, seed=1)
    np.testing.assert_allclose(portable.heat, maps.heat, rtol=1e-3, atol=1e-3)


@pytest.mark.parametrize("macs", [1, 10**6, 10**8, 10**9, 10**10, 10**13])
@pytest.mark.parametrize("images", [0, 1, 20])
def test_no_more_is_asked_than_is_affordable(macs: int, images: int):
    plan = occluding.affordable(macs, images)
    assert 0 <= plan.checked <= min(occluding.CHECKED, plan.images) <= plan.images <= images
    assert (plan.images + plan.checked) * asked(plan.places) * macs <= occluding.MACS
    if macs == 1:
        assert plan.images == images


def test_what_is_sure_keeps_its_log_odds():
    probabilities = np.array([[1.0, 1e-20, 1e-30], [0.25, 0.5, 0.25], [0.0, 1.0, 0.0]], np.float32)
    assert occluding.log_odds(probabilities, 0)[:2] == pytest.approx([np.log(1e20), np.log(1 / 3)], rel=1e-4)
    assert np.isfinite(occluding.log_odds(probabilities, 1)).all()


def test_kernels_alone_are_shuffled_and_keep_their_values(tmp_path: Path):
    before = save_squares(tmp_path / "model.onnx", SIZE, 4).read_bytes()
    after = shuffled_onnx(before, np.random.default_rng(0))
    assert after == shuffled_onnx(before, np.random.default_rng(0))
    one, other = (
        {tensor.name: numpy_helper.to_array(tensor) for tensor in onnx.load_from_string(content).graph.initializer}
        for content in (before, after)
    )
    assert (one["bias"] == other["bias"]).all() and (one["shape"] == other["shape"]).all()
    assert (one["kernel"] != other["kernel"]).any()
    assert (np.sort(one["kernel"].ravel()) == np.sort(other["kernel"].ravel())).all()
