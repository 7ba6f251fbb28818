"""What ``medcnn leak`` prints: models on a plain random split, beside the same models on the study's own."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from medcnn.params import whole
from medcnn.report.claims import Claims, claims
from medcnn.results.base import Record, read, read_if_made
from medcnn.results.careless import Careless
from medcnn.results.data import Split
from medcnn.results.evaluated import Evaluated
from medcnn.runtime import paths


def lines(study: str, models: Sequence[str]) -> Iterator[str]:
    """How many test images of a random split leak, one row per model, and the highest claim beside what holds.

    Args:
        study: whose stage ``careless`` has run.
        models: those that it ran for.

    Raises:
        MedcnnError: it has not.
    """
    settings, data = whole.load(), read(paths.metrics("split", study), Split)
    found = claims(
        study,
        models,
        read_if_made(paths.metrics("evaluate", study), dict[str, Evaluated]) or {},
        several=settings.study(study).labels.multi_label,
        patients=data.patients is not None,
        confidence=settings.evaluate.confidence,
    )
    first = read(paths.metrics("careless", study, models[0]), Careless)
    yield f"{study}: {first.leaked} of {first.images} test images of a plain random split have a relative elsewhere"
    if found is None:
        yield "  it claims nothing more than this split: it leaks no more, or a part of it would lack a class"
        return
    yield from _table(found)
    yield f"{found.sentence}."


def _table(found: Claims) -> Iterator[str]:
    width = max(map(len, ("model", *found.by_model)))
    name = "mean AUROC" if found.key == "auroc" else found.key
    yield f"  {'model':<{width}}  {f'{name} reported':<22}  {'what holds':<22}  difference"
    for model, both in found.by_model.items():
        careless, honest = (_interval(block, found.key) for block in (both.careless, both.honest))
        gap = (both.careless.get(found.key) or 0.0) - (both.honest.get(found.key) or 0.0)
        chance = "" if found.beyond_chance(model) else ", may be chance"
        yield f"  {model:<{width}}  {careless:<22}  {honest:<22}  {gap:+.3f}{chance}"


def _interval(block: Record, key: str) -> str:
    value, low, high = (block.get(name) for name in (key, f"{key}_low", f"{key}_high"))
    return "-" if None in (value, low, high) else f"{value:.3f} [{low:.3f}, {high:.3f}]"
