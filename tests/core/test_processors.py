from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

from medcnn.core.processors import NUMERICAL
from tests.project import ROOT

NORMALISED = """
import json
from medcnn.core import processors, seeding
seeding.pin_tensorflow(1)
import keras, numpy as np, tensorflow as tf
images = tf.constant(np.random.default_rng(0).normal(size=(8, 5, 5, 6)).astype(np.float32))
def found():
    for layer in (keras.layers.BatchNormalization(), keras.layers.LayerNormalization()):
        with tf.GradientTape() as tape:
            tape.watch(images)
            normalised = layer(images, training=True)
            total = tf.reduce_sum(normalised**3)
        yield from (normalised, tape.gradient(total, images))
native = [np.ravel(array).tolist() for array in found()]
processors.divide_exactly()
portable = [np.ravel(array).tolist() for array in found()]
numbers = np.arange(1, 9000, dtype=np.float32)
found = [tf.function(op)(numbers).numpy() for op in (tf.math.rsqrt, tf.math.reciprocal)]
exact = [1 / np.sqrt(numbers.astype(float)), 1 / numbers.astype(float)]
print(json.dumps([native, portable, np.array_equal(found, np.float32(exact))]))
"""
PRODUCTS = """
import stages, hashlib, os, numpy as np
x = np.random.default_rng(0).normal(size=(70, 50))
print(hashlib.sha256(b"".join(a.tobytes() for a in (np.exp(x), x.T @ x, np.linalg.solve(x.T @ x, x.T)))).hexdigest())
print(len(os.sched_getaffinity(0)))
"""


def printed(program: str, **environment: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, env={**os.environ, **environment}, capture_output=True, check=True
    )
    return done.stdout.decode().splitlines()[0]


@pytest.mark.tensorflow
def test_division_by_roots_is_exact_and_normalises_as_before() -> None:
    native, portable, exact = json.loads(printed(NORMALISED))
    assert exact
    for before, after in zip(native, portable, strict=True):
        assert after == pytest.approx(before, rel=1e-4, abs=1e-5)


def test_a_stage_computes_the_same_whatever_the_environment_and_the_number_of_cpus() -> None:
    others = {"OPENBLAS_CORETYPE": "Sandybridge", "OPENBLAS_NUM_THREADS": "2", "NPY_DISABLE_CPU_FEATURES": "X86_V4"}
    assert others.keys() == NUMERICAL.keys()
    assert printed(PRODUCTS) == printed(PRODUCTS, **others)
