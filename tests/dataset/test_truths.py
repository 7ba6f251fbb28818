"""Truths: labels as text and as numbers, of classes and of findings."""

from __future__ import annotations

import numpy as np
import pandas as pd

from medcnn.core import tables
from medcnn.dataset import truths
from medcnn.params.shared.classes import NO_FINDING, Findings

FINDINGS = Findings(("mass", "nodule", "fluid"))


def texts(*labels: str) -> pd.Series[str]:
    return pd.Series(labels, dtype=tables.TEXT)


def test_labels_of_findings_are_rows_of_zeros_and_ones_and_back():
    labels = texts("mass|fluid", NO_FINDING, "nodule", "fluid|mass")
    coded = truths.coded(labels, FINDINGS)
    assert coded.tolist() == [[1, 0, 1], [0, 0, 0], [0, 1, 0], [1, 0, 1]]
    assert list(truths.named(coded, FINDINGS)) == ["mass|fluid", NO_FINDING, "nodule", "mass|fluid"]


def test_labels_of_classes_are_indices_and_back():
    coded = truths.coded(texts("b", "a", "b"), ("a", "b"))
    assert coded.tolist() == [1, 0, 1]
    assert list(truths.named(coded, ("a", "b"))) == ["b", "a", "b"]


def test_what_is_not_known_is_found():
    for labels, classes in ((texts("mass", "mass|tumour", ""), FINDINGS), (texts("a", "c", ""), ("a", "b"))):
        assert truths.unknown(truths.coded(labels, classes)).tolist() == [False, True, True]


def test_every_finding_of_an_image_counts():
    labels = texts("mass|fluid", "fluid", NO_FINDING)
    assert truths.counted(labels) == {"fluid": 2, "mass": 1, NO_FINDING: 1}
    assert truths.having(labels, "fluid").tolist() == [True, True, False]
    assert truths.strata(labels).tolist() == [[1, 1, 0], [1, 0, 0], [0, 0, 1]]
    assert truths.strata(texts("b", "a", "b")).tolist() == [1, 0, 1]


def test_images_without_rows_have_no_truth():
    assert truths.coded(texts(), FINDINGS).shape == (0, 3)
    assert truths.unknown(np.empty((0, 3), np.int64)).tolist() == []
    assert truths.counted(texts()) == {}
