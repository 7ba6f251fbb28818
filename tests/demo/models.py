"""Small exported models with cards, as the export writes them: of float32, of int8, and one with a branch."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import onnx
from onnx import numpy_helper, parser
from onnxruntime.quantization import CalibrationDataReader, QuantFormat, quantize_static

from medcnn.inference import novelty
from medcnn.inference.card import Card

CLASSES = ("ill & <well>", "ground_glass", "nodule")
HEAD = '<ir_version: 8, opset_import: ["" : 18]>\n'
NETWORK = """
network (float[N, {size}, {size}, 3] image) => (float[N, 3] probabilities) {{
  scale = Constant <value_float = 0.0039>()
  small = Mul(image, scale)
  channels = Transpose <perm = [0, 3, 1, 2]>(small)
  seen = Conv <strides = [4, 4]>(channels, kernel)
  bent = Relu(seen)
  flat = Flatten(bent)
  logits = MatMul(flat, dense)
  probabilities = Softmax(logits)
}}
"""
BRANCHED = """
cascade (float[N, {size}, {size}, 3] image) => (float[N, 3] probabilities) {{
  all = Constant <value_ints = [0, 1, 2, 3]>()
  mean = ReduceMean <keepdims = 0>(image, all)
  limit = Constant <value_float = 110.0>()
  bright = Greater(mean, limit)
  flat = Flatten(image)
  sums = MatMul(flat, dense)
  probabilities = If (bright) <
    then_branch = first () => (float[N, 3] likely) {{ likely = Softmax(sums) }},
    else_branch = second () => (float[N, 3] other) {{ less = Neg(sums)  other = Softmax(less) }}
  >
}}
"""


@dataclasses.dataclass(frozen=True)
class Exports:
    """What a model of a study is made of: uint8 images (N, S, S, 3), and how they are fitted."""

    study: str
    images: np.ndarray
    fit: str

    def write(self, path: Path, name: str) -> None:
        """Write a network, in float32 and beside it in int8."""
        size, rng = self.images.shape[1], np.random.default_rng(1)
        outputs = 8 * ((size - 4) // 4 + 1) ** 2
        arrays = {"kernel": rng.normal(0, 0.3, (8, 3, 4, 4)), "dense": rng.normal(0, 4 / outputs, (outputs, 3))}
        path.parent.mkdir(parents=True)
        self._save(_filled(NETWORK.format(size=size), arrays), path, name, "float32")
        int8 = path.with_name("model.int8.onnx")
        quantize_static(path, int8, _Reader(self.images), quant_format=QuantFormat.QDQ, per_channel=True)
        self._save(onnx.load(int8), int8, name, "int8")

    def write_branched(self, path: Path, name: str) -> None:
        """Write a model whose bright images take another way than its dark ones."""
        size = self.images.shape[1]
        dense = np.random.default_rng(2).normal(0, 1e-4, (3 * size**2, 3))
        path.parent.mkdir(parents=True)
        self._save(_filled(BRANCHED.format(size=size), {"dense": dense}), path, name, "float32")

    def _save(self, model: onnx.ModelProto, path: Path, name: str, precision: str) -> None:
        card = Card(
            study=self.study,
            model=name,
            class_names=CLASSES,
            positive="",
            image_size=self.images.shape[1],
            fit=self.fit,
            precision=precision,
            temperature=1.5,
            conformal_threshold=0.6,
            conformal_coverage=0.9,
            operating_points=dict.fromkeys(CLASSES, 0.5),
            metrics={"validation": {"accuracy": 1.0}},
            data_sha256="0" * 64,
            weights_sha256={name: "0" * 64},
            novelty=novelty.fitted(self.images, self.images),
        )
        onnx.helper.set_model_props(model, card.metadata)
        onnx.checker.check_model(model)
        onnx.save(model, path)


def _filled(text: str, arrays: dict[str, np.ndarray]) -> onnx.ModelProto:
    model = parser.parse_model(HEAD + text)
    model.graph.initializer.extend(
        numpy_helper.from_array(values.astype(np.float32), name) for name, values in arrays.items()
    )
    return model


class _Reader(CalibrationDataReader):
    def __init__(self, images: np.ndarray) -> None:
        self.images: Iterator[np.ndarray] = iter(images[:8].astype(np.float32))

    def get_next(self) -> dict[str, np.ndarray] | None:
        image = next(self.images, None)
        return None if image is None else {"image": image[None]}
