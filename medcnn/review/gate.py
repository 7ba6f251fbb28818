"""The gate of a pull request: floors under the chosen model's figures, and how far they may fall."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from medcnn.params.gate import Gate
from medcnn.params.whole import Params
from medcnn.review import base
from medcnn.review.results import Pair, pairs

_ROUNDING = 1e-9


@dataclass(frozen=True)
class Breach:
    """A rule of ``evaluate.gate`` that a study's chosen model breaks."""

    study: str
    model: str
    figure: str
    wanted: str
    found: str

    def __str__(self) -> str:
        return f"{self.study}: {self.figure} of {self.model} on test: wanted {self.wanted}, found {self.found}"


def broken(revision: str, settings: Params) -> list[Breach]:
    """Which rules the results here break, against those of a revision.

    Raises:
        MedcnnError: there is no such revision, or a study has no results here.
    """
    with base.opened(revision) as opened:
        return breaches(pairs(settings.run.studies, opened), settings.evaluate.gate)


def breaches(compared: Iterable[Pair], gate: Gate) -> list[Breach]:
    """Every broken rule. A study that the base does not have is held to the floors alone.

    A figure that is not defined keeps no floor, and has fallen where it was defined at the base.
    """
    return [breach for pair in compared for breach in (*_below_floors(pair, gate), *_fallen(pair, gate))]


def _below_floors(pair: Pair, gate: Gate) -> Iterator[Breach]:
    now = pair.now
    for figure, floor in gate.floors.items():
        value = now.test.get(figure)
        if floor is not None and (value is None or value < floor):
            yield Breach(now.study, now.best, figure, f"at least {floor:g}", _shown(value))


def _fallen(pair: Pair, gate: Gate) -> Iterator[Breach]:
    now, before = pair.now, pair.before
    if before is None:
        return
    for figure, allowed in gate.largest_fall.items():
        value, earlier = now.test.get(figure), before.test.get(figure)
        if allowed is None or earlier is None:
            continue
        if value is None or earlier - value > allowed + _ROUNDING:
            wanted = f"a fall of at most {allowed:g} from {earlier:.4f} ({before.best} at the base)"
            yield Breach(now.study, now.best, figure, wanted, _shown(value))


def _shown(value: float | None) -> str:
    return "no defined value" if value is None else f"{value:.4f}"
