"""Image size, batch, epochs and balance of a preset, from what the images are: the rules, and the reasons for a reader.

What they rest on is measured in ``docs/models.md``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from medcnn.dataset import manifest
from medcnn.init.looking import fitting_side
from medcnn.params.catalogue import catalogue
from medcnn.params.shared.models import Model
from medcnn.runtime import paths

MANY = 2000
"""Training images from which on batches are twice as large: an epoch has enough steps, and takes less time."""
STEPS = 840
"""About how many a backbone is trained for."""
MOST_EPOCHS, FEWEST_EPOCHS = 25, 5
"""Limits of that."""
UNEQUAL = 3
"""How many times as large as the smallest the largest class is where an epoch shows as many images of each."""


@dataclass(frozen=True)
class Seen:
    """What is known of a study's images once they were dealt to parts.

    Attributes:
        side: the median of their shorter sides, in pixels.
        images: how many there are.
        training: how many of them to train on.
        unequal: how many times as large as the smallest the largest class is there; 1 of several findings.
    """

    side: int
    images: int
    training: int
    unequal: float = 1.0


def seen(study: str, *, multi_label: bool = False) -> Seen | None:
    """What the manifest of a study says; None before there is one.

    Args:
        study: its name.
        multi_label: whether its classes are findings.
    """
    path = paths.manifest(study)
    if not path.exists():
        return None
    rows = manifest.used(path, "width", "height", "split", "label")
    shorter = rows[["width", "height"]].min(axis=1)
    training = rows["label"][rows["split"] == "train"].value_counts()
    unequal = 1.0 if multi_label or training.empty else float(training.max() / training.min())
    return Seen(int(np.median(shorter)), len(rows), int(training.sum()), unequal)


def fitted(study: str, models: Mapping[str, Model], of: Seen | None) -> tuple[dict[str, int | str], list[str]]:
    """The keys of ``params.yaml`` that a preset sets by the images, and a line that says why for each kind.

    Args:
        study: its name.
        models: those of the preset, by name.
        of: its images.
    """
    if of is None:
        return {}, ["image size, batch and epochs as params.yaml has them: nobody has looked at the images yet"]
    size, why = _size(models, of)
    keys: dict[str, int | str] = {f"studies.{study}.images.size": size}
    reasons = [f"images of {size} pixels: {why}"]
    for name, model in models.items():
        if not model.frozen:
            changes, because = _trained(model, of)
            keys |= {f"models.{name}.{key}": value for key, value in changes.items()}
            reasons += because
    return keys, list(dict.fromkeys(reasons))


def _trained(model: Model, of: Seen) -> tuple[dict[str, int | str], list[str]]:
    """Batch, epochs and balance of a model that is trained whole, and why."""
    many = of.training >= MANY
    batch = model.batch_size * (1 + many)
    steps = -(-of.training // batch)
    epochs = min(max(round(STEPS / steps), FEWEST_EPOCHS), MOST_EPOCHS)
    keys: dict[str, int | str] = {"batch_size": batch, "epochs": epochs, "patience": epochs}
    reasons = [
        f"batches of {batch}: {of.training:,} training images, {'at least' if many else 'fewer than'} {MANY:,}",
        f"{epochs} epochs of {steps:,} steps: about {STEPS}, in {FEWEST_EPOCHS} to {MOST_EPOCHS} epochs",
    ]
    if of.unequal >= UNEQUAL and not model.class_weights:
        keys["sampler"] = "balanced"
        reasons.append(f"as many images of each class: the largest has {of.unequal:.1f} times as many as the smallest")
    return keys, reasons


def _size(models: Mapping[str, Model], of: Seen) -> tuple[int, str]:
    """No larger than the images are, nor than what the networks were trained on, and smaller where they are many."""
    rows = [catalogue().backbones[model.backbone] for model in models.values()]
    native = min(row.native or of.side for row in rows)
    size = max(min(native, fitting_side(of.side, of.images)), *(row.smallest for row in rows))
    return size, f"{of.images:,} images of {of.side} in the median, and networks that were trained on {native} or more"
