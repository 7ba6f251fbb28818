"""Features of a prepared study in a throwaway project: run there as a program of its own.

    python -m tests.bench.lite0 STUDY [beside]

With ``beside`` the first shard is extracted in turns with a bare forward pass, and the seconds are printed as JSON.
"""

from __future__ import annotations

import json
import shutil
import sys
import time
from collections.abc import Callable
from statistics import median

import numpy as np

from medcnn.core.seeding import pin_tensorflow
from medcnn.params import whole
from medcnn.runtime import paths

MODEL = "lite0"
ROUNDS = 3


def main() -> None:
    """Extract features as training does."""
    study = sys.argv[1]
    settings = whole.load()
    pin_tensorflow(settings.seed)
    from medcnn.dataset import pack
    from medcnn.dataset.shards import Shards
    from medcnn.networks import pretrained
    from medcnn.networks.building import build, extractor
    from medcnn.networks.forward import forward
    from medcnn.train import features

    block = settings.study(study)
    classes, weights = len(block.labels.class_names), paths.weights(MODEL)
    steps = pretrained.preprocessing(weights)
    network = extractor(build(settings.model(MODEL), block.images.size, classes, steps, weights))
    pixels = pack.images(paths.prepared(study))
    if "beside" not in sys.argv:
        features.extracted(features.Extractor.of(network), pixels)
        return
    first = Shards(pixels.shards[:1], np.arange(pixels.shards[0].shape[0]), pixels.shape[1:], pixels.dtype)
    in_memory = first[:]
    ways = {
        "extracted": lambda: features.extracted(features.Extractor.of(network), first),
        "bare": lambda: forward(network, in_memory),
    }
    print(json.dumps(_beside(ways)))


def _beside(ways: dict[str, Callable[[], object]]) -> dict[str, float]:
    """Median seconds of each way, which take turns; extraction begins with an empty cache."""
    seconds: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(ROUNDS):
        for name, way in ways.items():
            shutil.rmtree(paths.state("features"), ignore_errors=True)
            start = time.perf_counter()
            way()
            seconds[name].append(time.perf_counter() - start)
    return {name: median(of_way) for name, of_way in seconds.items()}


if __name__ == "__main__":
    main()
