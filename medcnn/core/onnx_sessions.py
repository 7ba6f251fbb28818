"""ONNX Runtime, set up the same way wherever a file from elsewhere is opened, and shown nothing that could do harm.

Its memory is limited, its time is not: a file from elsewhere can still ask for a very long computation.
"""

from __future__ import annotations

from functools import cache

import onnxruntime
from onnxruntime import InferenceSession

from medcnn.core import untrusted
from medcnn.core.errors import MedcnnError

MEMORY = 4 << 30
"""Bytes for the constants and intermediate results of all sessions of a process; a model that needs more fails."""

_SILENT = 4


def opened(content: bytes, name: str, threads: int) -> InferenceSession:
    """A session on the CPU.

    Args:
        content: of an ONNX file.
        name: what to call the file in an error.
        threads: inside an operation.

    Raises:
        MedcnnError: the content could do harm (see ``untrusted``), or ONNX Runtime cannot run it.
    """
    try:
        untrusted.refuse_unsafe(content)
    except MedcnnError as error:
        raise MedcnnError(f"{name} was not opened: it {error}") from error
    try:
        return InferenceSession(content, _options(threads), providers=["CPUExecutionProvider"], enable_fallback=0)
    # ONNX Runtime's exceptions share no base class of their own.
    except Exception as error:
        raise MedcnnError(f"{name}: ONNX Runtime {onnxruntime.__version__} cannot open it: {reason(error)}") from error


def reason(error: Exception) -> str:
    """The first line of what ONNX Runtime says."""
    return (str(error).splitlines() or [type(error).__name__])[0]


def _options(threads: int) -> onnxruntime.SessionOptions:
    _limit_memory()
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
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
