"""How exported models are made smaller, and how the engines that run them are timed."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, field_validator

from medcnn.params.shared.base import Block, Positive, View, distinct

Share = Annotated[float, Field(ge=0, le=1)]


class Calibration(Block):
    """The training images from which the ranges of int8 activations are read."""

    images: Positive = 200
    """How many, at most all."""
    choice: Literal["balanced", "random"] = "balanced"
    """As many of every class as there are, or whatever is drawn."""
    method: Literal["minmax", "entropy", "percentile"] = "minmax"
    """The whole range seen, that with the least loss of information, or that without its tails."""


class Limits(View):
    """What int8 may cost on validation; where it costs more, layers stay in float32."""

    max_accuracy_drop: Share = 0.01
    """How much accuracy on validation int8 may lose."""
    max_cross_entropy_rise: Annotated[float, Field(ge=0)] = 0.05
    """How much the cross-entropy on validation may rise."""


class Quantisation(Limits):
    """How int8 models are made."""

    calibration: Calibration = Calibration()
    """Images that int8 is calibrated on."""


class Spread(View):
    """When timings are not to be trusted."""

    noisy: Annotated[float, Field(gt=0)] = 0.2
    """Spread of the rounds' medians, as a share of their median, beyond which a run is called noisy."""


class Benchmark(Quantisation, Spread, extra="forbid"):
    """How latency is measured: engines take turns on the same images and threads, one image per call, then batches."""

    batch_sizes: Annotated[tuple[Positive, ...], Field(min_length=1)] = (1, 8, 32)
    """Images per call of the offline scenario."""
    rounds: Annotated[int, Field(ge=2)] = 5
    """How often the engines take turns."""
    warmup: Annotated[int, Field(ge=0)] = 10
    """Calls before the first round."""
    calls: Positive = 100
    """Single-stream calls of each engine, at least."""
    seconds: Annotated[float, Field(ge=0)] = 5.0
    """How long each engine is called in the single-stream scenario, at least."""
    offline_seconds: Annotated[float, Field(ge=0)] = 1.0
    """The same for each batch size of the offline scenario."""

    @field_validator("batch_sizes")
    @classmethod
    def _sizes_once(cls, sizes: tuple[int, ...]) -> tuple[int, ...]:
        return distinct(sizes)
