"""ONNX Runtime, set up the same way wherever an exported model is opened."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnxruntime
from onnxruntime import InferenceSession

from medcnn.console import MedcnnError
from medcnn.seeding import THREADS

INPUT = "image"
OUTPUT = "probabilities"
"""The names of an exported model's one input and one output."""


def load(path: Path) -> InferenceSession:
    """Open an exported model.

    Raises:
        MedcnnError: There is no such file, or ONNX Runtime cannot run what is in it.
    """
    if not path.is_file():
        raise MedcnnError(f"{path} not found: export the model first (`dvc repro`)")
    return session(path.read_bytes(), path)


def session(content: bytes, path: Path) -> InferenceSession:
    """A session on the CPU, with as many threads as TensorFlow gets, for the content of the file at ``path``.

    Raises:
        MedcnnError: ONNX Runtime cannot run it.
    """
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = THREADS
    options.inter_op_num_threads = 1
    # Else its threads go on waiting busily after a call, on the cores that TensorFlow's next call needs.
    options.add_session_config_entry("session.force_spinning_stop", "1")
    try:
        return InferenceSession(content, options, providers=["CPUExecutionProvider"])
    # ONNX Runtime's exceptions share no base class of their own.
    except Exception as error:
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        raise MedcnnError(f"{path}: ONNX Runtime {onnxruntime.__version__} cannot open it: {reason}") from error


def probabilities(session: InferenceSession, images: np.ndarray) -> np.ndarray:
    """Probabilities float32 (batch, classes) of images float32 (batch, H, W, 3), 0..255."""
    answer: np.ndarray = session.run([OUTPUT], {INPUT: images})[0]
    return answer
