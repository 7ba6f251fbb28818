"""ONNX Runtime, set up the same way wherever an exported model is opened, and shown nothing that could do harm.

Its memory is limited, its time is not: a file from elsewhere can still ask for a very long computation.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path

import numpy as np
import onnxruntime
from onnxruntime import InferenceSession

from medcnn.core.errors import MedcnnError
from medcnn.core.seeding import THREADS
from medcnn.inference import untrusted

INPUT = "image"
OUTPUT = "probabilities"
"""The names of an exported model's one input and one output."""

MEMORY = 4 << 30
"""Bytes for the constants and intermediate results of all sessions of a process; a model that needs more fails."""

_SILENT = 4


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


def session(content: bytes, path: Path) -> InferenceSession:
    """A session on the CPU, with as many threads as TensorFlow gets, for the content of the file at ``path``.

    Raises:
        MedcnnError: The content could do harm (see ``untrusted``), ONNX Runtime cannot run it, or it is no exported
            model, which maps ``image`` (batch, H, W, 3) to ``probabilities`` (batch, classes).
    """
    try:
        untrusted.refuse_unsafe(content)
    except MedcnnError as error:
        raise MedcnnError(f"{path} was not opened: it {error}") from error
    try:
        opened = InferenceSession(content, _options(), providers=["CPUExecutionProvider"], enable_fallback=0)
    # ONNX Runtime's exceptions share no base class of their own.
    except Exception as error:
        version = onnxruntime.__version__
        raise MedcnnError(f"{path}: ONNX Runtime {version} cannot open it: {_reason(error)}") from error
    _refuse_other_ports(opened, path)
    return opened


def probabilities(session: InferenceSession, images: np.ndarray) -> np.ndarray:
    """Probabilities float32 (batch, classes) of images float32 (batch, H, W, 3), 0..255.

    Raises:
        MedcnnError: The images are of another shape, or the model needs more than ``MEMORY``.
    """
    try:
        answer: np.ndarray = session.run([OUTPUT], {INPUT: images})[0]
    except Exception as error:
        raise MedcnnError(f"ONNX Runtime could not run the model on {images.shape}: {_reason(error)}") from error
    return answer


def _options() -> onnxruntime.SessionOptions:
    _limit_memory()
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = THREADS
    options.inter_op_num_threads = 1
    options.log_severity_level = _SILENT
    # Else its threads go on waiting busily after a call, on the cores that TensorFlow's next call needs.
    options.add_session_config_entry("session.force_spinning_stop", "1")
    options.add_session_config_entry("session.use_env_allocators", "1")
    # Else bytes that are ONNX and ONNX Runtime's own format at once would be read as the latter, which is not checked.
    options.add_session_config_entry("session.load_model_format", "ONNX")
    return options


@cache
def _limit_memory() -> None:
    device = onnxruntime.OrtMemoryInfo(
        "Cpu", onnxruntime.OrtAllocatorType.ORT_ARENA_ALLOCATOR, 0, onnxruntime.OrtMemType.DEFAULT
    )
    onnxruntime.create_and_register_allocator(device, onnxruntime.OrtArenaCfg({"max_mem": MEMORY}))


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


def _reason(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0]
