"""The end of a run in at most twelve lines: the answer, three models, leaks, reproduction, the page, what next."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from medcnn.params.shared.models import Model
from medcnn.report import latency
from medcnn.report.facts import Facts
from medcnn.report.luck import luck
from medcnn.report.reproduction import Reproduction
from medcnn.report.speeds import worse
from medcnn.results.base import Record
from medcnn.results.measured import Measured
from medcnn.runtime import paths

_WIDEST = 28


@dataclass(frozen=True)
class _Row:
    """A model of the table: what speaks for it, the time of its fastest engine and the size of its file, if known."""

    model: str
    why: str
    milliseconds: float | None
    bytes: int | None


def lines(studies: Sequence[Facts], models: Mapping[str, Model], reproduced: Reproduction | None) -> Iterator[str]:
    """What a run of some studies ends with.

    Args:
        studies: what is known of each.
        models: of ``params.yaml``, by name.
        reproduced: whether the results are those of the commit; None where there is nothing to compare with.
    """
    for facts in studies:
        yield from _answer(facts)
        yield from _table(facts, _rows(facts, models))
        yield _leak(facts)
    if reproduced:
        yield f"Reproduces the commit: {reproduced.verdict}."
    yield f"Page  {paths.REPORT.resolve().as_uri()}"
    yield f"Next  {_next(studies[0])}"


def _answer(facts: Facts) -> Iterator[str]:
    test = facts.evaluated[facts.best].test
    units = "groups of patients" if facts.data.patients else "images or sets of copies"
    measured = f"{test.support:,} test images ({test.groups:,} {units})"
    if facts.several:
        yield f"{facts.name}: {facts.best} has a mean AUROC of {_interval(test, 'auroc')} on {measured}"
    else:
        low, high = (_percent(test.get(f"accuracy_{bound}")) for bound in ("low", "high"))
        accuracy = _percent(test.get("accuracy"))
        yield f"{facts.name}: {facts.best} classifies {accuracy} of {measured} correctly (95 %: {low} to {high})"
        yield from _no_better(facts, test)
    moved = luck(facts)
    seeds = moved.words if moved else "trained with one seed"
    if others := len(facts.models) - 1:
        alike = f"{len(facts.like_best)} of {_counted(others, 'other model')}"
        yield f"  {seeds}; for {alike} the difference could be chance"


def _no_better(facts: Facts, test: Measured) -> Iterator[str]:
    """A warning where the interval holds what always answering the largest class would reach."""
    largest = max(test.classes, key=lambda name: test.classes[name].support, default=None)
    low = test.get("accuracy_low")
    if largest is not None and low is not None and low <= test.classes[largest].support / test.support:
        share = _percent(test.classes[largest].support / test.support)
        yield f"  not shown to be better than always answering {largest}, which is right in {share}"


def _rows(facts: Facts, models: Mapping[str, Model]) -> list[_Row]:
    """The chosen model, the cheapest that is as good, and the best of transfer learning; one may be two of these."""
    roles: dict[str, list[str]] = {facts.best: ["chosen"]}
    cheapest = min((facts.best, *facts.as_good), key=lambda model: (_order(facts.macs.get(model)), model))
    if cheapest != facts.best:
        roles.setdefault(cheapest, []).append("cheapest of those as good")
    pretrained = [name for name in facts.models if name in models and models[name].weights != "none"]
    if pretrained:
        best = min(pretrained, key=lambda name: _order(facts.evaluated[name].validation.get("cross_entropy")))
        marked = "transfer learning, worse" if worse(facts, best) else "transfer learning"
        roles.setdefault(best, []).append(marked)
    return [_row(facts, model, ", ".join(why)) for model, why in roles.items()]


def _row(facts: Facts, model: str, why: str) -> _Row:
    if timed := _fastest(facts, model):
        return _Row(model, why, timed.typical_ms, timed.block.file_bytes)
    exported = facts.exported.get(model)
    return _Row(model, why, None, exported.bytes if exported else None)


def _fastest(facts: Facts, model: str) -> latency.Timing | None:
    timed = {model: facts.timed[model]} if model in facts.timed else {}
    return next(iter(latency.timings(timed, facts.passed_on)), None)


def _table(facts: Facts, rows: Sequence[_Row]) -> Iterator[str]:
    first, second = ("auroc", "accuracy") if facts.several else ("accuracy", "auroc")
    names = {"accuracy": "exact match" if facts.several else "accuracy", "auroc": "AUROC"}
    width = min(_WIDEST, max(len("model"), *(len(row.model) for row in rows)))
    yield f"  {'model':<{width}}  {names[first]:<22}  {names[second]:<11}  ms/image  file"
    for row in rows:
        test = facts.evaluated[row.model].test
        figures = f"{_interval(test, first):<22}  {_number(test.get(second)):<11}"
        cost = f"{_number(row.milliseconds, 2):<8}  {_size(row.bytes):<8}"
        yield f"  {row.model:<{width}}  {figures}  {cost}  {row.why}"


def _leak(facts: Facts) -> str:
    if facts.claims is not None:
        return f"{facts.claims.sentence}."
    data = facts.data
    careless = f"A plain random split would leak {_percent(data.leak.random_split_fraction)} of the held-out images"
    if data.without_patient:
        return f"{careless}; patients are unknown and may leak here too."
    return f"{careless}; this one leaks {data.leak.this_split}."


def _next(facts: Facts) -> str:
    if facts.synthetic:
        return "medcnn init MY_IMAGES"
    return f"medcnn predict {facts.name} IMAGE" if facts.best in facts.exported else "medcnn open"


def _interval(block: Record, key: str) -> str:
    low, high = block.get(f"{key}_low"), block.get(f"{key}_high")
    return f"{_number(block.get(key))} [{_number(low)}, {_number(high)}]"


def _number(value: float | None, digits: int = 3) -> str:
    return "-" if value is None else f"{value:.{digits}f}"


def _percent(share: float | None) -> str:
    return "-" if share is None else f"{share:.1%}"


def _size(count: int | None) -> str:
    return "-" if count is None else f"{count / 1e6:.1f} MB"


def _order(value: float | None) -> float:
    return float("inf") if value is None else value


def _counted(count: int, noun: str) -> str:
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"
