"""How far the chosen model's figure moves with the seeds of its trainings."""

from __future__ import annotations

from dataclasses import dataclass

from medcnn.report.facts import Facts
from medcnn.report.seeds import by_seed


@dataclass(frozen=True)
class Luck:
    """A figure on the test images of fold 0, by seed.

    Attributes:
        name: of the figure by which models are ranked.
        values: one for each seed, NaN left out; two or more.
        once: networks that the model runs and that were trained with one seed, so that their luck is not in it.
    """

    name: str
    values: tuple[float, ...]
    once: tuple[str, ...]

    @property
    def low(self) -> float:
        """The lowest."""
        return min(self.values)

    @property
    def high(self) -> float:
        """The highest."""
        return max(self.values)

    @property
    def words(self) -> str:
        """Every value, the lowest first: so few are no interval."""
        unmoved = f" ({', '.join(self.once)} as trained once)" if self.once else ""
        values = ", ".join(f"{value:.3f}" for value in sorted(self.values))
        return f"{self.name} {values} with {len(self.values)} seeds{unmoved}"


def luck(facts: Facts) -> Luck | None:
    """The range of the chosen model over seeds; None where it was trained with one."""
    key, name = ("auroc", "mean AUROC") if facts.several else ("accuracy", "accuracy")
    values = by_seed(facts.evaluated[facts.best], key)
    once = tuple(network for network in _networks(facts) if len(by_seed(facts.evaluated[network], key)) < 2)
    return Luck(name, values, once) if len(values) > 1 else None


def _networks(facts: Facts) -> tuple[str, ...]:
    """The networks that an ensemble or a cascade runs; none of a network, which is its own."""
    if cascade := facts.combined.cascades.get(facts.best):
        return (cascade.first, cascade.second)
    made = facts.combined.combiners.get(facts.best.removeprefix("ensemble_"))
    return () if made is None else tuple(name for name in made.members if made.weights is None or made.weights[name])
