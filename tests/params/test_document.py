from __future__ import annotations

import pytest

from medcnn.params import document
from tests.project import ROOT


def test_the_page_of_keys_is_that_of_the_classes() -> None:
    committed = (ROOT / document.PAGE).read_text(encoding="utf-8")
    assert committed == document.page(), "stale: run `python -m medcnn.params.document`"


@pytest.mark.parametrize(
    ("key", "cells"),
    [
        ("models.M.dropout", ["number [0, 1)", "`0.0`"]),
        ("models.M.backbone", ["text", "must be given"]),
        ("models.M.pooling", ["`flatten`, `average`, `max`", "`average`"]),
        ("studies.S.labels.group", ["text or empty", ""]),
        ("augment.P.brightness", ["list of 2 times number", "`[1.0, 1.0]`"]),
    ],
)
def test_a_key_stands_with_its_type_and_its_default(key: str, cells: list[str]) -> None:
    (line,) = (line for line in document.page().splitlines() if line.startswith(f"| `{key}` |"))
    assert [cell.strip() for cell in line.split("|")][2:4] == cells
