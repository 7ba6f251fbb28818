"""Whether operating points that were fitted on validation reach on test what they were fitted for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from medcnn.params.judging.evaluate import OperatingPoint as Wanted
from medcnn.report.facts import Facts
from medcnn.results.decisions import Called

Reached = Literal["reached", "below, within chance", "missed"]


@dataclass(frozen=True)
class Aim:
    """One class, and what its threshold reaches on test of the rate that it was fitted for."""

    name: str
    reached: Reached
    value: float
    low: float
    high: float

    @property
    def words(self) -> str:
        """The class with its rate and interval."""
        return f"{self.name} {self.value:.3f} [{self.low:.3f}, {self.high:.3f}]"


def reached(point: Called, wanted: Wanted) -> Reached | None:
    """Missed where the whole interval lies below what was wanted; None where nothing was, or nothing is known."""
    value, high = point.get(wanted.kind), point.get(f"{wanted.kind}_high")
    if value is None or high is None:
        return None
    return "reached" if value >= wanted.value else "missed" if high < wanted.value else "below, within chance"


def aims(facts: Facts) -> tuple[Aim, ...]:
    """Those of the chosen model, class by class; none where Youden's index was wanted, which has no target."""
    wanted, points = facts.judged.operating_point, facts.evaluated[facts.best].operating_points
    return tuple(
        Aim(name, found, *(point.get(f"{wanted.kind}{end}") for end in ("", "_low", "_high")))
        for name, point in points.items()
        if (found := reached(point, wanted))
    )
