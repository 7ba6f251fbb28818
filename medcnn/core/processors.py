"""The same numbers on every x86-64 processor that has AVX2: what numerical libraries are to be held to.

Each of them picks code for the processor that it finds, and sums in another order on another one. They read these
variables once, when they are loaded, so this module imports none of them.
"""

from __future__ import annotations

import math
import os
import platform
from collections.abc import Mapping
from pathlib import Path

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

_WIDEST = {"amx_tile": "AMX", "avx512_bf16": "AVX-512 and bfloat16", "avx512f": "AVX-512", "avx2": "AVX2"}
"""Instruction sets that TensorFlow has code for, by Linux's flags, the widest first."""

CPUINFO = Path("/proc/cpuinfo")


def kind(*, portable: bool) -> str:
    """The kind of processor that bytes belong to: of this one, or of all that give portable bytes."""
    if portable:
        return "x86-64 with AVX2"
    lines = CPUINFO.read_text(encoding="utf-8").split("\n\n")[0].splitlines() if CPUINFO.exists() else []
    facts = {key.strip(): value.strip() for key, _, value in (line.partition(":") for line in lines)}
    if "vendor_id" not in facts:
        return platform.machine()
    widest = next((name for flag, name in _WIDEST.items() if flag in facts["flags"].split()), "no AVX2")
    return f"{facts['vendor_id']} family {facts['cpu family']} model {facts['model']} with {widest}"


def held_to() -> str:
    """The instruction set that TensorFlow of this process is held to; empty where it is not."""
    return os.environ.get("ONEDNN_MAX_CPU_ISA", "")


def divide_exactly() -> None:
    """Let TensorFlow divide where it would refine an estimate, which Intel and AMD do not give alike.

    Batch and layer normalisation multiply by 1 / sqrt(x), the gradient of a logarithm by 1 / x, and gelu divides inside
    erfc. Roots and reciprocals are computed in float64 and rounded, as in a graph of float32 they would be estimated
    again; gelu is written with erf; and x / sqrt(y), as of RMSprop, is left a division. Call once TensorFlow is loaded;
    saved models know nothing of this.
    """
    import tensorflow as tf
    from tensorflow.python.ops import math_ops

    def rsqrt(x: tf.Tensor, name: str | None = None) -> tf.Tensor:
        x = tf.convert_to_tensor(x)
        return tf.cast(1 / tf.sqrt(tf.cast(x, tf.float64)), x.dtype, name=name)

    def reciprocal(x: tf.Tensor, name: str | None = None) -> tf.Tensor:
        x = tf.convert_to_tensor(x)
        return tf.cast(1 / tf.cast(x, tf.float64), x.dtype, name=name)

    def gelu(features: tf.Tensor, approximate: bool = False, name: str | None = None) -> tf.Tensor:
        if approximate:
            return by_tanh(features, approximate=True, name=name)
        return tf.multiply(features, 0.5 * (1 + tf.math.erf(features * math.sqrt(0.5))), name=name)

    by_tanh = tf.nn.gelu
    tf.config.optimizer.set_experimental_options({"arithmetic_optimization": False})
    # What Keras calls, and what TensorFlow's own layers and gradients call.
    tf.math.rsqrt = math_ops.rsqrt = rsqrt
    tf.math.reciprocal = math_ops.reciprocal = reciprocal
    tf.nn.gelu = gelu
