"""Encoders of the user's own: ONNX files of any layout, checked, tried, and written in the one form that models take.

An encoder is what somebody else exported: images first or last channel, features as vectors, tokens or maps, and
perhaps a file made to do harm. It is read as an exported model is (``core.untrusted``), framed by the few nodes that
make it a graph from ``pixels`` (batch, S, S, 3) to ``maps`` (batch, h, w, F), and run once on noise.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import (
    ModelProto,
    NodeProto,
    TensorProto,
    ValueInfoProto,
    helper,
    numpy_helper,
    shape_inference,
    version_converter,
)

from medcnn.core import files, onnx_sessions, untrusted
from medcnn.core.errors import MedcnnError
from medcnn.params.encoders import Encoder

OPSET = 15
"""The oldest version of ONNX's operators that encoders are brought to; heads are exported in it."""
_PREFIX = "encoder/"
_IMAGES = 3
_CLOSE = 1e-3


@dataclass(frozen=True)
class Framed:
    """An encoder from ``pixels`` to ``maps``.

    Attributes:
        content: the ONNX file.
        arguments: of the layer ``networks.encoder.Encoder``.
    """

    content: bytes
    arguments: dict[str, Any]


def framed(encoder: Encoder) -> Framed:
    """Read an encoder, check it, and frame it.

    Raises:
        MedcnnError: one line that says what is wrong with the file, and what to do.
    """
    path = Path(encoder.file)
    model = _read(path, encoder)
    try:
        image, size, channels_first = _image(model, encoder)
        output = _output(model, encoder)
        frame = _framed(model, image, output, encoder, channels_first)
        content = frame.SerializeToString(deterministic=True)
        maps = _tried(content, path, size)
    except MedcnnError as error:
        raise MedcnnError(f"{path}: {error}") from error
    arguments = {
        "size": size,
        "maps": list(maps),
        "size_in_bytes": len(content),
        "parameters": sum(math.prod(t.dims) for t in frame.graph.initializer if t.data_type == TensorProto.FLOAT),
        "macs": _macs(frame, size),
    }
    return Framed(content, arguments)


def _read(path: Path, encoder: Encoder) -> ModelProto:
    """The file, once it has proved to be a plain network with the pinned hash."""
    if not path.is_file():
        raise MedcnnError(f"{path}: no such file; put the encoder there, or name another in `encoders`")
    if path.stat().st_size > untrusted.LIMIT:
        raise MedcnnError(f"{path}: has more than {untrusted.LIMIT} bytes, which no ONNX file can have")
    if encoder.sha256 and files.sha256(path) != encoder.sha256:
        raise MedcnnError(f"{path}: has sha256 {files.sha256(path)}, not the {encoder.sha256} of params.yaml")
    content = path.read_bytes()
    try:
        untrusted.refuse_unsafe(content)
        model = onnx.load_model_from_string(content)
        onnx.checker.check_model(model)
        return _recent(model)
    except MedcnnError as error:
        raise MedcnnError(f"{path} was not opened: it {error}; export the encoder again as one plain file") from error
    # Protobuf, the checker and the converter each raise their own kinds.
    except Exception as error:
        raise MedcnnError(f"{path}: not an ONNX model, or a broken one ({onnx_sessions.reason(error)})") from error


def _recent(model: ModelProto) -> ModelProto:
    version = max(opset.version for opset in model.opset_import if opset.domain in ("", "ai.onnx"))
    return model if version >= OPSET else version_converter.convert_version(model, OPSET)


def _image(model: ModelProto, encoder: Encoder) -> tuple[str, int, bool]:
    """The name of the image input, the side that it takes, and whether channels come first."""
    stored = {tensor.name for tensor in model.graph.initializer}
    ports = [port for port in model.graph.input if port.name not in stored]
    if len(ports) != 1 or ports[0].type.tensor_type.elem_type != TensorProto.FLOAT:
        raise MedcnnError(
            f"takes {', '.join(port.name for port in ports) or 'nothing'}; export the part that takes one float32 image"
        )
    shape = _shape(ports[0])
    if len(shape) != 4 or 3 not in (shape[1], shape[3]):
        raise MedcnnError(f"takes {_written(shape)}, not images (batch, 3, S, S) or (batch, S, S, 3)")
    channels_first = shape[1] == 3
    sides = {side for side in (shape[2:] if channels_first else shape[1:3]) if side}
    size = encoder.input_size or (sides.pop() if len(sides) == 1 else None)
    if size is None or sides - {size}:
        raise MedcnnError(
            f"takes {_written(shape)}, which leaves the size of its images open or says another than `input_size`; set "
            "`input_size` of the encoder to the side of the square images that it was trained with"
        )
    return ports[0].name, size, channels_first


def _output(model: ModelProto, encoder: Encoder) -> str:
    names = [port.name for port in model.graph.output]
    if encoder.output is None and len(names) == 1:
        return names[0]
    if encoder.output is None or encoder.output not in names:
        wanted = "several outputs" if encoder.output is None else f"no output '{encoder.output}'"
        raise MedcnnError(f"has {wanted}; set `output` of the encoder to one of {', '.join(names)}")
    return encoder.output


