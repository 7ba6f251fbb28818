"""The models of a study as a table for a terminal, from the metrics alone."""

from __future__ import annotations

from collections.abc import Iterator

from medcnn.core.choices import offer
from medcnn.core.errors import ParamsError
from medcnn.params import whole
from medcnn.params.judging.figures import TESTED
from medcnn.results.base import Record, read
from medcnn.results.compared import Compared
from medcnn.results.evaluated import Evaluated
from medcnn.runtime import paths


def shown(study: str | None) -> Iterator[str]:
    """The lines for a study, or for those of ``run`` where none is named.

    Raises:
        ParamsError: there is no such study.
        MedcnnError: it has no results here.
    """
    settings = whole.load()
    for name in [study] if study else settings.run.studies:
        if name not in settings.studies:
            raise ParamsError(f"params.yaml: no study '{name}': {offer(name, settings.studies)}")
        evaluated = read(paths.metrics("evaluate", name), dict[str, Evaluated])
        yield from table(name, evaluated, read(paths.metrics("comparisons", name), Compared))


def table(study: str, evaluated: dict[str, Evaluated], compared: Compared) -> Iterator[str]:
    """A title, a header and one row per model: the chosen one first, the others as they rank.

    Args:
        study: its name.
        evaluated: figures by model.
        compared: the ranking, the chosen model, and which differ from it.
    """
    test = evaluated[compared.best].test
    groups = "1 group" if test.groups == 1 else f"{test.groups:,} groups"
    yield f"{study}: {test.support:,} test images in {groups}; * is chosen, = may differ from it by chance alone"
    order = (compared.best, *(name for name in compared.ranking if name != compared.best))
    width = max(map(len, ("model", *order)))
    yield f"  {'model':<{width}}  {'  '.join(f'{figure.name:<20}' for figure in TESTED)}".rstrip()
    for name in order:
        alike = all(name in names for names in compared.same_as_best.values())
        mark = "*" if name == compared.best else "=" if alike else " "
        figures = "  ".join(f"{_interval(evaluated[name].test, figure.key):<20}" for figure in TESTED)
        yield f"{mark} {name:<{width}}  {figures}".rstrip()


def _interval(block: Record, key: str) -> str:
    value, low, high = (block.get(name) for name in (key, f"{key}_low", f"{key}_high"))
    if value is None:
        return "-"
    return f"{value:.3f}" if low is None or high is None else f"{value:.3f} [{low:.3f}, {high:.3f}]"
