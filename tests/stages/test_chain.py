from __future__ import annotations

from pathlib import Path

import pytest

from medcnn.core import files
from medcnn.dataset import predictions
from medcnn.runtime import paths
from tests.project import stage
from tests.stages.training import CLASSES, features, project, trained

pytestmark = pytest.mark.tensorflow


@pytest.mark.slow
def test_a_chain_trains_both_links_on_the_cached_features_of_a_frozen_backbone(tmp_path: Path) -> None:
    folder = trained(project(tmp_path / "p", models__lite0__dense=[16]), "lite0")
    cached = features(folder)
    stage(folder, "train", "phantom", "lite0_relay_chain")
    assert features(folder) == cached
    facts = files.read_json(folder / paths.metrics("train", "phantom", "lite0_relay_chain"))
    assert facts["trainable_parameters"] == (1280 + 1) * 16 + (16 + 1) * 64 + (64 + 1) * 4
    assert predictions.read(folder / paths.predictions("phantom") / "lite0_relay_chain.csv").classes == CLASSES


@pytest.mark.slow
def test_any_model_can_be_the_second_link_and_a_first_link_that_was_trained_through_is_again(tmp_path: Path) -> None:
    changes = {"models__tiny__epochs": 2, "models__lite0_finetuned__epochs": 2, "compute__precision": "bfloat16"}
    folder = trained(project(tmp_path / "p", **changes), "tiny")
    stage(folder, "train", "phantom", "tiny_lite0_finetuned_chain")
    facts = files.read_json(folder / paths.metrics("train", "phantom", "tiny_lite0_finetuned_chain"))
    assert facts["epochs"] == 2
    assert facts["trainable_parameters"] == facts["parameters"] == 408 + (8 + 1) * 4
