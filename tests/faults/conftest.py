"""A small project to disturb, and what its undisturbed run gave."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from tests.pipeline.conftest import ENVIRONMENT, SHRUNK, commit, repository, sh
from tests.project import made_once, shrink

TARGETS = ("evaluate@phantom", "export@phantom-tiny")
"""What is run of it: everything but explanations, benchmarks and the page."""

ALONE = {
    **SHRUNK,
    "run.models": ["tiny"],
    "run.chains": {"first": [], "second": []},
    "run.cascades": {"first": [], "second": []},
}
"""The default study with one small network."""

BOTH = {**SHRUNK, "models.lite0.epochs": 40, "models.lite0.patience": 40, "models.tiny.epochs": 40}
"""The default study with a network trained through, a head and a chain, and epochs enough to be interrupted in."""


def project(folder: Path, params: Mapping[str, Any]) -> Path:
    """A throwaway repository of the project with these params, in which nothing has run."""
    repository(folder)
    shrink(folder, dict(params))
    commit(folder)
    return folder


def started(folder: Path, *command: str, **options: Any) -> subprocess.Popen[str]:
    """A command that goes on in the background, in a process group of its own, its two outputs in one."""
    return subprocess.Popen(
        command,
        cwd=folder,
        env={**ENVIRONMENT, **options.pop("env", {})},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
        **options,
    )


def locked(folder: Path) -> dict[str, Any]:
    """The stages of dvc.lock."""
    return dict(YAML(typ="safe").load(folder / "dvc.lock")["stages"])


def forget(folder: Path, out: Path) -> None:
    """Remove an out, if there is one, and DVC's memory of the run that made it, so that its stage has to run again."""
    path = folder / out
    shutil.rmtree(path) if path.is_dir() else path.unlink(missing_ok=True)
    shutil.rmtree(folder / ".dvc/cache/runs", ignore_errors=True)


def assert_clean(folder: Path) -> None:
    """Neither git nor DVC sees a file that was not finished."""
    assert ".partial" not in sh(folder, "git", "status", "--porcelain", "--untracked-files=all")
    lists = [path for path in (folder / ".dvc/cache").rglob("*.dir") if ".partial" in path.read_text()]
    assert not lists, "a temporary became part of an out"


@pytest.fixture(scope="session")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A repository in which nothing went wrong, its results committed. Leave it as it is."""

    def make(folder: Path) -> None:
        sh(project(folder, ALONE), "dvc", "repro", *TARGETS)
        commit(folder)

    return made_once(tmp_path_factory, "undisturbed", make)


@pytest.fixture
def copy(undisturbed: Path, tmp_path: Path) -> Path:
    """A copy of that repository, cache included, to be changed at will."""
    return Path(shutil.copytree(undisturbed, tmp_path / "copy", symlinks=True))
