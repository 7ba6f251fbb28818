"""How exported models are made smaller, and how the engines that run them are timed."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, field_validator

from medcnn.params.base import Block, Positive, distinct

Share = Annotated[float, Field(ge=0, le=1)]


class Calibration(Block):
    """The training images from which the ranges of int8 activations are read.

    Attributes:
        images: how many, at most all.
        choice: ``balanced``, as many of every class as there are; ``random``, whatever is drawn.
        method: the whole range that was seen, or the one of the least loss of information, or without its tails.
    """

    images: Positive
    choice: Literal["balanced", "random"]
    method: Literal["minmax", "entropy", "percentile"]


class Benchmark(Block):
    """How latency is measured, and what int8 may cost.

    Attributes:
        batch_sizes: images in a call of the offline scenario.
        rounds: how often the engines take turns.
        warmup: calls before the first round.
        calls: single-stream calls of each engine, at least.
        seconds: how long each engine is called in the single-stream scenario, at least.
        offline_seconds: the same for each batch size of the offline scenario.
        noisy: the spread of the rounds' medians, as a share of their median, beyond which a run is called noisy.
        max_accuracy_drop: how much accuracy on validation int8 may lose.
        max_cross_entropy_rise: by how much the cross-entropy on validation may rise.
        calibration: of int8.
    """

    batch_sizes: Annotated[tuple[Positive, ...], Field(min_length=1)]
    rounds: Annotated[int, Field(ge=2)]
    warmup: Annotated[int, Field(ge=0)]
    calls: Positive
    seconds: Annotated[float, Field(ge=0)]
    offline_seconds: Annotated[float, Field(ge=0)]
    noisy: Annotated[float, Field(gt=0)]
    max_accuracy_drop: Share
    max_cross_entropy_rise: Annotated[float, Field(ge=0)]
    calibration: Calibration

    @field_validator("batch_sizes")
    @classmethod
    def _sizes_once(cls, sizes: tuple[int, ...]) -> tuple[int, ...]:
        return distinct(sizes)
