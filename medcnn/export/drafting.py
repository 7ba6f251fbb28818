"""The card of a study's model, from the pipeline's results; whatever is fitted is fitted on validation."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from medcnn.core import files
from medcnn.core.errors import MedcnnError
from medcnn.dataset import pack, part, predictions
from medcnn.dataset.predictions import Predictions
from medcnn.export.settings import Settings
from medcnn.inference import novelty
from medcnn.inference.card import Card
from medcnn.inference.novelty import Novelty
from medcnn.measures import calibration, conformal, metrics, operating
from medcnn.measures.findings import against_the_rest
from medcnn.reading.greys import Scaling
from medcnn.runtime import paths


@dataclass(frozen=True)
class Draft:
    """What the cards of all models of a study have in common."""

    study: str
    settings: Settings
    data_sha256: str
    novelty: Novelty

    def card(self, name: str, networks: Iterable[str], metrics: Mapping[str, Any]) -> Card:
        """The card of one model in float32.

        Args:
            name: the model's.
            networks: names of the networks that it runs: itself, or the members of a combination.
            metrics: figures of it; those of validation are added.

        Raises:
            MedcnnError: its predictions, or those networks, are missing.
        """
        block, evaluate = self.settings.studies[self.study], self.settings.evaluate
        labels, images = block.labels, block.images
        temperature, calibrated = calibration.calibrated(predictions.read(paths.predicted(self.study, name)))
        seen = calibrated.of("validation")
        return Card(
            study=self.study,
            model=name,
            class_names=seen.classes,
            positive=seen.classes[-1] if len(seen.classes) == 2 and not seen.multi_label else labels.positive or "",
            image_size=images.size,
            fit=images.fit,
            precision="float32",
            temperature=temperature,
            conformal_threshold=self._conformal_threshold(seen),
            conformal_coverage=evaluate.coverage,
            operating_points=self._operating_points(seen),
            metrics=files.rounded({**metrics, "validation": _figures(seen)}),
            data_sha256=self.data_sha256,
            weights_sha256={network: files.sha256(paths.keras_model(self.study, network)) for network in networks},
            novelty=self.novelty,
            multi_label=seen.multi_label,
            frames=images.frames,
            greys=Scaling(**images.greys.model_dump()),
        )

    def _conformal_threshold(self, seen: Predictions) -> float:
        """Of several findings, of which any number may be true, there are no sets: every class is in all of them."""
        if seen.multi_label:
            return conformal.EVERYTHING
        return conformal.fitted(seen.probabilities, seen.labels, self.settings.evaluate.coverage)

    def _operating_points(self, seen: Predictions) -> dict[str, float | None]:
        wanted = self.settings.evaluate.operating_point
        points = {
            seen.classes[index]: operating.threshold(positive, scores, wanted)
            for index, positive, scores in against_the_rest(seen.labels, seen.probabilities)
        }
        return {name: None if math.isnan(point) else point for name, point in points.items()}


def draft(study: str, settings: Settings) -> Draft:
    """Read what the cards of all models of a study have in common.

    Raises:
        MedcnnError: the split or the prepared pixels are missing.
    """
    path = paths.metrics("split", study)
    try:
        fingerprint = files.read_json(path)["fingerprint"]
    except (FileNotFoundError, KeyError) as error:
        raise MedcnnError(f"{path} lacks the fingerprint of the images; run `dvc repro` to make it") from error
    images, classes = pack.images(paths.prepared(study)), settings.studies[study].labels.class_names
    training, validation = (images.chosen(part.read(study, classes, name).indices) for name in ("train", "validation"))
    return Draft(study, settings, fingerprint, novelty.fitted(training, validation))


def _figures(seen: Predictions) -> dict[str, float]:
    return {
        "accuracy": metrics.accuracy(seen.labels, seen.probabilities),
        "cross_entropy": metrics.cross_entropy(seen.labels, seen.probabilities),
        "images": len(seen.labels),
    }
