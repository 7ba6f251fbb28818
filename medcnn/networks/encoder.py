"""A frozen encoder in an ONNX file, as a layer of a Keras network.

Encoders are published for many frameworks, and ONNX is what all of them can write. Keras has no layer that runs such a
file, so this one holds its bytes as a variable and has ONNX Runtime run it, on one thread, so that the same images give
the same features everywhere. No gradient leads through it; export puts the file's own graph in its place.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import keras
import numpy as np
import numpy.typing as npt
import tensorflow as tf
from keras import KerasTensor, layers

from medcnn.core import files, onnx_sessions
from medcnn.core.errors import MedcnnError
from medcnn.networks.pretrained import ENCODER_FILE, SUMMARY
from medcnn.networks.registry import Body

NAME = "onnx_encoder"
PACKAGE = "medcnn"


@keras.saving.register_keras_serializable(PACKAGE)
class Encoder(layers.Layer):
    """An ONNX file from pixels (batch, S, S, 3) to feature maps (batch, h, w, F).

    Args:
        size: S.
        maps: h, w and F.
        size_in_bytes: of the file.
        parameters: how many numbers it holds.
        macs: multiply-accumulates of one image.
        options: of every layer of Keras.
    """

    def __init__(
        self, size: int, maps: tuple[int, int, int], size_in_bytes: int, parameters: int, macs: int, **options: Any
    ) -> None:
        super().__init__(**{**options, "trainable": False, "name": NAME})
        self.size, self.maps, self.size_in_bytes = size, tuple(maps), size_in_bytes
        self.parameters, self.macs = parameters, macs
        self._session: Any = None
        self.content = self.add_weight(
            shape=(size_in_bytes,), dtype="uint8", initializer="zeros", trainable=False, name="content"
        )

    @property
    def file(self) -> bytes:
        """The ONNX file."""
        return self.content.numpy().tobytes()

    def call(self, pixels: tf.Tensor) -> tf.Tensor:
        """Feature maps (batch, h, w, F), float32, of pixels (batch, S, S, 3)."""
        maps = tf.numpy_function(self._encoded, [pixels], tf.float32, stateful=False)
        return tf.ensure_shape(maps, (pixels.shape[0], *self.maps))

    def compute_output_spec(self, pixels: KerasTensor) -> KerasTensor:
        """What ``call`` returns."""
        return KerasTensor((pixels.shape[0], *self.maps), "float32")

    def get_config(self) -> dict[str, Any]:
        """The layer's arguments."""
        own = ("size", "maps", "size_in_bytes", "parameters", "macs")
        return {**super().get_config(), **{name: getattr(self, name) for name in own}}

    def _encoded(self, pixels: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        # A file in a .keras file may come from anywhere.
        self._session = self._session or onnx_sessions.opened(self.file, ENCODER_FILE, threads=1)
        maps: npt.NDArray[np.float32] = self._session.run(None, {self._session.get_inputs()[0].name: pixels})[0]
        return maps


def body(weights: Path, image_size: int) -> Body:
    """The encoder that the ``weights`` stage left in a folder; images of another size are resized to the one it takes.

    Raises:
        MedcnnError: there is none.
    """
    path = weights / ENCODER_FILE
    try:
        content, arguments = path.read_bytes(), files.read_json(weights / SUMMARY)["encoder"]
    except (OSError, KeyError, ValueError) as error:
        raise MedcnnError(f"{path} not found: run `dvc repro weights@{weights.name}`") from error

    def maps(pixels: KerasTensor) -> KerasTensor:
        layer = Encoder(**arguments)
        layer.content.assign(np.frombuffer(content, np.uint8))
        if layer.size != image_size:
            # The layer for it would have dropout behind it run where a model is called without `training`.
            pixels = keras.ops.image.resize(pixels, (layer.size, layer.size), "bilinear")
        return layer(pixels)

    return maps


def within(model: keras.Model) -> Encoder | None:
    """The encoder of a built model, if it has one."""
    return next((layer for layer in model._flatten_layers() if isinstance(layer, Encoder)), None)


def around(model: keras.Model) -> tuple[keras.Model, keras.Model]:
    """The two parts of a built model before and behind its encoder: ``image`` to pixels, and maps to probabilities."""
    backbone = model.get_layer("backbone")
    inner = backbone.get_layer(NAME)
    # Where the backbone stands in this model: it may be shared with another.
    node = next(node for nodes in model._nodes_by_depth.values() for node in nodes if node.operation is backbone)
    image, maps = keras.Input(model.input_shape[1:], name="image"), keras.Input(inner.maps, name="maps")
    pixels = keras.Model(model.input, node.input_tensors)(image)
    features = keras.Model(inner.output, backbone.output)(maps)
    return (
        keras.Model(image, keras.Model(backbone.input, inner.input)(pixels)),
        keras.Model(maps, keras.Model(node.output_tensors, model.output)(features)),
    )
