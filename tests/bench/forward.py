"""How fast frozen backbones run, beside what the machine can do: run as a program of its own, prints JSON.

    python -m tests.bench.forward MODEL...

For each model, its backbone's forward pass at 224 pixels and a large float32 matrix product take turns.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from statistics import median

import numpy as np

from medcnn.core.seeding import pin_tensorflow
from medcnn.params import whole
from medcnn.params.shared.models import Model
from medcnn.params.shared.scaling import PREPROCESSING

SIZE = 224
FEW, MANY = 16, 112
SIDE = 4096
ROUNDS = 5


def main() -> None:
    """Print {model: {precision: {images per second, share of the matrix-product rate}}}."""
    pin_tensorflow(1)
    print(json.dumps({model: measured(whole.load().model(model)) for model in sys.argv[1:]}))


def measured(model: Model) -> dict[str, dict[str, float]]:
    """Medians over rounds in which both precisions and the matrix product take turns."""
    from medcnn.networks.building import build, extractor
    from medcnn.networks.cost import macs
    from medcnn.networks.precision import in_bfloat16

    full = build(model.model_copy(update={"weights": "none"}), SIZE, 2, PREPROCESSING["none"], Path())
    networks = {"float32": extractor(full), "bfloat16": extractor(in_bfloat16(full))}
    images = np.random.default_rng(0).integers(0, 256, (MANY, SIZE, SIZE, 3)).astype(np.uint8)
    cost = 2 * macs(full.get_layer("backbone"))
    found: dict[str, list[tuple[float, float]]] = {name: [] for name in networks}
    for _ in range(ROUNDS):
        for name, network in networks.items():
            rate = _images_per_second(network, images)
            found[name].append((rate, rate * cost / _matrix_products_per_second() / (2 * SIDE**3)))
    return {
        name: {"images_per_second": median(rate for rate, _ in pairs), "share": median(share for _, share in pairs)}
        for name, pairs in found.items()
    }


def _images_per_second(network: object, images: np.ndarray) -> float:
    """Without the time to build the graph, which the first few images bear as well."""
    few, many = (_seconds(network, images[:count]) for count in (FEW, MANY))
    return (MANY - FEW) / (many - few)


def _seconds(network: object, images: np.ndarray) -> float:
    from medcnn.networks.forward import forward

    start = time.perf_counter()
    forward(network, images)
    return time.perf_counter() - start


def _matrix_products_per_second() -> float:
    import tensorflow as tf

    matrix = tf.random.stateless_normal((SIDE, SIDE), (1, 2))
    tf.matmul(matrix, matrix)
    start = time.perf_counter()
    tf.matmul(matrix, matrix).numpy()
    return 1 / (time.perf_counter() - start)


if __name__ == "__main__":
    main()
