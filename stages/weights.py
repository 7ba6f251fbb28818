"""Bring a model's pretrained weights: a checked input of the pipeline, not a download hidden in training."""

from __future__ import annotations

from medcnn.params import whole
from medcnn.runtime import paths
from medcnn.runtime.console import run_stage
from medcnn.weights import storing


def main(model: str) -> None:
    """Write the pretrained weights of ``models.<model>`` to ``data/weights/<model>/``."""
    settings = whole.load()
    storing.write(model, settings.model(model), settings.weights, paths.weights(model))


if __name__ == "__main__":
    run_stage(main, "model")
