"""A repository whose results are committed: metrics in git, predictions in DVC's cache."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from dvc.repo import Repo

from medcnn.core import files
from medcnn.dataset import manifest, predictions
from medcnn.dataset.predictions import Predictions
from medcnn.measures import metrics
from medcnn.runtime import paths
from tests.project import prepared_study, shrink

STUDY = "phantom"
CLASSES = ("healthy", "nodule")
BEST = "ensemble_mean"
GIT = ("git", "-c", "user.name=t", "-c", "user.email=t@example.org")


def table(skill: float, folder: Path, seed: int = 0) -> Predictions:
    """Predictions of a project's images: the higher the skill, the better."""
    rows = manifest.used(folder / paths.manifest(STUDY))
    labels = np.array([CLASSES.index(label) for label in rows["label"]])
    logits = np.random.default_rng(seed).normal(size=(len(rows), 2)) + skill * np.eye(2)[labels]
    odds = np.exp(logits)
    return Predictions(CLASSES, rows["image_id"], rows["split"], labels, odds / odds.sum(axis=1, keepdims=True))


def figures(made: Predictions) -> dict[str, Any]:
    """What ``metrics/evaluate/S.json`` says of a model on test, as far as a review reads it."""
    test = made.of("test")
    scores = metrics.scores(test.labels, test.probabilities, test.classes)
    return {"test": {**scores, "accuracy_low": scores["accuracy"] - 0.1, "accuracy_high": 1.0, "ece": 0.05}}


def record(folder: Path, skill: float, fingerprint: str = "f" * 64) -> None:
    """Write what a run with models of some skill leaves behind."""
    chosen = table(skill, folder)
    predictions.write(folder / paths.ensembles(STUDY) / "mean.csv", chosen)
    evaluated = {BEST: figures(chosen), "simple": figures(table(0.5, folder))}
    files.write_json(folder / paths.metrics("evaluate", STUDY), evaluated)
    files.write_json(folder / paths.metrics("comparisons", STUDY), {"best": BEST, "ranking": [BEST, "simple"]})
    files.write_json(folder / paths.metrics("split", STUDY), {"fingerprint": fingerprint})


def repository(folder: Path, skill: float = 2.0) -> Path:
    """A git and DVC repository on the branch main, with two commits: before there was DVC, and with results."""
    folder.mkdir(parents=True)
    shrink(folder, {"run.models": ["simple", "lite0"], "evaluate.resamples": 300})
    prepared_study(folder, STUDY, CLASSES, images=240)
    (folder / ".gitignore").write_text("/data/prepared/\n/review/\n")
    git(folder, "init", "--quiet", "--initial-branch", "main")
    commit(folder)
    Repo.init(str(folder)).close()
    record(folder, skill)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        with Repo() as repo:
            repo.add([str(paths.ensembles(STUDY))])
    commit(folder)
    return folder


def commit(folder: Path) -> None:
    """Commit everything that git sees."""
    git(folder, "add", "--all")
    git(folder, "commit", "--quiet", "--message", "state")


def git(folder: Path, *arguments: str) -> None:
    """Run git in a repository."""
    subprocess.run([*GIT, *arguments], cwd=folder, check=True, capture_output=True)
