from __future__ import annotations

from pathlib import Path

import pytest
from sklearn.metrics import roc_auc_score

from medcnn.dataset import predictions
from medcnn.report.areas import aurocs
from tests.report.example import example


@pytest.mark.parametrize("study", ["phantom", "brain_mri"])
def test_the_area_of_each_class_is_that_of_scikit_learn(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, study: str):
    made = example(tmp_path, study)
    monkeypatch.chdir(tmp_path)
    test = predictions.read(made.predictions_of("lite0")).of("test")
    found = aurocs(study, "lite0", 0.95)
    assert list(found) == list(made.classes)
    for index, area in enumerate(found.values()):
        assert area.auroc == pytest.approx(roc_auc_score(test.labels == index, test.probabilities[:, index]), abs=1e-6)
        assert area.auroc_low is not None
        assert area.auroc_high is not None
        assert area.auroc_low < area.auroc < area.auroc_high


def test_without_predictions_there_is_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)
    assert aurocs("phantom", "lite0", 0.95) == {}
