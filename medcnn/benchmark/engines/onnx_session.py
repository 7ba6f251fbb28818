"""ONNX Runtime: the exported model, in float32 or int8."""

from __future__ import annotations

from functools import partial
from pathlib import Path

from medcnn.benchmark.engines.available import Engine
from medcnn.benchmark.job import Job
from medcnn.inference import sessions


def opened(job: Job) -> Engine:
    """The exported model of a job."""
    return partial(sessions.probabilities, sessions.load(Path(job.files[job.name])))
