"""What makes two runs give the same bytes: seeds, thread counts and the CPU library's settings, in one place."""

from __future__ import annotations

import hashlib
import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from medcnn.core import processors

THREADS = 2
"""Threads inside an operation. Pinned: float sums depend on how the work is divided."""

ENVIRONMENT: Mapping[str, str] = {
    "TF_ENABLE_ONEDNN_OPTS": "1",
    "TF_CPP_MIN_LOG_LEVEL": "3",
    "OMP_NUM_THREADS": str(THREADS),
}


def derived(*parts: object) -> np.random.Generator:
    """A generator for one purpose, the same for the same ``parts`` whatever was drawn before."""
    digest = hashlib.sha256("/".join(map(str, parts)).encode()).digest()
    return np.random.Generator(np.random.PCG64(int.from_bytes(digest[:16], "big")))


@contextmanager
def quiet() -> Iterator[None]:
    """Keep off the terminal what the C++ side of a library says before its log level is heeded."""
    sys.stderr.flush()
    kept = os.dup(2)
    with Path(os.devnull).open("w") as nowhere:
        os.dup2(nowhere.fileno(), 2)
    try:
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)


def pin_tensorflow(seed: int, *, portable: bool = False) -> None:
    """Seed Keras, make TensorFlow's operations deterministic and pin its threads; call before any of its work.

    Args:
        seed: of whatever Keras draws.
        portable: give the same bytes on every x86-64 processor with AVX2; this holds for the rest of the process.
    """
    os.environ.update({**ENVIRONMENT, **(processors.ONEDNN if portable else {})})
    with quiet():
        import keras
        import tensorflow as tf

        tf.config.list_physical_devices()
        if portable:
            tf.config.set_visible_devices([], "GPU")
    if tf.config.threading.get_intra_op_parallelism_threads() != THREADS:
        tf.config.threading.set_intra_op_parallelism_threads(THREADS)
        tf.config.threading.set_inter_op_parallelism_threads(1)
    tf.config.experimental.enable_op_determinism()
    keras.utils.set_random_seed(seed)
    if portable:
        processors.divide_exactly()
