"""Bring a model's pretrained weights: a checked input of the pipeline, not a download hidden in training."""

from __future__ import annotations

from medcnn.params.shared.base import named
from medcnn.params.shared.loading import load
from medcnn.runtime import paths
from medcnn.weights import storing
from medcnn.weights.settings import Settings
from stages import run_stage


def main(model: str) -> None:
    """Write the pretrained weights of ``models.<model>`` to ``data/weights/<model>/``."""
    settings = load(Settings)
    storing.write(model, named("models", model, settings.models), settings.encoders, paths.weights(model))


if __name__ == "__main__":
    run_stage(main, "model")
