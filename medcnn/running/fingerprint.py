"""Image size and batch of a preset, from what the images are: the rules, and the reasons that are printed with them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from medcnn.dataset import manifest
from medcnn.init.looking import fitting_side
from medcnn.params.catalogue import catalogue
from medcnn.params.shared.models import Model
from medcnn.runtime import paths

MANY = 2000
"""Training images from which on batches are twice as large: an epoch has enough steps, and takes less time."""


@dataclass(frozen=True)
class Seen:
    """What is known of a study's images once they were dealt to parts.

    Attributes:
        side: the median of their shorter sides, in pixels.
        images: how many there are.
        training: how many of them to train on.
    """

    side: int
    images: int
    training: int


def seen(study: str) -> Seen | None:
    """What the manifest of a study says; None before there is one."""
    path = paths.manifest(study)
    if not path.exists():
        return None
    rows = manifest.used(path, "width", "height", "split")
    shorter = rows[["width", "height"]].min(axis=1)
    return Seen(int(np.median(shorter)), len(rows), int((rows["split"] == "train").sum()))


def fitted(study: str, models: Mapping[str, Model], of: Seen | None) -> tuple[dict[str, int], list[str]]:
    """The keys of ``params.yaml`` that a preset sets by the images, and a line that says why for each kind.

    Args:
        study: its name.
        models: those of the preset, by name.
        of: its images.
    """
    if of is None:
        return {}, ["image size and batch as params.yaml has them: nobody has looked at the images yet"]
    size, why = _size(models, of)
    larger = [name for name, model in models.items() if not model.frozen and of.training >= MANY]
    keys = {f"studies.{study}.images.size": size}
    keys |= {f"models.{name}.batch_size": 2 * models[name].batch_size for name in larger}
    return keys, [f"images of {size} pixels: {why}", *_batches(larger, of.training, models)]


def _size(models: Mapping[str, Model], of: Seen) -> tuple[int, str]:
    """No larger than the images are, nor than what the networks were trained on, and smaller where they are many."""
    rows = [catalogue().backbones[model.backbone] for model in models.values()]
    native = min(row.native or of.side for row in rows)
    size = max(min(native, fitting_side(of.side, of.images)), *(row.smallest for row in rows))
    return size, f"{of.images:,} images of {of.side} in the median, and networks that were trained on {native} or more"


def _batches(larger: Sequence[str], training: int, models: Mapping[str, Model]) -> list[str]:
    if not any(not model.frozen for model in models.values()):
        return []
    many = "at least" if larger else "fewer than"
    return [
        f"batches {'twice as large' if larger else 'as in the recipe'}: {training:,} training images, {many} {MANY:,}"
    ]
