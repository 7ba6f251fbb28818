from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy.special import expit, softmax

from medcnn.dataset.predictions import Predictions
from medcnn.external.adjusting import Elsewhere
from medcnn.measures import metrics
from medcnn.params.judging.evaluate import Judging
from medcnn.params.shared.classes import Findings

SETTINGS = Judging(resamples=200)
CLASSES = ("healthy", "nodule")


def table(share: float, seed: int, images: int = 1500) -> Predictions:
    """Exact probabilities of whoever takes both classes for equally common, of images of which they are not."""
    rng = np.random.default_rng(seed)
    labels = rng.binomial(1, share, images)
    present = expit(2 * rng.normal(2 * labels - 1, 1))
    ids = [f"{seed}-{number}" for number in range(images)]
    return Predictions(CLASSES, ids, ["test"] * images, labels, np.column_stack([1 - present, present]))  # type: ignore[arg-type]


def elsewhere(of: Predictions) -> Elsewhere:
    return Elsewhere(of, np.arange(len(of)) // 2, SETTINGS, 0)


def test_another_share_is_found_without_labels_and_both_ways_save_cross_entropy() -> None:
    there, home = table(0.1, 1), table(0.5, 2)
    shares, large = elsewhere(there).for_shares(home), elsewhere(there).recalibrated()
    assert shares is not None
    share = shares["classes"]["nodule"]
    assert [*shares["classes"]] == [*large["classes"]] == ["nodule"]
    assert (share["home"], share["estimated"]) == pytest.approx((0.5, 0.1), abs=0.03)
    assert share["actual"] == there.labels.mean()
    before = metrics.cross_entropy(there.labels, there.probabilities)
    for found in (shares, large):
        assert found["saved"]["low"] > 0
        assert found["figures"]["cross_entropy"] == pytest.approx(before - found["saved"]["difference"])
        assert found["figures"]["ece"] < metrics.ece(there.labels, there.probabilities, SETTINGS.bins)
    assert large["classes"]["nodule"]["bias"] == pytest.approx(np.log(0.1 / 0.9), abs=0.3)
    assert large["classes"]["nodule"]["expected"] > there.labels.mean()
    assert large["slope_low"] < 1 < large["slope_high"]


def test_a_model_biased_at_home_finds_no_shift_where_there_is_none() -> None:
    there, home = table(0.5, 1), table(0.5, 2)
    biased = [
        replace(of, probabilities=softmax(np.log(of.probabilities) + np.arange(2), axis=1)) for of in (there, home)
    ]
    shares = elsewhere(biased[0]).for_shares(biased[1])
    assert shares is not None
    assert shares["classes"]["nodule"]["estimated"] == pytest.approx(shares["classes"]["nodule"]["home"], abs=0.03)
    assert elsewhere(biased[0]).recalibrated()["classes"]["nodule"]["bias"] == pytest.approx(-1, abs=0.2)


def test_findings_are_adjusted_one_by_one() -> None:
    parts = [table(share, seed) for seed, share in enumerate((0.1, 0.5), start=1)]
    there = replace(
        parts[0],
        classes=Findings(["effusion", "mass"]),
        labels=np.column_stack([part.labels for part in parts]),
        probabilities=np.column_stack([part.probabilities[:, 1] for part in parts]),
    )
    home = replace(there, probabilities=np.column_stack([table(0.5, seed).probabilities[:, 1] for seed in (3, 4)]))
    shares, large = elsewhere(there).for_shares(home), elsewhere(there).recalibrated()
    assert shares is not None
    for found in (shares["classes"], large["classes"]):
        assert [*found] == ["effusion", "mass"]
    assert [shares["classes"][name]["estimated"] for name in there.classes] == pytest.approx([0.1, 0.5], abs=0.04)
    assert abs(large["classes"]["mass"]["bias"]) < 0.3 < -large["classes"]["effusion"]["bias"]
    assert large["slope"] is None


def test_where_home_has_no_validation_images_shares_are_not_corrected() -> None:
    there = table(0.3, 1, images=40)
    assert elsewhere(there).for_shares(there.at([])) is None
    assert elsewhere(there.at([0])).recalibrated()["saved"]["low"] is not None
