"""The tables behind plots, one row per point: their columns, for whoever writes, draws or reports them."""

from __future__ import annotations

from collections.abc import Mapping

from medcnn.core.tables import Schema

HISTORY = Schema(
    "a learning curve", {"epoch": int, "split": str, "loss": float, "accuracy": float, "learning_rate": float}
)
"""``plots/train/S/M/history.csv``."""
DUPLICATES = Schema("a table of duplicates", {"image_id": str, "duplicates": str}, key="image_id")
"""``plots/split/S/duplicates.csv``: images with exact or near duplicates; those with the same second id form a set."""
EVALUATED: Mapping[str, Schema] = {
    "confusion": Schema(
        "a table of confusions", {"model": str, "actual": str, "predicted": str, "images": int, "share": float}
    ),
    "roc": Schema(
        "a table of ROC curves",
        {"model": str, "class": str, "false_positive_rate": float, "true_positive_rate": float},
    ),
    "pr": Schema(
        "a table of precision-recall curves", {"model": str, "class": str, "recall": float, "precision": float}
    ),
    "reliability": Schema(
        "a table of reliability", {"model": str, "when": str, "confidence": float, "accuracy": float, "images": int}
    ),
    "errors": Schema(
        "a table of errors",
        {"model": str, "class": str, "threshold": float, "false_negatives": int, "false_positives": int},
    ),
    "learning": Schema(
        "a table of learning curves", {"model": str, "split": str, "epoch": int, "loss": float, "accuracy": float}
    ),
}
"""``plots/evaluate/S/<name>.csv``, all models in one table."""
