"""A model's figures by the seed of its trainings."""

from __future__ import annotations

from medcnn.results.evaluated import Evaluated


def by_seed(block: Evaluated, key: str) -> tuple[float, ...]:
    """A figure on the test images of fold 0, one for each seed, NaN left out; none where there is one training."""
    cells = {} if block.crossval is None else block.crossval.cells
    found = [cell.get(key) for name, cell in cells.items() if name.startswith("0-")]
    return tuple(value for value in found if value is not None)
