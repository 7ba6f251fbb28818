"""The engines by name, and what the process of one of them is sent.

Apart from ``subjects``: an engine's process has no use for pandas, which would be part of its start and of its memory.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

BASELINE = "tensorflow"
ONNX = "onnxruntime"
INT8 = "onnxruntime_int8"
OPENVINO = "openvino"
BFLOAT16 = "openvino_bfloat16"
LITERT = "litert"
REQUIRED = (BASELINE, ONNX, INT8)
"""The engines that every benchmark has; the others are there where they are installed."""


@dataclass(frozen=True)
class Job:
    """What the process of one engine needs; plain values, as they are sent to it.

    Attributes:
        engine: its name.
        study: the subject's study.
        name: the subject's name.
        files: the files that the engine runs, by name: of every network, or of the one exported model.
        temperature: divides the logits in engines that run networks.
        prepared: the folder of the prepared images.
        indices: positions of the test images among them.
        most: how many test images are timed, and the largest batch.
        multi_label: whether classes are findings, of which an image may have several.
    """

    engine: str
    study: str
    name: str
    files: Mapping[str, str]
    temperature: float
    prepared: str
    indices: tuple[int, ...]
    most: int
    multi_label: bool = False
