"""``medcnn compare`` in a repository whose results are committed."""

from __future__ import annotations

from pathlib import Path

import pytest

from medcnn.core.errors import MedcnnError
from medcnn.params import whole
from medcnn.showing.comparing import compared
from tests.project import made_once
from tests.review.example import BEST, STUDY, record, repository

pytestmark = pytest.mark.dvc


@pytest.fixture
def project(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = made_once(tmp_path_factory, "compared", repository)
    monkeypatch.chdir(folder)
    return folder


def test_results_that_are_those_of_a_commit_have_moved_nothing(project: Path) -> None:
    record(project, skill=2.0)
    said, *table = compared("main", None, whole.load())
    assert said.startswith(f"{STUDY}: unchanged")
    assert len(table) == 1


def test_figures_that_moved_stand_before_and_after_with_a_verdict(project: Path) -> None:
    record(project, skill=0.0)
    said, _, *rows = compared("main", None, whole.load())
    assert said.startswith(f"{STUDY}: worse")
    moved = {tuple(row.split()[:2]) for row in rows}
    assert (BEST, "accuracy") in moved
    assert not any(model == "simple" for model, _ in moved)


@pytest.mark.parametrize(("before", "after", "named"), [("nope", None, "nope"), ("main", "main~1", "main~1")])
def test_a_revision_that_is_unknown_or_has_no_results_is_named(
    before: str, after: str | None, named: str, project: Path
) -> None:
    with pytest.raises(MedcnnError, match=named):
        list(compared(before, after, whole.load()))
