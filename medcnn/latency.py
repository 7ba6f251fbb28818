"""The table behind the plot of latency; timings differ on every run, so that it is no DVC out."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from medcnn import files, layout

TIMES = ("p50_ms", "p90_ms", "p99_ms", "images_per_second")
COLUMNS = ("study", "model", "engine", "batch_size", *TIMES)


def write(study: str, timed: Mapping[str, Mapping[str, Any]]) -> None:
    """Write a row a model, engine and batch size; without timings there is no table.

    Args:
        study: its name.
        timed: ``metrics/benchmark/S/M.json`` by model.
    """
    path = layout.plots("benchmark", study) / "latency.csv"
    if timed:
        files.write_csv(path, COLUMNS, _rows(study, timed))
    else:
        path.unlink(missing_ok=True)


def _rows(study: str, timed: Mapping[str, Mapping[str, Any]]) -> Iterator[tuple[Any, ...]]:
    for model, block in timed.items():
        for engine, by_size in block["latency"].items():
            for size, times in by_size.items():
                yield study, model, engine, size, *(times[name] for name in TIMES)
