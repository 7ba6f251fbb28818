"""The sections on suspect labels and on more data, on a page that has both."""

from __future__ import annotations

from pathlib import Path

import pytest

from medcnn.core import files, tables
from medcnn.dataset import manifest
from medcnn.report import growth
from medcnn.report.suspected import SHOWN, suspected
from medcnn.results.learning_curve import LearningCurve
from medcnn.results.suspects import SUSPECTS
from medcnn.runtime import paths
from tests.report.example import Example, example


def curve(low: float = 0.005, high: float = 0.04) -> dict[str, object]:
    """Five sizes, and a gain of 0.025 between two limits."""
    points = [
        {"share": share, "groups": round(80 * share), "images": round(240 * share), "draws": 3, "accuracy": accuracy,
         "cross_entropy": 1 - accuracy}
        for share, accuracy in ((0.1, 0.7), (0.2, 0.775), (0.4, 0.85), (0.7, 0.875), (1.0, 0.9))
    ]  # fmt: skip
    of = {"floor": 0.01, "scale": 0.8, "exponent": 0.5, "now": 0.1, "doubled": 0.075, "gain": 0.025}
    of |= {"gain_low": low, "gain_high": high}
    return {"points": points, "figures": {"accuracy": of, "cross_entropy": of}}


def write_suspects(made: Example, count: int) -> list[str]:
    """So many images are suspect; returns their paths, the most suspect first."""
    rows = manifest.used(made.path(paths.manifest(made.study))).iloc[:count]
    table = rows[["image_id", "path", "split", "label"]].assign(
        suggested=made.classes[1], margin=[number / 100 - 0.9 for number in range(count)], probability=0.9, chance=0.8
    )
    tables.write(made.path(paths.suspects(made.study)), table[list(SUSPECTS.columns)])
    found = {
        "model": "lite0_folds", "how": "fold_ensemble", "images": 96, "of": 96, "listed": count, "estimated": 0.125,
        "by_label": {}, "planted": {"images": 8, "found": 6, "precision": 0.375, "recall": 0.75},
    }  # fmt: skip
    files.write_json(made.path(paths.metrics("suspects", made.study)), found)
    return rows["path"].tolist()


def test_the_page_shows_suspect_labels_with_pictures_and_the_learning_curve(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = example(tmp_path, images=48)
    text = made.path(paths.PARAMS).read_text().replace("learning_curve: []", "learning_curve: [lite0]")
    made.path(paths.PARAMS).write_text(text.replace("resamples: 2000", "resamples: 100"))
    made.evaluate()
    named = write_suspects(made, 16)
    files.write_json(made.path(paths.metrics("learning_curve", made.study, "lite0")), curve())
    html = made.report()
    assert f'id="{made.study}-suspects-title"' in html
    assert f'id="{made.study}-growth-title"' in html
    assert all(path in html for path in named)
    assert "0.925" in html
    assert (made.folder / paths.REPORT_FIGURES / made.study / "growth_lite0.svg").exists()
    card = made.path(paths.card(made.study)).read_text()
    assert "16 labels of 96 images are suspect" in card
    monkeypatch.chdir(made.folder)
    found = suspected(made.study)
    assert found is not None
    assert [suspect.path for suspect in (*found.first, *found.others)] == named
    assert all(suspect.picture.startswith("data:image/jpeg") for suspect in found.first)
    assert len(found.first) == SHOWN


@pytest.mark.parametrize(
    ("low", "high", "word"), [(0.015, 0.05, "would help"), (0.001, 0.008, "hardly"), (0.002, 0.03, "open")]
)
def test_the_verdict_is_what_the_interval_of_the_gain_allows(low: float, high: float, word: str) -> None:
    assert word in growth.verdict(LearningCurve.model_validate(curve(low, high)))
