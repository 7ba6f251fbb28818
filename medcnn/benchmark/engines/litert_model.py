"""LiteRT: each network as a ``.tflite`` file in float32, with its XNNPACK kernels."""

from __future__ import annotations

from functools import partial

import numpy as np
from ai_edge_litert.interpreter import Interpreter

from medcnn.benchmark.engines.available import Engine
from medcnn.benchmark.engines.members import Networks, answering
from medcnn.benchmark.job import Job
from medcnn.core.seeding import THREADS
from medcnn.networks.outputs import per_class


def opened(job: Job) -> Engine:
    """The converted networks of a job."""
    return answering(job, partial(_interpreted, job))


def _interpreted(job: Job, names: tuple[str, ...]) -> Networks:
    networks = [_network(job.files[name]) for name in names]
    return lambda images: np.stack([per_class(network(images)) for network in networks])


def _network(path: str) -> Engine:
    interpreter = Interpreter(model_path=path, num_threads=THREADS)
    (image,), (probabilities,) = interpreter.get_input_details(), interpreter.get_output_details()
    sized: list[tuple[int, ...]] = []

    def answer(images: np.ndarray) -> np.ndarray:
        if sized != [images.shape]:
            interpreter.resize_tensor_input(image["index"], images.shape)
            interpreter.allocate_tensors()
            sized[:] = [images.shape]
        interpreter.set_tensor(image["index"], images)
        interpreter.invoke()
        return interpreter.get_tensor(probabilities["index"])

    return answer
