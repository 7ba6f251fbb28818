"""ONNX graphs of one version of the operators, so that they can be joined."""

from __future__ import annotations

from collections.abc import Sequence

import onnx
from onnx import ModelProto, version_converter

_FIRST, _SECOND = "first/", "second/"


def aligned(models: Sequence[ModelProto]) -> list[ModelProto]:
    """The same networks, all in the newest version of ONNX's operators that one of them is in."""
    version = max(map(_version, models))
    lifted = [m if _version(m) == version else version_converter.convert_version(m, version) for m in models]
    newest = max(model.ir_version for model in lifted)
    for model in lifted:
        model.ir_version = newest
    return lifted


def behind(first: ModelProto, second: ModelProto) -> ModelProto:
    """A network of two: what the first answers is the input of the second. Each has one of both."""
    first, second = (
        onnx.compose.add_prefix(model, prefix)
        for model, prefix in zip(aligned([first, second]), (_FIRST, _SECOND), strict=True)
    )
    joint = [(first.graph.output[0].name, second.graph.input[0].name)]
    return onnx.compose.merge_models(first, second, io_map=joint)


def _version(model: ModelProto) -> int:
    return max(opset.version for opset in model.opset_import if opset.domain in ("", "ai.onnx"))
