from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from medcnn.core import files, tables
from medcnn.core.errors import MedcnnError
from medcnn.dataset import manifest, predictions
from medcnn.dataset.predictions import Predictions
from medcnn.params.shared.classes import Findings
from medcnn.results.base import read
from medcnn.results.suspects import SUSPECTS, Suspects
from medcnn.runtime import paths
from medcnn.showing import suspected
from stages import suspects
from tests.project import prepared_study, shrink
from tests.results import examples

STUDY, CLASSES = "phantom", ("healthy", "nodule", "spiculated", "ground_glass")
PLANTED = {"path": f"{STUDY}/2.png", "fault": "wrong_label", "how": "", "of": ""}


@pytest.fixture(autouse=True)
def rows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A study whose image 2, of the training part, and image 8, a validation image, are called what they are not."""
    monkeypatch.chdir(tmp_path)
    shrink(tmp_path, {"run.models": ["simple"], "run.chains": {"first": [], "second": []}})
    prepared_study(tmp_path, STUDY, CLASSES, images=64)
    files.write_json(paths.metrics("download", STUDY), examples.download(planted=[PLANTED]))
    files.write_json(paths.metrics("comparisons", STUDY), examples.compared("simple"))


def answers(*wrong: int, over: Callable[[Predictions], Predictions] = lambda table: table) -> Predictions:
    """Sure of every label but of those of some images, by their number in the manifest."""
    table = manifest.used(paths.manifest(STUDY))
    truth = np.array([CLASSES.index(label) for label in table["label"]])
    truth[list(wrong)] = (truth[list(wrong)] + 1) % len(CLASSES)
    return over(Predictions.of_rows(table, CLASSES, 0.1 + 0.6 * np.eye(len(CLASSES))[truth]))


def found() -> tuple[Suspects, list[str]]:
    suspects.main(STUDY)
    listed = tables.read(paths.suspects(STUDY), SUSPECTS)
    return read(paths.metrics("suspects", STUDY), Suspects), listed["path"].tolist()


def test_without_folds_only_held_out_images_of_the_chosen_model_are_looked_at() -> None:
    predictions.write(paths.predicted(STUDY, "simple"), answers(2, 8))
    facts, listed = found()
    assert (facts.how, facts.images, facts.of, listed) == ("held_out", 32, 64, [f"{STUDY}/8.png"])
    assert facts.planted is not None
    assert (facts.planted.images, facts.planted.found, facts.planted.precision) == (0, 0, 0.0)


def test_a_fold_ensemble_speaks_of_training_images_too(tmp_path: Path) -> None:
    shrink(tmp_path, {"run.models": ["simple"], "run.fold_ensembles": ["simple"]})
    predictions.write(paths.predicted(STUDY, "simple"), answers())
    predictions.write(paths.predicted(STUDY, "simple_folds"), answers(2, 8))
    facts, listed = found()
    assert (facts.how, facts.model, facts.images) == ("fold_ensemble", "simple_folds", 64)
    assert listed == [f"{STUDY}/2.png", f"{STUDY}/8.png"]
    assert facts.planted is not None
    assert (facts.planted.found, facts.planted.precision, facts.planted.recall) == (1, 0.5, 1.0)
    assert facts.estimated_low is not None and facts.estimated_high is not None
    assert facts.estimated_low <= 2 / 64 <= facts.estimated_high
    assert 0 <= facts.likely <= facts.expected + 1


def test_folds_of_crossvalidation_speak_of_what_they_test_as_the_mean_over_repeats(tmp_path: Path) -> None:
    changes = {"run.models": ["simple"], "run.folds": [0, 1], "run.seeds": [0, 1]}
    shrink(tmp_path, {**changes, "run.chains": {"first": [], "second": []}})
    predictions.write(paths.predicted(STUDY, "simple"), answers(8))
    turned = np.array(["test" if part == "train" else "train" for part in answers().splits])
    for repeat, wrong in ((0, [2, 3]), (1, [2])):
        table = Predictions(**{**vars(answers(*wrong)), "splits": turned})
        predictions.write(paths.cell(STUDY, "simple", 1, repeat) / "predictions.csv", table)
    facts, listed = found()
    assert (facts.how, facts.images) == ("folds", 64)
    assert listed == [f"{STUDY}/2.png", f"{STUDY}/8.png"]


def test_findings_are_looked_at_one_by_one() -> None:
    table = answers()
    has = (np.arange(64)[:, None] % np.array([2, 3]) == 0).astype(np.int64)
    probabilities = 0.1 + 0.8 * has
    probabilities[9, 1] = 0.05
    table = Predictions(Findings(("mass", "oedema")), table.image_ids, table.splits, has, probabilities)
    predictions.write(paths.predicted(STUDY, "simple"), table)
    facts, listed = found()
    assert facts.by_label == {"oedema": {"no oedema": 1}}
    assert listed == [f"{STUDY}/9.png"]


def test_the_list_is_printed_and_written_with_a_column_to_fill_in(tmp_path: Path) -> None:
    predictions.write(paths.predicted(STUDY, "simple"), answers(8))
    suspects.main(STUDY)
    assert f"{STUDY}/8.png" in "".join(suspected.lines(STUDY, tmp_path / "list.csv"))
    header, line = (tmp_path / "list.csv").read_text().splitlines()
    assert header.split(",")[:2] == ["path", "label"]
    assert line.startswith(f"{STUDY}/8.png,,")
    with pytest.raises(MedcnnError, match="exists"):
        list(suspected.lines(STUDY, tmp_path / "list.csv"))
