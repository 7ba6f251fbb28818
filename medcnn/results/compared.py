"""``metrics/comparisons/S.json``: the ranking, the chosen model, and which models differ."""

from __future__ import annotations

from pydantic import ConfigDict, Field, model_validator

from medcnn.params.judging.figures import TESTED
from medcnn.results.base import Number, Record, checked


class Difference(Record):
    """How much higher a figure of the first model is than the second's.

    Attributes:
        p: of the paired test.
        p_holm: corrected for all pairs.
        p_best: corrected for the pairs of the chosen model alone; None of other pairs.
        seeds: the standard deviation over seeds, which interval and p-values count, but for the next two; None where
            both models were trained once.
        p_files: of these very files on other patients, corrected for all pairs.
        p_files_best: the same, corrected as ``p_best`` is.
    """

    difference: Number
    low: Number
    high: Number
    p: Number
    p_holm: Number
    p_best: Number = None
    seeds: Number = None
    p_files: Number = None
    p_files_best: Number = None


class Pair(Record):
    """Two models; their difference in each tested figure is got by the figure's key."""

    model_config = ConfigDict(extra="allow")

    __pydantic_extra__: dict[str, Difference] = Field(init=False)
    first: str
    second: str

    @model_validator(mode="after")
    def _whole(self) -> Pair:
        return checked(self, (figure.key for figure in TESTED))

    def difference(self, figure: str) -> Difference:
        """The difference in a tested figure."""
        found: Difference = getattr(self, figure)
        return found


class Ends(Record):
    """The models of the lowest and the highest cross-entropy on validation."""

    best: str
    worst: str


class Compared(Ends):
    """``metrics/comparisons/S.json``.

    Attributes:
        networks: the best and the worst single network.
        ranking: all models by accuracy on test, the highest first.
        same_as_best: by figure, the models whose difference from the best is within chance, by ``p_best``.
    """

    networks: Ends
    ranking: tuple[str, ...]
    pairs: tuple[Pair, ...]
    same_as_best: dict[str, tuple[str, ...]]

    def files_apart(self, significance: float) -> set[str]:
        """The models whose very files a test finds different from the chosen one, whatever other seeds do."""
        return {
            ({pair.first, pair.second} - {self.best}).pop()
            for pair in self.pairs
            if self.best in (pair.first, pair.second)
            for figure in TESTED
            if (p := pair.difference(figure.key).p_files_best) is not None and p < significance
        }
