"""Figures of probabilities that are there already, as ``Learner.measure`` finds them batch by batch."""

from __future__ import annotations

import numpy as np
from sklearn.metrics import roc_auc_score

from medcnn.networks.outputs import per_class
from medcnn.train.stopping import Figures

_EPSILON = 1e-7
"""Keras's: no probability counts as less, and none as more than 1 minus it."""


def measured(labels: np.ndarray, outputs: np.ndarray) -> Figures:
    """Cross-entropy, accuracy and AUROC of a network's outputs.

    Args:
        labels: (N,) classes, or findings (N, K), 0 or 1; several findings are right where all are.
        outputs: (N, 1), (N, C) or, of findings, (N, K).
    """
    scores = outputs.astype(np.float64)
    if labels.ndim == 2:
        of_truth, right = np.where(labels == 1, scores, 1 - scores), ((scores > 0.5) == (labels == 1)).all(axis=1)
    else:
        scores = per_class(scores)
        of_truth, right = scores[np.arange(len(labels)), labels], scores.argmax(axis=1) == labels
    losses = -np.log(np.clip(of_truth, _EPSILON, 1 - _EPSILON))
    return Figures(float(losses.mean()), float(right.mean()), auroc(labels, outputs))


def auroc(labels: np.ndarray, outputs: np.ndarray) -> float:
    """The mean area under the ROC curve of each class against the others; 0.5 where none can be measured."""
    scores = outputs if labels.ndim == 2 else per_class(outputs)
    truth = labels == 1 if labels.ndim == 2 else labels[:, None] == np.arange(scores.shape[1])
    known = [index for index, of_class in enumerate(truth.T) if 0 < of_class.sum() < len(labels)]
    # Not a number where a training diverges, which is said elsewhere.
    if not known or not np.isfinite(scores).all():
        return 0.5
    return float(np.mean([roc_auc_score(truth[:, index], scores[:, index]) for index in known]))
