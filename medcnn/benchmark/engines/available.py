"""The engines that can be timed here; each opens a model in its own form and returns probabilities for images."""

from __future__ import annotations

from collections.abc import Callable
from importlib.metadata import PackageNotFoundError, version

import numpy as np

from medcnn.benchmark.job import BASELINE, BFLOAT16, INT8, LITERT, ONNX, OPENVINO, Job

Engine = Callable[[np.ndarray], np.ndarray]
"""From images float32 (N, H, W, 3), 0..255, to calibrated probabilities (N, C)."""

OPTIONAL = {OPENVINO: "openvino", BFLOAT16: "openvino", LITERT: "ai-edge-litert"}
"""The package of each engine that need not be installed."""
PACKAGES = ("tensorflow", "keras", "onnxruntime", "numpy", *dict.fromkeys(OPTIONAL.values()))
BFLOAT16_SETS = {"avx512_bf16", "amx_bf16"}
"""The instruction sets without which bfloat16 only costs time."""


def versions() -> dict[str, str]:
    """Versions of the packages of all engines, as far as they are installed."""
    found = {package: _version(package) for package in PACKAGES}
    return {package: number for package, number in found.items() if number}


def suited(instruction_sets: tuple[str, ...]) -> tuple[str, ...]:
    """The optional engines that have code for a machine."""
    return tuple(name for name in OPTIONAL if name != BFLOAT16 or BFLOAT16_SETS & set(instruction_sets))


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def opened(job: Job) -> Engine:
    """The engine of a job, with its model.

    Raises:
        Exception: whatever a library raises at a model that it cannot open.
    """
    # An engine's process imports that engine alone: the others would be part of its start and of its memory.
    if job.engine == BASELINE:
        from medcnn.benchmark.engines import keras_graph

        return keras_graph.opened(job)
    if job.engine in (ONNX, INT8):
        from medcnn.benchmark.engines import onnx_session

        return onnx_session.opened(job)
    if job.engine == LITERT:
        from medcnn.benchmark.engines import litert_model

        return litert_model.opened(job)
    from medcnn.benchmark.engines import openvino_model

    return openvino_model.opened(job)
