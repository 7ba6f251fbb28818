"""Throwaway repositories with the whole pipeline on a shrunken phantom."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.pipeline import standin
from tests.project import ROOT, SMALL_PHANTOM, made_once, shrink

COPIED = (
    "dvc.yaml",
    "params.yaml",
    ".dvcignore",
    ".gitignore",
    "medcnn",
    "stages",
    "corrections",
    "data/.gitignore",
    "plots/.gitignore",
    "plots/benchmark/.gitignore",
    "metrics/external/.gitkeep",
    "metrics/learning_curve/.gitkeep",
    "metrics/stress/.gitkeep",
    "metrics/published",
)
NOT_BY_DEFAULT = {
    "download_external",
    "split_external",
    "external",
    "learning_curve",
    "stress",
    "train_folds",
    "export_folds",
    "benchmark_folds",
    "train_distilled",
    "export_distilled",
    "benchmark_distilled",
}
"""Stages of which the default run has none."""
SHRUNK = {
    **SMALL_PHANTOM,
    "run.models": ["tiny", "lite0"],
    "run.careless": ["tiny"],
    "run.cascades": {"first": ["tiny"], "second": ["lite0"]},
    "models.lite0.epochs": 2,
    "models.relay.epochs": 2,
    "ensemble.combiners": ["mean"],
    "benchmark.batch_sizes": [1, 8],
    "benchmark.rounds": 2,
    "benchmark.warmup": 1,
    "benchmark.calls": 2,
    "benchmark.seconds": 0,
    "benchmark.offline_seconds": 0,
    "benchmark.calibration.images": 16,
    "evaluate.resamples": 200,
}
ENVIRONMENT = {
    **os.environ,
    "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
    "DVC_NO_ANALYTICS": "1",
    "GIT_AUTHOR_NAME": "t",
    "GIT_AUTHOR_EMAIL": "t@example.org",
    "GIT_COMMITTER_NAME": "t",
    "GIT_COMMITTER_EMAIL": "t@example.org",
}


def sh(folder: Path, *command: str, code: int = 0, **environment: str) -> str:
    """Run a command in a repository and return what it printed; it must end with ``code``."""
    variables = {**ENVIRONMENT, **environment}
    done = subprocess.run(command, cwd=folder, env=variables, capture_output=True, text=True, check=False)
    assert done.returncode == code, f"{' '.join(command)}\n{done.stdout[-3000:]}\n{done.stderr[-3000:]}"
    return done.stdout + done.stderr


def repository(folder: Path) -> Path:
    """The project's files, with shrunken params, in a git repository of their own."""
    folder.mkdir(parents=True)
    for name in COPIED:
        source, target = ROOT / name, folder / name
        target.parent.mkdir(parents=True, exist_ok=True)
        if source.is_dir():
            shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(source, target)
    shutil.copytree(ROOT / ".dvc", folder / ".dvc", ignore=shutil.ignore_patterns("cache", "tmp", "config.local"))
    shrink(folder, SHRUNK)
    sh(folder, "git", "init", "--quiet", "--initial-branch", "main")
    commit(folder)
    return folder


def commit(folder: Path) -> None:
    """Commit everything that git sees."""
    sh(folder, "git", "add", "--all")
    sh(folder, "git", "commit", "--quiet", "--allow-empty", "--message", "state")


@pytest.fixture(scope="session")
def ran(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A repository in which `dvc repro` has run, and whose results are committed. Leave it as it is."""

    def make(folder: Path) -> None:
        sh(repository(folder), "dvc", "repro")
        commit(folder)

    return made_once(tmp_path_factory, "ran", make)


@pytest.fixture
def copy(ran: Path, tmp_path: Path) -> Path:
    """A copy of that repository, cache included, to be changed at will."""
    return Path(shutil.copytree(ran, tmp_path / "copy", symlinks=True))


@pytest.fixture(scope="session")
def path(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A PATH whose ``python`` stands in for the stages."""
    python = tmp_path_factory.mktemp("bin") / "python"
    python.write_text(f'#!/bin/sh\nexec "{sys.executable}" "{standin.__file__}" "$@"\n')
    python.chmod(0o755)
    return f"{python.parent}{os.pathsep}{ENVIRONMENT['PATH']}"


@pytest.fixture
def wired(tmp_path_factory: pytest.TempPathFactory, tmp_path: Path, path: str) -> Path:
    """A repository in which every stand-in has run, to be changed at will."""

    def make(folder: Path) -> None:
        sh(repository(folder), "dvc", "repro", PATH=path)
        commit(folder)

    made = made_once(tmp_path_factory, "wired", make)
    return Path(shutil.copytree(made, tmp_path / "copy", symlinks=True))
