from typing import Any

import pytest

from medcnn.report.reproduction import compared

STAGES = ("split", "train", "evaluate")


def item(out: str, code: str = "a") -> dict[str, Any]:
    return {"deps": [{"path": "medcnn/core", "md5": code}], "outs": [{"path": "x", "md5": out}]}


BEFORE = {"evaluate@p": item("1"), "train@p-tiny": item("2"), "split@p": item("3")}


def test_the_same_outputs_from_other_code_reproduce_the_commit() -> None:
    found = compared(BEFORE, {name: {**block, "deps": []} for name, block in BEFORE.items()}, STAGES)
    assert (found.same, found.differing) == (3, ())
    assert found.verdict.startswith("yes, all 3")


@pytest.mark.parametrize(("code", "changed"), [("a", False), ("b", True)])
def test_the_first_that_differs_is_named_in_the_order_of_the_pipeline(code: str, changed: bool) -> None:
    now = {**BEFORE, "evaluate@p": item("4"), "train@p-tiny": item("5", code)}
    found = compared(BEFORE, now, STAGES)
    assert (found.same, found.differing) == (1, ("train@p-tiny", "evaluate@p"))
    assert found.inputs_changed is changed
    assert "train@p-tiny" in found.verdict


def test_items_that_the_commit_lacks_are_not_compared() -> None:
    found = compared(BEFORE, {"train@mine-tiny": item("1")}, STAGES)
    assert (found.same, found.differing) == (0, ())
    assert found.verdict.startswith("nothing to compare with")
