"""`python -m medcnn review` and `gate` in a repository, as a pull request runs them."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from medcnn.runtime import paths
from tests.project import run
from tests.review.example import BEST, STUDY, git, record, repository

pytestmark = [pytest.mark.slow, pytest.mark.dvc]
COMMENT = Path("review/comment.md")


@pytest.fixture(scope="module")
def committed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Leave it as it is."""
    return repository(tmp_path_factory.mktemp("review") / "project")


@pytest.fixture
def project(committed: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(committed, tmp_path / "project", symlinks=True))


def reviewed(project: Path, *arguments: str) -> str:
    done = run(project, "medcnn", "review", *arguments)
    assert done.returncode == 0, done.stderr
    assert done.stdout == f"comment: {COMMENT}\n"
    return (project / COMMENT).read_text(encoding="utf-8")


def test_a_worse_model_is_seen_named_and_stopped(project: Path):
    record(project, skill=0.0)
    params = project / "params.yaml"
    params.write_text(params.read_text().replace("learning_rate: 0.0003", "learning_rate: 0.03"))

    text = reviewed(project)
    assert text.startswith(f"## {STUDY}: worse\n")
    assert "models.simple.learning_rate" in text
    rows = [line.split(" | ") for line in text.splitlines() if line.startswith("| ensemble_mean | accuracy | ")]
    assert len(rows) == 1
    before, now, change = (float(cell.split()[0].rstrip("|")) for cell in rows[0][2:])
    assert now < before
    assert change == pytest.approx(now - before, abs=1e-4)
    assert "| simple |" not in text, "a model that did not move has no row"
    assert "**Gate: failed.**" in text
    pictures = [line.partition("](./")[2].rstrip(")") for line in text.splitlines() if line.startswith("![")]
    assert pictures == [f"{STUDY}-ranking.png", f"{STUDY}-curves.png"]
    for name in pictures:
        assert (project / "review" / name).read_bytes().startswith(b"\x89PNG")

    done = run(project, "medcnn", "gate")
    assert done.returncode == 1
    assert done.stderr == ""
    assert f"gate: {STUDY}: accuracy of {BEST} on test: wanted at least 0.7, found " in done.stdout
    assert "wanted a fall of at most 0.05 from " in done.stdout


def test_results_that_are_those_of_the_base_as_made_again_in_a_second_checkout(committed: Path, tmp_path: Path):
    """As the workflow does: a worktree shares the cache, and what was made there is committed there."""
    git(committed, "worktree", "add", "--detach", str(tmp_path / "base"), "main")
    git(tmp_path / "base", "commit", "--quiet", "--allow-empty", "--message", "As reproduced here")
    made_again = (committed / ".git/worktrees/base/HEAD").read_text().strip()
    text = reviewed(committed, "--base", made_again)
    assert text.startswith(f"## {STUDY}: unchanged\n")
    for said in ("gives the same probabilities", "**Gate: passed.**", "No params changed", "No figure on test moved"):
        assert said in text
    done = run(committed, "medcnn", "gate")
    assert (done.returncode, done.stdout) == (0, "gate: passed\n")


def test_a_base_without_results_is_a_sentence(committed: Path):
    text = reviewed(committed, "--base", "main~1")
    assert "the base has no results of this study" in text
    assert run(committed, "medcnn", "gate", "--base", "main~1").stdout == "gate: passed\n"


def test_predictions_that_no_cache_has_are_a_sentence(project: Path):
    record(project, skill=0.0)
    shutil.rmtree(project / ".dvc" / "cache")
    text = reviewed(project)
    assert text.startswith(f"## {STUDY}: no data\n")
    assert f"the predictions of {BEST} at the base are not in DVC's cache or remote" in text


def test_a_fault_is_one_line(project: Path):
    unknown = [run(project, "medcnn", command, "--base", "nope") for command in ("review", "gate")]
    (project / paths.metrics("evaluate", STUDY)).unlink()
    no_results = run(project, "medcnn", "gate")
    shutil.rmtree(project / ".git")
    no_git = run(project, "medcnn", "gate")
    faults = (
        (unknown[0], "'nope'"),
        (unknown[1], "'nope'"),
        (no_results, "dvc repro"),
        (no_git, "not a git repository"),
    )
    for done, said in faults:
        assert done.returncode == 1
        assert said in done.stderr
        assert len(done.stderr.splitlines()) == 1, done.stderr
