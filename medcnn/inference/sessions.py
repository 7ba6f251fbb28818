"""Exported models, opened in ONNX Runtime as safely as any other file from elsewhere."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from onnxruntime import InferenceSession

from medcnn.core import onnx_sessions, untrusted
from medcnn.core.errors import MedcnnError
from medcnn.core.seeding import THREADS

INPUT = "image"
OUTPUT = "probabilities"
"""The names of an exported model's one input and one output."""


def load(path: Path) -> InferenceSession:
    """Open an exported model.

    Raises:
        MedcnnError: There is no such file, it holds what could do harm, or ONNX Runtime cannot run what is in it.
    """
    if not path.is_file():
        raise MedcnnError(f"{path} not found: export the model first (`dvc repro`)")
    if path.stat().st_size > untrusted.LIMIT:
        raise MedcnnError(f"{path} is too large to be an ONNX model: more than {untrusted.LIMIT} bytes")
    return session(path.read_bytes(), path)


def session(content: bytes, path: Path, threads: int = THREADS) -> InferenceSession:
    """A session on the CPU, by default with as many threads as TensorFlow gets, for the content of a file at ``path``.

    Raises:
        MedcnnError: see ``onnx_sessions.opened``; or it is no exported model, which maps ``image``
            (batch, H, W, 3) to ``probabilities`` (batch, classes).
    """
    opened = onnx_sessions.opened(content, str(path), threads)
    try:
        _refuse_other_ports(opened, path)
    except UnicodeDecodeError as error:
        raise MedcnnError(f"{path} is not a model of this program: a name in it is not text") from error
    return opened


def probabilities(session: InferenceSession, images: np.ndarray) -> np.ndarray:
    """Probabilities float32 (batch, classes) of images float32 (batch, H, W, 3), 0..255.

    Raises:
        MedcnnError: The images are of another shape, or the model needs more than ``onnx_sessions.MEMORY``.
    """
    try:
        answer: np.ndarray = session.run([OUTPUT], {INPUT: images})[0]
    except Exception as error:
        raise MedcnnError(
            f"ONNX Runtime could not run the model on {images.shape}: {onnx_sessions.reason(error)}"
        ) from error
    return answer


def _refuse_other_ports(opened: InferenceSession, path: Path) -> None:
    inputs, outputs = (
        [(port.name, port.type, *port.shape) for port in side] for side in (opened.get_inputs(), opened.get_outputs())
    )
    match inputs, outputs:
        case [(image, "tensor(float)", _, int(), int(), 3)], [(answer, "tensor(float)", _, int())]:
            if (image, answer) == (INPUT, OUTPUT):
                return
    raise MedcnnError(
        f"{path} is not a model of this program: it should map floats {INPUT} (batch, height, width, 3) to floats "
        f"{OUTPUT} (batch, classes)"
    )
