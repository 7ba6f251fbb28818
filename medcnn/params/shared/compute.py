"""How numbers are computed, apart from where (``medcnn.params.placement``)."""

from __future__ import annotations

from typing import Literal

from medcnn.params.shared.base import View


class Computed(View):
    """The part of ``compute`` that shows in a result."""

    precision: Literal["float32", "bfloat16"] = "float32"
    """Of the backbones, and of training through them; weights, predictions and metrics are float32."""
