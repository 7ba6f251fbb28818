"""The same numbers on every x86-64 processor that has AVX2: what numerical libraries are to be held to.

Each of them picks code for the processor that it finds, and sums in another order on another one. They read these
variables once, when they are loaded, so this module imports none of them.
"""

from __future__ import annotations

import os
from collections.abc import Mapping

NUMERICAL: Mapping[str, str] = {
    # Names of NumPy 2.4, then of older ones; it passes over those that it does not know.
    "NPY_DISABLE_CPU_FEATURES": "X86_V4 AVX512_ICL AVX512_SPR AVX512F AVX512CD AVX512_SKX AVX512_CLX AVX512_CNL",
    # NumPy and SciPy have an OpenBLAS each. Its products of vectors depend on the number of threads too.
    "OPENBLAS_CORETYPE": "Haswell",
    "OPENBLAS_NUM_THREADS": "1",
}
"""Of NumPy, SciPy and scikit-learn: in every stage, as it costs nothing that can be measured."""

ONEDNN: Mapping[str, str] = {"ONEDNN_MAX_CPU_ISA": "AVX2"}
"""Of TensorFlow's convolutions and products: where ``compute.bytes`` is ``portable``, as AVX-512 and AMX are faster."""


def held_to() -> str:
    """The instruction set that TensorFlow of this process is held to; empty where it is not."""
    return os.environ.get("ONEDNN_MAX_CPU_ISA", "")


def divide_by_roots() -> None:
    """Let TensorFlow compute 1 / sqrt(x) in float64, rounded to what x is; call once it is loaded.

    Its own ``rsqrt`` refines an estimate of the processor's, which Intel and AMD do not give alike. Batch and layer
    normalisation are built on it. Models that are saved know nothing of this.
    """
    import tensorflow as tf
    from tensorflow.python.ops import math_ops

    def rsqrt(x: tf.Tensor, name: str | None = None) -> tf.Tensor:
        """As ``tf.math.rsqrt``; in float64 it is a division whatever the processor."""
        x = tf.convert_to_tensor(x)
        return tf.cast(1 / tf.sqrt(tf.cast(x, tf.float64)), x.dtype, name=name)

    # What Keras calls, and what ``tf.nn.batch_normalization`` does.
    tf.math.rsqrt = math_ops.rsqrt = rsqrt
