"""The Vega-Lite templates of `dvc plots`: each reads only columns that the pipeline writes."""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from dvc_render.vega import VegaRenderer

from tests.project import ROOT
from tests.report.example import Example, example

TEMPLATES = ROOT / ".dvc" / "plots"
DRAWN = {
    "history": ("plots/train/phantom/simple/history.csv", "epoch", "loss"),
    "confusion_by_model": ("plots/evaluate/phantom/confusion.csv", "predicted", "actual"),
    "roc": ("plots/evaluate/phantom/roc.csv", "false_positive_rate", "true_positive_rate"),
    "pr": ("plots/evaluate/phantom/pr.csv", "recall", "precision"),
    "classes": ("plots/split/phantom/classes.csv", "images", "class"),
}


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Example:
    return example(tmp_path_factory.mktemp("plots")).evaluate()


def rows(made: Example, relative: str) -> list[dict[str, str]]:
    with made.path(Path(relative)).open(newline="") as file:
        return [{**row, "rev": rev} for row in csv.DictReader(file) for rev in ("workspace", "HEAD")]


def values(spec: Any, *keys: str) -> Iterator[Any]:
    """Everything that stands under these keys, at any depth."""
    if isinstance(spec, dict):
        for key, value in spec.items():
            if key in keys:
                yield value
            yield from values(value, *keys)
    elif isinstance(spec, list):
        for value in spec:
            yield from values(value, *keys)


def test_every_template_is_tried_here():
    assert {path.stem for path in TEMPLATES.glob("*.json")} == set(DRAWN)


@pytest.mark.parametrize("name", DRAWN)
def test_a_template_reads_columns_that_exist(made: Example, name: str):
    relative, x, y = DRAWN[name]
    data = rows(made, relative)
    renderer = VegaRenderer(data, relative, template=name, template_dir=str(TEMPLATES), x=x, y=y, title="A title")
    spec = renderer.get_filled_template()
    assert "<DVC" not in json.dumps(spec)
    assert spec["data"]["values"] == data
    assert spec["title"]["text"] == "A title"
    del spec["data"]
    known = {*data[0], *values(spec, "as"), "chance"}
    fields = {field for field in values(spec, "field") if isinstance(field, str)}
    fields |= {field for group in values(spec, "groupby") for field in group}
    fields |= {field for formula in values(spec, "calculate") for field in re.findall(r"datum\.(\w+)", formula)}
    assert {x, y, "rev"} <= fields <= known
