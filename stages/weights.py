"""Bring a model's pretrained weights: a checked input of the pipeline, not a download hidden in training."""

from __future__ import annotations

from medcnn import layout, params
from medcnn.console import run_stage
from medcnn.models import weights


def main(model: str) -> None:
    """Write the pretrained weights of ``models.<model>`` to ``data/weights/<model>/``."""
    settings = params.load()
    weights.write(model, settings.model(model), settings.weights, layout.weights(model))


if __name__ == "__main__":
    run_stage(main, "model")
