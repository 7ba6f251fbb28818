from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import helper, numpy_helper

from medcnn.core.errors import MedcnnError
from medcnn.ensemble.rules import Cascade, Dense, Vote, WeightedMean, as_written
from medcnn.export import compose
from medcnn.export.canonical import canonical
from medcnn.inference import sessions
from medcnn.measures import calibration
from tests.export.members import CLASSES, FEATURES, images, member, raw

MEMBERS = [member(head, backbone=head) for head in range(3)]


def dense(join: str, features: int) -> Dense:
    rng = np.random.default_rng(3)
    kernel = rng.normal(0, 1, (features, CLASSES))
    return Dense(join, as_written(kernel), as_written(-kernel.sum(axis=0) / CLASSES))


RULES = {
    "mean": WeightedMean((0.333333, 0.333333, 0.333333)),
    "weighted": WeightedMean((0.7, 0.2, 0.1)),
    "vote": Vote(),
    "mean_dense": dense("mean", CLASSES),
    "concat_dense": dense("concat", 3 * CLASSES),
}


def answer(model: onnx.ModelProto, batch: np.ndarray) -> np.ndarray:
    return sessions.probabilities(sessions.session(model.SerializeToString(), Path("model.onnx")), batch)


def raw_answers(count: int, heads: range = range(3)) -> np.ndarray:
    """Raw probabilities (M, N, C) of the members' networks."""
    return np.stack([answer(raw(head, backbone=head), images(count)) for head in heads]).astype(np.float64)


def operators(graph: onnx.GraphProto) -> Iterator[str]:
    for node in graph.node:
        yield node.op_type
        for part in node.attribute:
            yield from operators(part.g)


@pytest.mark.parametrize("temperature", [0.05, 1.0, 2.5])
def test_the_temperature_in_the_graph_is_that_of_calibration(temperature: float) -> None:
    model = member(1, temperature=temperature)
    onnx.checker.check_model(model, full_check=True)
    expected = calibration.scaled(answer(raw(1), images(40)).astype(np.float64), temperature)
    np.testing.assert_allclose(answer(model, images(40)), expected, atol=2e-6)


def test_certain_answers_are_scaled_as_by_calibration() -> None:
    """Probabilities of exactly 0 and 1 have no logarithms of use."""
    hard = raw(1, last=helper.make_node("Hardmax", ["logits"], ["answer"], axis=1))
    assert set(np.unique(answer(hard, images(20)))) == {0, 1}
    expected = calibration.scaled(answer(hard, images(20)).astype(np.float64), 3.0)
    np.testing.assert_allclose(answer(compose.calibrated(hard, 3.0), images(20)), expected, atol=1e-6)


@pytest.mark.parametrize("name", RULES)
def test_an_ensemble_answers_as_its_rule_at_any_batch_size(name: str) -> None:
    model = compose.combined(RULES[name], MEMBERS, 1.5)
    onnx.checker.check_model(model, full_check=True)
    expected = calibration.scaled(RULES[name].combine(raw_answers(40)), 1.5)
    assert np.ptp(expected, axis=0).max() > 0.1
    for count in (40, 1, 0):
        np.testing.assert_allclose(answer(model, images(40)[:count]), expected[:count], atol=2e-6)


def test_the_members_own_temperatures_do_not_count() -> None:
    warmer = [member(head, backbone=head, temperature=4.0) for head in range(3)]
    one, other = (compose.combined(RULES["weighted"], members, 1.5) for members in (MEMBERS, warmer))
    assert one == other


def test_a_backbone_that_members_share_runs_once() -> None:
    alone, shared = member(0), [member(head) for head in range(3)]
    model = compose.combined(RULES["mean"], shared, 1.0)
    count = list(operators(model.graph)).count
    assert count("GlobalAveragePool") == list(operators(alone.graph)).count("GlobalAveragePool") == 1
    # One for the backbone, and one for each head.
    assert count("MatMul") == 4
    assert [tensor.dims for tensor in model.graph.initializer].count([3, FEATURES]) == 1


