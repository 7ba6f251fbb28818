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
    rounds: Annotated[int, Field(ge=2)] = 10
    """How often the engines take turns, at most."""
    precision: Annotated[float, Field(gt=0)] = 0.1
    """Half the width of a speed-up's interval, as a share of it, at which the rounds end; three are always taken."""
    warmup: Annotated[int, Field(ge=0)] = 10
    """Calls before the first round."""
    calls: Positive = 100
    """Single-stream calls of each engine, at least, where all rounds are taken."""
    seconds: Annotated[float, Field(ge=0)] = 2.0
    """How long each engine is called in the single-stream scenario, at least, where all rounds are taken."""
    offline_seconds: Annotated[float, Field(ge=0)] = 0.2
    """How long each engine is called for each batch size of the offline scenario, and from files, at least."""

    @field_validator("batch_sizes")
    @classmethod
    def _sizes_once(cls, sizes: tuple[int, ...]) -> tuple[int, ...]:
        return distinct(sizes)
