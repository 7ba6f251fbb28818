"""TensorFlow against ONNX Runtime: the same network, arrays and threads, in one process."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import keras
import numpy as np
import onnxruntime
import tensorflow as tf

from medcnn import files, params
from medcnn.onnx import runtime
from medcnn.onnx.heldout import HeldOut
from medcnn.onnx.machine import Machine, this_machine
from medcnn.onnx.timing import ROUNDS, Engine, Latency, Seconds, Speedup, in_turns, latency, speedup
from medcnn.seeding import THREADS

BASELINE = "tensorflow"


@dataclass(frozen=True)
class Setup:
    """What is timed and how; the same in every run.

    Attributes:
        model_sha256: Of the ONNX file.
        arrays_sha256: Of the images, as float32.
        image_size: Side of the images, in pixels.
        engines: In the order of their turns.
        batch_sizes: Images in a call.
        rounds: How often the engines take turns.
        warmup: Calls before the first round, for each engine and batch size.
        calls: Timed calls, for each engine and batch size: ``benchmark.calls``, rounded up to whole rounds.
        threads: Threads inside an operation, for every engine.
    """

    model_sha256: str
    arrays_sha256: str
    image_size: int
    engines: tuple[str, ...]
    batch_sizes: tuple[int, ...]
    rounds: int
    warmup: int
    calls: int
    threads: int


@dataclass(frozen=True)
class Timings:
    """What came out, by engine and batch size, and on what; speed-ups are over ``BASELINE``."""

    model_sha256: str
    latency: Mapping[str, Mapping[int, Latency]]
    speedup: Mapping[str, Mapping[int, Speedup]]
    machine: Machine
    threads: int
    versions: Mapping[str, str]


def benchmark(model: keras.Model, onnx_model: Path, plan: params.Benchmark, test: HeldOut) -> tuple[Setup, Timings]:
    """Time a model in TensorFlow, as a traced graph, and in ONNX Runtime.

    Args:
        model: From ``image``, float32 (batch, H, W, 3), 0..255, to probabilities.
        onnx_model: The same model exported.
        plan: Batch sizes and numbers of calls.
        test: Where the images come from.

    Raises:
        MedcnnError: ONNX Runtime cannot open the exported model.
    """
    images = test.first(max(plan.batch_sizes))
    engines = {BASELINE: _tensorflow(model), "onnxruntime": _onnxruntime(onnx_model)}
    calls = -(-plan.calls // ROUNDS)
    setup = Setup(
        model_sha256=files.sha256(onnx_model),
        arrays_sha256=hashlib.sha256(images.tobytes()).hexdigest(),
        image_size=images.shape[1],
        engines=tuple(engines),
        batch_sizes=plan.batch_sizes,
        rounds=ROUNDS,
        warmup=plan.warmup,
        calls=calls * ROUNDS,
        threads=THREADS,
    )
    timed = {size: in_turns(engines, _batches(images, size), plan.warmup, calls) for size in plan.batch_sizes}
    return setup, _timings(timed, setup)


def _tensorflow(model: keras.Model) -> Engine:
    signature = [tf.TensorSpec((None, *model.input_shape[1:]), tf.float32)]
    traced = tf.function(lambda images: model(images, training=False), signature, autograph=False)
    graph = traced.get_concrete_function()
    return lambda images: graph(tf.constant(images)).numpy()


def _onnxruntime(path: Path) -> Engine:
    session = runtime.load(path)
    return lambda images: runtime.probabilities(session, images)


def _batches(images: np.ndarray, size: int) -> list[np.ndarray]:
    return [images[start : start + size] for start in range(0, len(images) - size + 1, size)]


def _timings(timed: Mapping[int, Mapping[str, Seconds]], setup: Setup) -> Timings:
    engines = setup.engines
    return Timings(
        model_sha256=setup.model_sha256,
        latency={name: {size: latency(seconds[name], size) for size, seconds in timed.items()} for name in engines},
        speedup={
            name: {size: speedup(seconds[BASELINE], seconds[name]) for size, seconds in timed.items()}
            for name in engines
            if name != BASELINE
        },
        machine=this_machine(),
        threads=THREADS,
        versions={library.__name__: library.__version__ for library in (tf, keras, onnxruntime, np)},
    )
