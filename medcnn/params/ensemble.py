"""Which combiners join the trained models."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from medcnn.params.shared.base import Block

Combiner = Literal["mean", "weighted", "vote", "greedy", "mean_dense", "concat_dense"]


class Ensemble(Block):
    """How the trained models are joined."""

    combiners: Annotated[tuple[Combiner, ...], Field(min_length=1)]
    """Ways to join the models of the run; each makes one ensemble."""
