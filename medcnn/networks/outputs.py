"""What networks answer: with two classes it may be one sigmoid unit, which becomes one probability per class here."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np


def per_class(probabilities: Any, concatenate: Callable[[list[Any], int], Any] = np.concatenate) -> Any:
    """Probabilities (N, C) from a network's output.

    Args:
        probabilities: (N, C), or (N, 1), those of the second of two classes.
        concatenate: joins arrays along an axis; ``tf.concat`` or ``keras.ops.concatenate`` for tensors.
    """
    if probabilities.shape[-1] > 1:
        return probabilities
    return concatenate([1 - probabilities, probabilities], -1)
