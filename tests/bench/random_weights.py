"""Random weights where published ones would lie: speed does not depend on them. Run as a program of its own.

python -m tests.bench.random_weights BACKBONE=PATH...
"""

from __future__ import annotations

import sys
from pathlib import Path

import keras

from medcnn.core.seeding import pin_tensorflow
from tests.networks.blocks import keras_file


def main() -> None:
    """Write a file of weights, as keras.applications publishes them, for each backbone."""
    pin_tensorflow(0)
    for name, path in (argument.split("=", 1) for argument in sys.argv[1:]):
        Path(path).parent.mkdir(parents=True, exist_ok=True)
        network = getattr(keras.applications, name)(weights=None, include_top=False, input_shape=(224, 224, 3))
        keras_file(Path(path), network)


if __name__ == "__main__":
    main()
