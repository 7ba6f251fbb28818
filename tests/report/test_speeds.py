"""Which engine answers first, which model is no worse, and how it is drawn."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from dataclasses import replace

import pytest

from medcnn.params import whole
from medcnn.params.judging.figures import TESTED
from medcnn.report.facts import Facts
from medcnn.report.gathering import gathered
from medcnn.report.speed_figures import latencies
from medcnn.report.speeds import Speeds, worse
from medcnn.results.compared import Pair
from medcnn.results.timings import Timed
from medcnn.runtime import paths
from tests.report.example import example, write_timings


@pytest.fixture(scope="module")
def facts(tmp_path_factory: pytest.TempPathFactory) -> Facts:
    folder = tmp_path_factory.mktemp("speeds")
    made = example(folder).evaluate()
    write_timings(made, "simple", "lite0", "ensemble_mean")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        return gathered(made.study, whole.load(paths.PARAMS))


def compared(first: str, second: str, figure: str, difference: float) -> Pair:
    """Two models that differ in one figure: the first less the second."""
    same = {"difference": 0.0, "low": 0.0, "high": 0.0, "p": 1.0, "p_holm": 1.0}
    figures = {tested.key: same for tested in TESTED} | {figure: {**same, "difference": difference}}
    return Pair.model_validate({"first": first, "second": second, **figures})


def differing(facts: Facts, model: str, figure: str, difference: float) -> Facts:
    """The same facts, but a test finds the model different from the chosen one: the model less the chosen one."""
    same = {tested.key: tuple({"simple", "lite0"} - ({model} if tested.key == figure else set())) for tested in TESTED}
    pairs = (compared(facts.best, model, figure, -difference), *facts.compared.pairs)
    return replace(facts, compared=facts.compared.model_copy(update={"same_as_best": same, "pairs": pairs}))


@pytest.mark.parametrize(
    ("figure", "difference", "is_worse"),
    [("accuracy", -0.2, True), ("accuracy", 0.2, False), ("cross_entropy", 0.2, True), ("cross_entropy", -0.2, False)],
)
def test_a_model_is_worse_where_a_test_says_so_to_its_disadvantage(
    facts: Facts, figure: str, difference: float, is_worse: bool
):
    found = differing(facts, "simple", figure, difference)
    assert worse(found, "simple") is is_worse
    assert not worse(found, facts.best)
    turned = found.compared.model_copy(update={"pairs": (compared("simple", facts.best, figure, difference),)})
    assert worse(replace(found, compared=turned), "simple") is is_worse


def test_the_fastest_is_among_those_that_are_no_worse(facts: Facts):
    found = Speeds(differing(facts, "simple", "accuracy", -0.2)).fastest
    assert found is not None
    assert (found.model, found.engine, found.p50_ms) == ("lite0", "onnxruntime_int8", 2.5)
    found = Speeds(differing(facts, "simple", "accuracy", 0.2)).fastest
    assert found is not None
    assert found.model == "simple"


def test_the_chosen_model_stands_first_then_the_frontier(facts: Facts):
    speeds = Speeds(facts)
    assert [timing.model for timing in speeds.first] == [facts.best] * 3 + ["simple", "lite0"]
    assert speeds.chosen is speeds.every[0]
    assert [(timing.model, timing.p50_ms) for timing in speeds.frontier] == [
        ("simple", 1.25), ("lite0", 2.5), (facts.best, 5.0), (facts.best, 13.0),
    ]  # fmt: skip
    assert speeds.batch_sizes == ("1", "8", "32")


def test_without_timings_there_is_nothing_to_say(facts: Facts):
    untimed = replace(facts, timed={})
    speeds = Speeds(untimed)
    assert (speeds.chosen, speeds.fastest, speeds.every, speeds.settings) == (None, None, (), ())
    assert list(latencies(untimed)) == []


def texts(svg: str) -> list[str]:
    return [element.text or "" for element in ET.fromstring(svg).iter("{http://www.w3.org/2000/svg}text")]  # noqa: S314


def test_the_figure_names_the_frontier_and_the_engines(facts: Facts):
    wide, narrow = latencies(facts)
    assert wide.alt == narrow.alt
    assert wide.alt.endswith(f"{facts.best} on ONNX Runtime, 80.0 % in 13.00 ms.")
    for drawing in (wide, narrow):
        words = texts(drawing.svg)
        assert {"TensorFlow", "ONNX Runtime", "ONNX Runtime int8", "OpenVINO"} & set(words) == {
            "TensorFlow", "ONNX Runtime", "ONNX Runtime int8",
        }  # fmt: skip
        assert [words.count(name) for name in ("simple", "lite0", facts.best)] == [1, 1, 1]


def test_a_long_name_is_cut_where_there_is_no_room_for_it(facts: Facts):
    def renamed(block: Timed) -> Facts:
        return replace(facts, timed={"resnet50v2_augmented_simple_cascade": block}, models=("x",))

    many = renamed(facts.timed["simple"])
    ranking = ("resnet50v2_augmented_simple_cascade",)
    many = replace(many, compared=facts.compared.model_copy(update={"ranking": ranking}))
    wide, narrow = latencies(many)
    assert "resnet50v2_augmented_simple_cascade" in texts(wide.svg)
    assert "resnet50v2_augmente…" in texts(narrow.svg)
