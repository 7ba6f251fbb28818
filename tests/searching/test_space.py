from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pytest

from medcnn.params.shared.policies import Policy
from medcnn.params.whole import Params
from medcnn.searching.space import Changes, Space, strengthened
from tests.project import changed


@dataclass
class Edge:
    """Draws the least or the largest of everything."""

    last: bool

    def suggest_float(self, name: str, low: float, high: float, *, log: bool = False) -> float:
        return high if self.last else low

    def suggest_categorical(self, name: str, choices: Sequence[Any]) -> Any:
        return choices[-1 if self.last else 0]


def drawn(settings: Params, model: str, *, last: bool, study: str = "brain_mri") -> Changes:
    return Space(study, model, settings).drawn(Edge(last))


def applied(settings: Params, changes: Changes) -> Params:
    tree = settings.model_dump()
    for path, value in changes.items():
        *parents, key = path.split(".")
        block = tree
        for part in parents:
            block = block[part]
        assert key in block
        block[key] = value
    return Params.model_validate(tree)


@pytest.mark.parametrize("last", [False, True])
@pytest.mark.parametrize("model", ["best_lite0", "probe_lite0", "lite0", "simple", "inceptionv3"])
def test_whatever_is_drawn_is_a_params_file_that_loads(settings: Params, model: str, last: bool) -> None:
    assert applied(settings, drawn(settings, model, last=last)) != settings


def test_what_is_drawn_is_what_the_recipe_has(settings: Params) -> None:
    trained = set(drawn(settings, "best_lite0", last=True))
    # What stays as it is is no change: a probe has its features from all stages.
    probe = {*drawn(settings, "probe_lite0", last=True), *drawn(settings, "probe_lite0", last=False)}
    assert "models.probe_lite0.features" not in drawn(settings, "probe_lite0", last=True)
    assert {key.rpartition(".")[2] for key in probe} == {"size", "backbone", "features"}
    assert {"models.best_lite0.learning_rate", "models.best_lite0.weight_decay", "augment.gentle.rotation"} <= trained
    assert set(drawn(settings, "simple", last=True)) == {
        "studies.brain_mri.images.size",
        "models.simple.learning_rate",
    }
    # Weights of the user's own fit one network.
    own = changed(settings.models["best_lite0"], {"weights": "mine.h5"})
    mine = settings.model_copy(update={"models": {"mine": own}})
    assert "models.mine.backbone" not in drawn(mine, "mine", last=True)


def test_strength_widens_each_range_about_what_leaves_an_image_as_it_is() -> None:
    policy = Policy(flip="both", rotation=100, shift=0.5, elastic=0.15, gamma=(0.5, 1.2))
    assert strengthened(policy, 1) == {"rotation": 100, "shift": 0.5, "elastic": 0.15, "gamma": [0.5, 1.2]}
    assert strengthened(policy, 0) == {"rotation": 0, "shift": 0, "elastic": 0, "gamma": [1, 1]}
    assert strengthened(policy, 2) == {"rotation": 180, "shift": 0.9, "elastic": 0.2, "gamma": [0.1, 1.4]}
