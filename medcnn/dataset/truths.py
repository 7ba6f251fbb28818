"""The truth about images as text and as numbers: one class of each, or in a multi-label study any number of findings.

A label is the name of a class. In a multi-label study it is the names of findings, joined by ``SEPARATOR`` in the order
of the classes, or ``NO_FINDING``.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
import numpy.typing as npt
import pandas as pd

from medcnn.core import tables
from medcnn.params.shared.classes import NO_FINDING, SEPARATOR, Findings

Truth = npt.NDArray[np.int64]
"""(N,) indices of classes; of K findings (N, K), 1 where an image has it and 0 where not."""


def coded(labels: Iterable[str], classes: Sequence[str]) -> Truth:
    """Labels as numbers; -1 for one that is unknown, in every column of a multi-label study."""
    if not isinstance(classes, Findings):
        return tables.positions(labels, classes)
    codes, texts = pd.factorize(pd.Series(labels, dtype=tables.TEXT))
    rows = np.array([_row(text, classes) for text in texts], np.int64).reshape(-1, len(classes))
    found: Truth = rows[codes]
    return found


def named(truth: Truth, classes: Sequence[str]) -> pd.Categorical[str]:
    """Numbers as labels."""
    if not isinstance(classes, Findings):
        return pd.Categorical.from_codes(truth, pd.Index(classes))
    rows, codes = np.unique(truth, axis=0, return_inverse=True)
    return pd.Categorical.from_codes(codes.ravel(), pd.Index([_text(row, classes) for row in rows]))


def unknown(truth: Truth) -> npt.NDArray[np.bool_]:
    """Which labels (N,) were not known."""
    missing = np.asarray(truth < 0)
    return missing if truth.ndim == 1 else np.asarray(missing.any(axis=1))


def differ(first: Truth, second: Truth) -> npt.NDArray[np.bool_]:
    """Which images (N,) have another truth in the second."""
    different = first != second
    return different if first.ndim == 1 else different.any(axis=1)


def apart(label: str) -> list[str]:
    """The class or the findings that a label names."""
    return label.split(SEPARATOR)


def counted(labels: pd.Series[str]) -> dict[str, int]:
    """How many images have each class or finding, and how many have no finding, sorted by name."""
    counts: dict[str, int] = {}
    for label, count in labels.value_counts().items():
        for name in apart(str(label)):
            counts[name] = counts.get(name, 0) + int(count)
    return dict(sorted(counts.items()))


def having(labels: pd.Series[str], name: str) -> npt.NDArray[np.bool_]:
    """Which images (N,) have a class or finding."""
    codes, texts = pd.factorize(labels)
    return np.array([name in apart(str(text)) for text in texts], bool)[codes]


def strata(labels: pd.Series[str]) -> npt.NDArray[np.int64]:
    """What images are dealt by: (N,) the class of each as a number, in the order of names; where an image has several
    findings (N, C), 1 for each that it has, or for having none.
    """
    codes, texts = pd.factorize(labels, sort=True)
    parts = [apart(str(text)) for text in texts]
    if all(len(part) == 1 for part in parts):
        return np.asarray(codes, np.int64)
    names = sorted({name for part in parts for name in part})
    return np.array([[int(name in part) for name in names] for part in parts], np.int64)[codes]


def _row(label: str, findings: Sequence[str]) -> list[int]:
    names = apart(label)
    if label != NO_FINDING and not set(names) <= set(findings):
        return [-1] * len(findings)
    return [int(name in names) for name in findings]


def _text(row: Truth, findings: Sequence[str]) -> str:
    return SEPARATOR.join(name for name, has in zip(findings, row, strict=True) if has > 0) or NO_FINDING