def _framed(model: ModelProto, image: str, output: str, encoder: Encoder, channels_first: bool) -> ModelProto:
    """The same network from ``pixels`` (batch, S, S, 3) to ``maps`` (batch, h, w, F)."""
    own = onnx.compose.add_prefix(model, _PREFIX)
    outputs = {port.name: _shape(port) for port in shape_inference.infer_shapes(own).graph.output}
    rank = len(outputs[_PREFIX + output])
    turned: dict[str, Any] = {"perm": [0, 3, 1, 2]} if channels_first else {}
    first = helper.make_node("Transpose" if turned else "Identity", ["pixels"], [_PREFIX + image], **turned)
    last, stored = _as_maps(_PREFIX + output, rank, encoder, channels_first)
    graph = helper.make_graph(
        [first, *own.graph.node, *last],
        "encoder",
        [helper.make_tensor_value_info("pixels", TensorProto.FLOAT, ["batch", None, None, 3])],
        [helper.make_tensor_value_info("maps", TensorProto.FLOAT, ["batch", None, None, None])],
        [*own.graph.initializer, *stored],
    )
    return helper.make_model(graph, opset_imports=own.opset_import, ir_version=own.ir_version)


def _as_maps(
    output: str, rank: int, encoder: Encoder, channels_first: bool
) -> tuple[Sequence[NodeProto], Sequence[TensorProto]]:
    """Nodes from an encoder's output to ``maps``, and what they read; a vector becomes a map of one pixel."""
    axes = numpy_helper.from_array(np.array([1, 2]), "frame/axes")
    match rank:
        case 2:
            return [helper.make_node("Unsqueeze", [output, axes.name], ["maps"])], [axes]
        case 3 if encoder.tokens == "first":
            place = numpy_helper.from_array(np.array([[0]]), "frame/first")
            return [helper.make_node("Gather", [output, place.name], ["maps"], axis=1)], [place]
        case 3:
            # A map that is one pixel high.
            one = numpy_helper.from_array(np.array([1]), "frame/one")
            return [helper.make_node("Unsqueeze", [output, one.name], ["maps"])], [one]
        case 4 if channels_first:
            return [helper.make_node("Transpose", [output], ["maps"], perm=[0, 2, 3, 1])], []
        case 4:
            return [helper.make_node("Identity", [output], ["maps"])], []
    raise MedcnnError(
        f"its output has {rank} dimensions; features are vectors (batch, F), tokens (batch, T, F) or maps of four"
    )


def _tried(content: bytes, path: Path, size: int) -> tuple[int, int, int]:
    """Height, width and depth of the maps, once it has answered for several images as for one."""
    session = onnx_sessions.opened(content, str(path), threads=1)
    noise = np.random.default_rng(0).normal(size=(_IMAGES, size, size, 3)).astype(np.float32)
    try:
        together, alone = (session.run(["maps"], {"pixels": images})[0] for images in (noise, noise[:1]))
    except Exception as error:
        raise MedcnnError(
            f"cannot be run on {_IMAGES} images of {size} pixels ({onnx_sessions.reason(error)}); export it for any "
            "number of images, and set `input_size` of the encoder to a side that it takes"
        ) from error
    if together.ndim != 4 or len(together) != _IMAGES:
        raise MedcnnError(f"answers {_IMAGES} images by maps {together.shape}; export it for any number of images")
    if not np.isfinite(together).all():
        raise MedcnnError("answers noise by numbers that are not finite; export it in float32")
    if not np.allclose(together[:1], alone, rtol=_CLOSE, atol=_CLOSE * np.abs(alone).max()):
        raise MedcnnError("answers an image otherwise when others are beside it; export it in inference mode")
    return together.shape[1], together.shape[2], together.shape[3]


def _macs(model: ModelProto, size: int) -> int:
    """Multiply-accumulates of one image, as far as ONNX can tell the shapes: of convolutions and matrix products."""
    fixed = ModelProto()
    fixed.CopyFrom(model)
    fixed.graph.input[0].CopyFrom(helper.make_tensor_value_info("pixels", TensorProto.FLOAT, [1, size, size, 3]))
    inferred = shape_inference.infer_shapes(fixed, data_prop=True).graph
    shapes = {port.name: _shape(port) for port in (*inferred.value_info, *inferred.output)}
    shapes |= {tensor.name: tuple(tensor.dims) for tensor in inferred.initializer}
    return sum(_of(node, shapes) for node in inferred.node)


def _of(node: NodeProto, shapes: dict[str, tuple[int, ...]]) -> int:
    if node.op_type not in ("Conv", "Gemm", "MatMul") or not {*node.input[:2], *node.output} <= shapes.keys():
        return 0
    kernel, answer = shapes[node.input[1]], shapes[node.output[0]]
    if node.op_type == "Conv":
        return math.prod(answer) * math.prod(kernel[1:])
    transposed = any(kept.name == "transB" and kept.i for kept in node.attribute)
    return math.prod(answer) * kernel[-1 if transposed or len(kernel) == 1 else -2]


def _shape(port: ValueInfoProto) -> tuple[int, ...]:
    """Sizes of a port; one that is open is 0."""
    return tuple(size.dim_value for size in port.type.tensor_type.shape.dim)


def _written(shape: Sequence[int]) -> str:
    return f"({', '.join(str(size or '?') for size in shape)})"
