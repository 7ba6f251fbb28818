"""What a careless split would have said: models trained and tested on a plain random split, beside what holds."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from medcnn.measures.statistics import intervals, luck
from medcnn.measures.statistics.intervals import Interval
from medcnn.report.seeds import by_seed
from medcnn.results.base import read_if_made
from medcnn.results.careless import Careless, Claim
from medcnn.results.evaluated import Evaluated
from medcnn.runtime import paths


class Contrast(NamedTuple):
    """One model on two splits of the same images."""

    honest: Claim
    careless: Claim


@dataclass(frozen=True)
class Claims:
    """The models that were trained on both splits.

    Attributes:
        key: of the figure that models are ranked by, ``accuracy`` or ``auroc``.
        by_model: what is measured on either split.
        images: test images of the random split.
        leaked: how many of them have a relative in its training or validation part.
        patients: whether relatives are patients, or duplicates alone.
        confidence: of the intervals.
        seeds: of models that were trained with several seeds, what holds by seed.
    """

    key: str
    by_model: Mapping[str, Contrast]
    images: int
    leaked: int
    patients: bool
    confidence: float
    seeds: Mapping[str, Sequence[float]] = field(default_factory=dict)

    @property
    def foremost(self) -> str:
        """The model that a careless split would have put forward: the one of the highest claim."""
        return max(self.by_model, key=lambda model: self.by_model[model].careless.get(self.key) or 0.0)

    @property
    def sentence(self) -> str:
        """The claim of the foremost model, and what holds."""
        honest, careless = self.by_model[self.foremost]
        chance = () if self.beyond_chance(self.foremost) else ("may be chance",)
        notes = "; ".join((*self._over_seeds(self.foremost), *chance))
        claim, holds = (self._shown(block.get(self.key)) for block in (careless, honest))
        where = "new patients" if self.patients else "images without a copy in training"
        has = f"A plain random split would have reported {claim} for {self.foremost}, which has {holds} on {where}"
        return f"{has} ({notes})" if notes else has

    def beyond_chance(self, model: str) -> bool:
        """Whether the claim lies above what holds by more than chance, as far as two sets of test images can tell.

        Each is one training, so that the variance over seeds, where it is known, counts twice.
        """
        honest, careless = (
            (block.get(self.key), Interval(block.get(f"{self.key}_low"), block.get(f"{self.key}_high")))
            for block in self.by_model[model]
        )
        if None in (honest[0], careless[0], *honest[1], *careless[1]):
            return False
        over_images = intervals.difference(*careless, *honest)
        deviation = math.sqrt(2) * luck.spread(self.seeds.get(model, ()))
        z = intervals.quantile(self.confidence)
        return luck.widened(careless[0] - honest[0], over_images, deviation, z).low > 0

    def _over_seeds(self, model: str) -> tuple[str, ...]:
        """What holds with each seed that a model was trained with, in a clause; nothing where it was trained once."""
        seeds = self.seeds.get(model, ())
        if len(seeds) < 2:
            return ()
        return (f"{', '.join(map(self._shown, sorted(seeds)))} with {len(seeds)} seeds",)

    def _shown(self, value: float | None) -> str:
        if value is None:
            return "nothing"
        return f"{value:.1%}" if self.key == "accuracy" else f"AUROC {value:.3f}"


def claims(
    study: str,
    models: Iterable[str],
    evaluated: Mapping[str, Evaluated],
    *,
    several: bool,
    patients: bool,
    confidence: float,
) -> Claims | None:
    """The claims of those models that were trained on both splits; None where there are none.

    Args:
        study: its name.
        models: of the run.
        evaluated: figures by model, which know other seeds; without a model that was not evaluated.
        several: whether classes are findings, so that the mean area under the ROC curve ranks models.
        patients: whether the patient of images is known.
        confidence: of the intervals.
    """
    made = {model: read_if_made(paths.metrics("careless", study, model), Careless) for model in models}
    known = {model: found for model, found in made.items() if found and found.careless}
    if not known:
        return None
    first = next(iter(known.values()))
    by_model = {model: Contrast(found.honest, found.careless) for model, found in known.items() if found.careless}
    key = "auroc" if several else "accuracy"
    seeds = {model: by_seed(evaluated[model], key) for model in by_model if model in evaluated}
    return Claims(key, by_model, first.images, first.leaked, patients, confidence, seeds)
