from __future__ import annotations

import numpy as np
import pytest
from scipy.special import softmax
from sklearn.linear_model import LogisticRegression
from threadpoolctl import threadpool_limits

from medcnn.train import probing
from medcnn.train.probing import Sample


def sample(classes: int, images: int = 120, per_group: int = 3, noise: float = 1.0) -> Sample:
    """Classes that lie apart along a few of 30 features; the images of a group are much alike."""
    rng = np.random.default_rng(0)
    group = np.arange(images) // per_group
    labels = group % classes
    features = rng.normal(size=(group.max() + 1, 30))[group] * noise + rng.normal(scale=0.1, size=(images, 30))
    features[np.arange(images), labels] += 3
    features = features * np.geomspace(0.01, 100, 30) + 5
    return Sample(features.astype(np.float32), labels, group.astype(str), np.ones(images, np.float32))


def varying(found: Sample) -> Sample:
    """The same without the features that vary so little that they are held back."""
    return Sample(found.features[:, 8:], found.labels, found.groups, found.weights)


def standardised(features: np.ndarray) -> np.ndarray:
    return (features - features.mean(axis=0, dtype=np.float64)) / features.std(axis=0, dtype=np.float64)


def exact(strength: float) -> LogisticRegression:
    return LogisticRegression(C=strength, solver="newton-cholesky", tol=1e-12)


@pytest.mark.parametrize(("classes", "units"), [(2, 1), (2, 2), (4, 4)])
def test_a_probe_is_the_regression_on_standardised_features_written_for_raw_ones(classes: int, units: int) -> None:
    found = varying(sample(classes))
    probe = probing.fitted(found, classes)
    kernel, bias = probe.layer(units)
    logits = found.features @ kernel + bias
    standard = standardised(found.features)
    expected = exact(probe.strength).fit(standard, found.labels).predict_proba(standard)
    answers = softmax(logits if units > 1 else np.hstack([0 * logits, logits]), axis=1)
    # The layer is in float32.
    np.testing.assert_allclose(answers, expected, atol=2e-3)


@pytest.mark.parametrize(("classes", "images"), [(2, 120), (4, 120), (2, 24), (4, 24)])
def test_coefficients_are_those_of_the_exact_regression(classes: int, images: int) -> None:
    """Fewer images than features too, which are turned to fewer axes."""
    found = varying(sample(classes, images=images, noise=2.0))
    probe = probing.fitted(found, classes)
    direct = exact(probe.strength).fit(standardised(found.features), found.labels)
    spread = found.features.std(axis=0, dtype=np.float64)
    np.testing.assert_allclose((probe.kernel * spread[:, None]).T, direct.coef_, atol=1e-6)


def test_strengths_that_cannot_win_any_more_are_left_out_without_changing_the_choice(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for noise in (1.0, 2.0, 4.0):
        early = probing.fitted(sample(3, noise=noise), 3)
        with monkeypatch.context() as patched:
            patched.setattr(probing, "PATIENCE", len(probing.STRENGTHS))
            assert probing.fitted(sample(3, noise=noise), 3).strength == early.strength


def test_what_a_group_of_like_images_says_counts_once_in_the_choice_of_the_strength() -> None:
    """Copies of an image in other folds would speak for the weakest penalty."""
    copies, noisy = sample(2, per_group=6, noise=3.0), sample(2, per_group=6, noise=3.0)
    apart = Sample(noisy.features, noisy.labels, np.arange(len(noisy.labels)).astype(str), noisy.weights)
    assert probing.fitted(copies, 2).strength < probing.fitted(apart, 2).strength


@pytest.mark.parametrize("groups", [1, 2])
def test_too_few_groups_for_folds_of_every_class_mean_the_usual_strength(groups: int) -> None:
    found = sample(3)
    few = Sample(found.features, found.labels, (found.labels % groups).astype(str), found.weights)
    assert probing.fitted(few, 3).strength == probing.USUAL


def test_a_probe_of_findings_is_one_of_each_with_a_strength_in_common() -> None:
    found = varying(sample(2, noise=2.0))
    columns = [found.labels, np.roll(found.labels, 3), found.features[:, 1] > 5, np.ones(len(found.labels))]
    findings = np.stack(columns, axis=1).astype(np.int64)
    probe = probing.fitted(Sample(found.features, findings, found.groups, np.ones(findings.shape, np.float32)), 2)
    kernel, bias = probe.layer(4)
    assert (kernel.shape, bias.shape) == ((22, 4), (4,))
    # A finding that all images have.
    assert not kernel[:, 3].any()
    assert bias[3] > 3
    standard = standardised(found.features)
    for index, finding in enumerate(findings.T[:3]):
        direct = exact(probe.strength).fit(standard, finding)
        answers = 1 / (1 + np.exp(-(found.features @ kernel[:, index] + bias[index])))
        np.testing.assert_allclose(answers, direct.predict_proba(standard)[:, 1], atol=0.02)


def test_weights_move_the_answers_towards_the_heavier_class() -> None:
    found = sample(2, noise=2.0)
    heavy = Sample(found.features, found.labels, found.groups, np.where(found.labels == 1, 20, 1).astype(np.float32))
    even, tilted = (probing.fitted(each, 2).layer(1) for each in (found, heavy))
    assert np.mean(found.features @ tilted[0] + tilted[1] > 0) > np.mean(found.features @ even[0] + even[1] > 0)


def test_a_feature_that_hardly_varies_does_not_outweigh_the_others() -> None:
    found = sample(2)
    features = found.features.copy()
    features[:, 5] = 0
    features[0, 5] = 1e-6
    features[:, 6] = 7
    kernel, bias = probing.fitted(Sample(features, found.labels, found.groups, found.weights), 2).layer(1)
    assert np.isfinite(kernel).all()
    assert np.isfinite(bias).all()
    assert abs(kernel[5, 0]) < np.abs(kernel).max()


def test_rounding_of_a_large_feature_that_hardly_varies_does_not_show_in_the_answers() -> None:
    found = sample(2)
    features = found.features.copy()
    features[:, 7] = 1000 + 0.02 * found.labels
    probe = probing.fitted(Sample(features, found.labels, found.groups, found.weights), 2)
    kernel, bias = probe.layer(1)
    before, after = (each @ kernel + bias for each in (features, features * (1 + 1e-6)))
    assert np.abs(after - before).max() < 1e-3


def test_the_number_of_threads_does_not_show() -> None:
    found = sample(3)
    with threadpool_limits(2):
        first = probing.fitted(found, 3).layer(3)
    with threadpool_limits(1):
        second = probing.fitted(found, 3).layer(3)
    assert all(np.array_equal(one, other) for one, other in zip(first, second, strict=True))
