from __future__ import annotations

from pathlib import Path

import pytest

from medcnn.dataset import manifest
from medcnn.runtime import paths
from medcnn.train.task import task
from tests.stages.training import CLASSES, project

STUDY = "phantom"


@pytest.fixture(autouse=True)
def prepared(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(project(tmp_path / "project"))


def test_the_images_are_those_of_the_manifest_in_its_order() -> None:
    rows = manifest.used(paths.manifest(STUDY), "label", "split")
    found = task(STUDY, "tiny")
    assert found.classes == CLASSES
    assert [CLASSES[label] for label in found.labels] == rows["label"].tolist()
    assert len(found.pixels) == len(rows)
    assert found.indices("validation") == [index for index, part in enumerate(rows["split"]) if part == "validation"]


def test_every_repeat_draws_from_another_seed() -> None:
    first, third = task(STUDY, "tiny"), task(STUDY, "tiny", (0, 2))
    assert (first.seed, third.seed) == (first.params.seed, first.params.seed + 2)


def test_a_probe_is_a_trained_layer_where_it_is_the_second_link_of_a_chain() -> None:
    assert task(STUDY, "probe_lite0").settings.head == "probe"
    assert task(STUDY, "simple_probe_lite0_chain").settings.head == "dense"


def test_a_chain_has_the_settings_of_its_second_link_without_finetuning() -> None:
    alone, chain = task(STUDY, "lite0_finetuned"), task(STUDY, "simple_lite0_finetuned_chain")
    assert (chain.first, chain.model, chain.name) == ("simple", "lite0_finetuned", "simple_lite0_finetuned_chain")
    assert alone.settings.finetune.epochs > 0 == chain.settings.finetune.epochs
    assert chain.settings.learning_rate == alone.settings.learning_rate
