"""The verdict on a change: right on known truth, and silent where nothing can be compared."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from medcnn.dataset.predictions import Predictions
from medcnn.params.whole import Params
from medcnn.review.results import Pair, Results
from medcnn.review.verdict import Verdict, decided, verdict
from tests.project import prepared_study
from tests.review.example import CLASSES, STUDY, figures, table


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return prepared_study(tmp_path_factory.mktemp("verdict"), STUDY, CLASSES, images=240)


def results(made: Predictions | None, project: Path, fingerprint: str = "f") -> Results:
    evaluated = {"simple": figures(made or table(1.0, project))}
    return Results(STUDY, "simple", ("simple",), evaluated, fingerprint, made)


def judged(now: Results, before: Results | None, settings: Params) -> Verdict:
    groups = now.table.image_ids.to_series() if now.table else pd.Series({"0": "one"})
    return verdict(Pair(now, before), groups, settings.evaluate, settings.seed)


@pytest.mark.parametrize(
    ("skills", "word"), [((0.5, 3.0), "better"), ((3.0, 0.5), "worse"), ((2.0, 2.0), "cannot tell")]
)
def test_the_verdict_on_models_of_known_skill(project: Path, settings: Params, skills: tuple[float, float], word: str):
    before, now = (results(table(skill, project, seed), project) for seed, skill in enumerate(skills))
    said = judged(now, before, settings)
    assert said.word == word
    assert "60 test images in 60 groups" in said.why
    assert said.why.count("p = ") == 2


def test_the_order_of_the_images_does_not_matter(project: Path, settings: Params):
    made, before = table(3.0, project), results(table(0.5, project), project)
    turned = made.at(range(len(made.image_ids))[::-1])
    assert judged(results(turned, project), before, settings).word == "better"


def test_what_cannot_be_compared_is_said(project: Path, settings: Params):
    made = table(2.0, project)
    now = results(made, project)
    fewer = made.at([row for row, split in enumerate(made.splits) if split != "test" or row % 2])
    renamed = replace(made, classes=("healthy", "tumour"))
    whys = {
        "no results of this study": None,
        "images or their labels": results(made, project, fingerprint="other"),
        "not in DVC's cache or remote": results(None, project),
        "test images are not those": results(fewer, project),
        "classes are not those": results(renamed, project),
        "gives the same probabilities": now,
    }
    for why, before in whys.items():
        said = judged(now, before, settings)
        word = "unchanged" if before is now else "no data"
        assert (said.word, why in said.why) == (word, True), said
    assert "dvc checkout" in judged(results(None, project), now, settings).why
    unlisted = verdict(
        Pair(now, results(table(1.0, project), project)), pd.Series({"0": "one"}), settings.evaluate, settings.seed
    )
    assert (unlisted.word, "not in the manifest" in unlisted.why) == ("no data", True)


def pair(accuracy: tuple[float, float], cross_entropy: tuple[float, float]) -> dict[str, Any]:
    blocks = {"accuracy": accuracy, "cross_entropy": cross_entropy}
    return {figure: {"difference": difference, "p": p} for figure, (difference, p) in blocks.items()}


@pytest.mark.parametrize(
    ("accuracy", "cross_entropy", "word"),
    [
        ((0.1, 0.01), (0.0, 0.9), "better"),
        ((0.0, 1.0), (-0.1, 0.02), "better"),
        ((-0.1, 0.01), (0.1, 0.01), "worse"),
        ((0.1, 0.01), (0.1, 0.01), "cannot tell"),
        ((0.1, 0.03), (0.1, 0.9), "cannot tell"),
        ((0.1, 0.01), (0.1, 0.04), "cannot tell"),
        ((0.1, 0.03), (-0.1, 0.02), "better"),
        ((0.1, math.nan), (-0.1, 0.02), "better"),
        ((0.1, math.nan), (0.1, math.nan), "cannot tell"),
    ],
)
def test_two_tests_are_corrected_and_must_not_contradict_each_other(accuracy: Any, cross_entropy: Any, word: str):
    assert decided(pair(accuracy, cross_entropy), 0.05) == word
