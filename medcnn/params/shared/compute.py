"""How numbers are computed, apart from where (``medcnn.params.placement``)."""

from __future__ import annotations

from typing import Literal

from medcnn.params.shared.base import View


class Repeatable(View):
    """Where TensorFlow's results are the same."""

    bytes: Literal["portable", "native"] = "native"
    """Of networks and what they answer: ``portable`` is the same on every x86-64 processor with AVX2 and leaves what
    later ones have unused; ``native`` is faster there, and the same on processors of one kind."""

    @property
    def portable(self) -> bool:
        """Whether the bytes are to be those of every processor."""
        return self.bytes == "portable"


class Computed(Repeatable):
    """The part of ``compute`` that shows in a result."""

    precision: Literal["float32", "bfloat16"] = "float32"
    """Of the backbones, and of training through them; weights, predictions and metrics are float32."""
