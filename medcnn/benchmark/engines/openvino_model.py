"""OpenVINO: the exported model in float32, computed in float32 or bfloat16."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
import openvino

from medcnn.benchmark.engines.available import Engine
from medcnn.benchmark.job import BFLOAT16, Job
from medcnn.core.seeding import THREADS


def opened(job: Job) -> Engine:
    """The exported model of a job: compiled for one image, which is where that pays, and once for any larger batch."""
    core = openvino.Core()
    settings = {
        "INFERENCE_PRECISION_HINT": "bf16" if job.engine == BFLOAT16 else "f32",
        "INFERENCE_NUM_THREADS": THREADS,
        "NUM_STREAMS": 1,
        "PERFORMANCE_HINT": "LATENCY",
    }

    @cache
    def request(shape: tuple[int, ...]) -> Any:
        model = core.read_model(job.files[job.name])
        model.reshape(list(shape))
        return core.compile_model(model, "CPU", settings).create_infer_request()

    def answer(images: np.ndarray) -> np.ndarray:
        # Compiled for 4 or 8 images alone, a weighted mean of networks makes OpenVINO 2026.4 crash.
        batch = 1 if len(images) == 1 else -1
        at_hand = request((batch, *images.shape[1:]))
        at_hand.infer([images], share_inputs=True)
        probabilities: np.ndarray = at_hand.get_output_tensor(0).data.copy()
        return probabilities

    return answer
