"""Names of layers that do not depend on what else was built in the same process."""

from __future__ import annotations

import re
from collections import Counter

import keras


def rename(model: keras.Model) -> keras.Model:
    """Number again the layers of ``model`` that Keras named after their class and a counter of the whole process."""
    counts: Counter[str] = Counter()
    for operation in model.operations:
        kind = _snake_case(type(operation).__name__)
        if re.fullmatch(rf"{kind}(_\d+)?", operation.name):
            operation.name = f"{kind}_{counts[kind]}"
            counts[kind] += 1
    return model


def _snake_case(name: str) -> str:
    """``MaxPooling2D`` as Keras writes it: ``max_pooling2d``."""
    return re.sub(r"(?<=[a-z])(?=[A-Z])|(?<=.)(?=[A-Z][a-z])", "_", name).lower()
