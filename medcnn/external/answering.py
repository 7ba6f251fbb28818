"""What the trained models of a study answer to images of another."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from medcnn.core.arrays import Floats
from medcnn.dataset.shards import Rows
from medcnn.ensemble import combined
from medcnn.networks import saving
from medcnn.networks.forward import forward
from medcnn.networks.outputs import per_class
from medcnn.runtime import paths


def answers(study: str, networks: Iterable[str], images: Rows) -> dict[str, Floats]:
    """Raw probabilities (N, C) of every network, then of every ensemble and cascade as it was fitted at home.

    Args:
        study: the home study.
        networks: its trained models, chains included.
        images: uint8 (N, S, S, 3), prepared as the home study's are.

    Raises:
        MedcnnError: a model is missing.
    """
    trained = {
        name: per_class(forward(saving.load(paths.keras_model(study, name)), images)).astype(np.float64)
        for name in networks
    }
    joined = {
        name: made.rule.combine(np.stack([trained[member] for member in made.members]))
        for name, made in combined.read_all(study).items()
    }
    return trained | joined