def thresholds() -> dict[str, float]:
    """Thresholds at which the first network answers all, some or no images."""
    confidence = np.sort(calibration.scaled(raw_answers(40)[0], 0.8).max(axis=1))
    return {"all": 0.0, "some": float(confidence[18:20].mean()), "none": 1.0}


@pytest.mark.parametrize("first_answers", ["all", "some", "none"])
@pytest.mark.parametrize("backbones", [(0, 1), (0, 0)])
def test_a_cascade_answers_as_its_rule_at_any_batch_size(first_answers: str, backbones: tuple[int, int]) -> None:
    rule = Cascade(0.8, thresholds()[first_answers])
    pair = [(0, backbones[0]), (1, backbones[1])]
    model = compose.combined(rule, [member(*each) for each in pair], 1.3)
    onnx.checker.check_model(model, full_check=True)
    both = np.stack([answer(raw(*each), images(40)) for each in pair]).astype(np.float64)
    answered = rule.first_answers(both[0]).sum()
    assert {"all": answered == 40, "some": 0 < answered < 40, "none": answered == 0}[first_answers]
    expected = calibration.scaled(rule.combine(both), 1.3)
    np.testing.assert_allclose(answer(model, images(40)), expected, atol=2e-6)
    one_by_one = np.concatenate([answer(model, images(40)[row : row + 1]) for row in range(40)])
    np.testing.assert_allclose(one_by_one, expected, atol=2e-6)
    assert answer(model, images(0)).shape == (0, CLASSES)


def test_what_a_cascades_networks_share_runs_once() -> None:
    model = compose.combined(Cascade(1.0, 0.5), [member(0), member(1)], 1.0)
    assert list(operators(model.graph)).count("GlobalAveragePool") == 1
    assert list(operators(model.graph)).count("MatMul") == 3
    otherwise = compose.combined(Cascade(1.0, 0.5), [member(0, 0), member(1, 1)], 1.0)
    assert list(operators(otherwise.graph)).count("MatMul") == 4


def test_the_second_network_is_not_run_where_the_first_answers_everything() -> None:
    broken = raw(1, backbone=1)
    shape = numpy_helper.from_array(np.array([7, 7]), "impossible")
    broken.graph.initializer.append(shape)
    broken.graph.node[-1].CopyFrom(
        helper.make_node("Reshape", [broken.graph.node[-1].input[0], "impossible"], ["probabilities"])
    )
    pair = [member(0), compose.calibrated(canonical(broken), 1.0)]
    skipped = answer(compose.combined(Cascade(1.0, 0.0), pair, 1.0), images(5))
    np.testing.assert_allclose(skipped, answer(member(0), images(5)), atol=1e-6)
    with pytest.raises(MedcnnError, match="could not run the model"):
        answer(compose.combined(Cascade(1.0, 1.0), pair, 1.0), images(5))


@pytest.mark.parametrize("rule", [*RULES.values(), Cascade(1.0, 0.5)])
def test_a_composed_model_has_one_form(rule: Any) -> None:
    members = MEMBERS[: 2 if isinstance(rule, Cascade) else 3]
    whole = compose.combined(rule, members, 1.1)
    assert compose.combined(rule, members, 1.1).SerializeToString() == whole.SerializeToString()
    assert canonical(whole) == whole


def test_members_of_other_versions_are_lifted_to_the_newest() -> None:
    mixed = compose.combined(RULES["vote"], [member(0), member(1, opset=17)], 1.0)
    same = compose.combined(RULES["vote"], [member(0), member(1)], 1.0)
    assert {opset.version for opset in mixed.opset_import} == {17}
    np.testing.assert_allclose(answer(mixed, images(5)), answer(same, images(5)), atol=1e-6)


def test_composing_needs_no_tensorflow() -> None:
    script = "import sys, medcnn.export.compose; print('tensorflow' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"
