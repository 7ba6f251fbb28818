from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.project import ROOT, run

pytest.importorskip("optuna", reason="optuna is not installed: pip install -r requirements-search.txt")

DVC = """
import sys
from pathlib import Path

arguments = sys.argv[1:]
if arguments[:2] == ["exp", "list"]:
    print(*Path("experiments").read_text().split() if Path("experiments").exists() else ["calm-goat"], sep="\\n")
    sys.exit()
name = arguments[arguments.index("--name") + 1]
changes = dict(change.split("=", 1) for flag, change in zip(arguments, arguments[1:]) if flag == "-S")
with Path("experiments").open("a") as file:
    print(name, file=file)
with Path("calls").open("a") as file:
    print(*arguments, file=file)
with Path("params.yaml").open("a") as file:
    print("# changed", file=file)
rate = float(changes.get("models.tiny.learning_rate", 0.01))
if rate < 0.008:
    print("ERROR: no epoch", file=sys.stderr)
    sys.exit(255)
# The larger the rate, the better inside; the worse on test.
for target in (argument for argument in arguments if "@" in argument):
    stage, _, item = target.partition("@")
    right = 0.5 + 10 * rate if stage == "crossval" else 0.9 - 10 * rate
    study, model, *cell = item.split("-")
    path = Path("data/predictions", study, f"{model}.csv")
    if stage == "crossval":
        path = Path("data/crossval", study, model, "-".join(cell), "predictions.csv")
    path.parent.mkdir(parents=True, exist_ok=True)
    shares = {"a": f"{right},{1 - right}", "b": f"{1 - right},{right}"}
    rows = [f"{target}/{part}/{n},{part},{label},{shares[label]}"
            for part in ("train", "test") for n, label in enumerate("aabb")]
    path.write_text("\\n".join(["image_id,split,label,p_a,p_b", *rows, ""]))
"""


@pytest.fixture
def standing_in(tmp_path: Path) -> Path:
    """A project whose `dvc` answers with predictions that follow from the learning rate; real ones take minutes."""
    shutil.copy(ROOT / "params.yaml", tmp_path)
    (tmp_path / "dvc").mkdir()
    (tmp_path / "dvc/__init__.py").touch()
    (tmp_path / "dvc/__main__.py").write_text(DVC)
    return tmp_path


def searched(folder: Path, *arguments: str, model: str = "tiny") -> subprocess.CompletedProcess[str]:
    return run(folder, "medcnn", "search", "phantom", model, *arguments)


def test_the_recipe_that_is_best_inside_is_tested_once_and_its_optimism_said(standing_in: Path) -> None:
    done = searched(standing_in, "--trials", "4", "--folds", "2")
    assert done.returncode == 0, done.stderr
    calls = (standing_in / "calls").read_text().splitlines()
    # As it is, four others, and the best again.
    assert len(calls) == 6
    assert all("crossval@phantom-tiny-1-0 crossval@phantom-tiny-2-0" in call for call in calls[:-1])
    assert all("test_apart=True" in call and "split.folds=2" in call for call in calls)
    assert [call for call in calls if "train@phantom-tiny" in call] == calls[-1:]
    rates = [float(found) for found in re.findall(r"tiny.learning_rate=(\S+)", "\n".join(calls[:-1]))]
    assert f"models.tiny.learning_rate={max(rates)}" in calls[-1]
    inner, outer = (float(found) for found in re.findall(r"(?:folds|once) .*?cross-entropy (\d\.\d+)", done.stdout))
    said = re.search(r"(worse|better) than inside by (\S+),", done.stdout)
    assert said is not None
    assert (said[1] == "worse") == (outer > inner)
    listed = [float(found) for found in re.findall(r"^\d+: cross-entropy (\S+),", done.stdout, re.MULTILINE)]
    assert listed[len(listed) // 2 :] == sorted(listed[: len(listed) // 2])
    assert float(said[2]) == pytest.approx(abs(outer - inner), abs=0.0011)
    assert (standing_in / "params.yaml").read_bytes() == (ROOT / "params.yaml").read_bytes()


def test_a_trial_that_fails_is_left_out_and_the_same_search_draws_the_same_again(standing_in: Path) -> None:
    first = searched(standing_in, "--trials", "4")
    assert first.stderr.count("left out") == sum("ERROR" in line for line in first.stderr.splitlines()) > 0
    again = searched(standing_in, "--trials", "4")
    figures = [re.findall(r"cross-entropy \S+ accuracy", text) for text in (first.stdout, again.stdout)]
    assert figures[0] == figures[1]
    names = (standing_in / "experiments").read_text().split()
    assert len(set(names)) == len(names) == 12


def test_no_recipe_is_tried_twice_and_a_search_ends_where_none_is_left(standing_in: Path) -> None:
    done = searched(standing_in, "--trials", "30", "--folds", "2", model="probe_lite0")
    assert done.returncode == 0, done.stderr
    *inner, _ = (standing_in / "calls").read_text().splitlines()
    recipes = [re.sub(r"--name \S+", "", call) for call in inner]
    # Three sizes, three encoders, two kinds of features.
    assert len(recipes) == len(set(recipes)) == 18


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (("nowhere", "tiny"), "nowhere"),
        (("phantom", "nothing"), "nothing"),
        (("phantom", "tiny", "--trials", "0"), "0"),
    ],
)
def test_a_mistake_ends_before_anything_runs(arguments: tuple[str, ...], named: str, standing_in: Path) -> None:
    done = run(standing_in, "medcnn", "search", *arguments)
    assert done.returncode == 2
    assert f"'{named}'" in done.stderr
    assert not (standing_in / "calls").exists()


def test_without_optuna_one_line_says_what_to_install(standing_in: Path) -> None:
    (standing_in / "optuna.py").write_text("raise ModuleNotFoundError(name='optuna')")
    done = searched(standing_in)
    assert (done.returncode, done.stderr.count("\n")) == (1, 1)
    assert "requirements-search.txt" in done.stderr
