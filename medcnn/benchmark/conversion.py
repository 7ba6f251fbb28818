"""Keras to LiteRT, as a separate program: ``python -m medcnn.benchmark.conversion KERAS TFLITE``.

It needs TensorFlow, whose memory and start must not count as LiteRT's.
"""

from __future__ import annotations

import sys
from pathlib import Path

from medcnn.core import files


def main(source: Path, target: Path) -> None:
    """Convert one network, in float32, for any batch size."""
    import tensorflow as tf

    from medcnn.networks import saving

    model = saving.load(source)
    signature = [tf.TensorSpec((None, *model.input_shape[1:]), tf.float32, name="image")]
    graph = tf.function(lambda image: model(image, training=False), signature, autograph=False)
    # Given the model as well, the converter looks for its variables, finds none of Keras 3's, and leaves weights out.
    converter = tf.lite.TFLiteConverter.from_concrete_functions([graph.get_concrete_function()])
    files.write_bytes(target, converter.convert())


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:]))
