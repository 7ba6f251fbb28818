import json
import subprocess
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from medcnn.core import files
from medcnn.report.reproduction import compared, reproduction
from medcnn.results.networks import Made
from medcnn.runtime import paths

WHO = ["-c", "user.name=t", "-c", "user.email=t@example.org"]
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
    assert found.file == "x"


@pytest.mark.parametrize("shared", [{}, {"weights@lite0": item("1")}])
def test_a_study_that_the_commit_lacks_is_not_reproduced(shared: dict[str, Any]) -> None:
    found = compared({**BEFORE, **shared}, {"train@mine-tiny": item("1"), **shared}, STAGES)
    assert (found.same, found.differing, found.known) == (0, (), False)
    assert "not in the committed run" in found.verdict


def test_items_that_the_commit_lacks_are_counted_apart() -> None:
    found = compared(BEFORE, {**BEFORE, "train@p-other": item("1")}, STAGES)
    assert (found.same, found.others) == (3, 1)
    assert found.verdict.endswith("1 more is not in it")


def made(processor: str = "A", tensorflow: str = "2.21", kept: str = "native") -> Made:
    return Made(bytes=kept, processor=processor, packages={"tensorflow": tensorflow})


@pytest.mark.parametrize(
    ("before", "now", "parts"),
    [
        (made("A"), made("B"), ["another kind of CPU", "B", "A"]),
        (made("A"), made("B", "2.22"), ["tensorflow 2.22", "2.21"]),
        (made("A", kept="portable"), made("A", kept="portable"), ["portable", "must not be"]),
    ],
)
def test_the_reason_is_named_where_inputs_are_the_same(before: Made, now: Made, parts: list[str]) -> None:
    verdict = replace(compared(BEFORE, {**BEFORE, "train@p-tiny": item("5")}, STAGES), origins=(before, now)).verdict
    assert all(part in verdict for part in ["train@p-tiny", "same inputs", *parts])


def test_what_computed_is_read_of_the_commit_and_of_the_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    paths.PIPELINE.write_text("stages: {train: {}}")
    for processor, out in (("A", "1"), ("B", "2")):
        files.write_json(paths.metrics("train", "p", "tiny"), {"made": made(processor).model_dump()})
        paths.LOCK.write_text(json.dumps({"stages": {"train@p-tiny": item(out)}}))
        if out == "1":
            for command in (["init", "-q"], ["add", "."], [*WHO, "commit", "-qm", "one"]):
                subprocess.run(["git", *command], check=True)
    found = reproduction(["p"])
    assert found and "another kind of CPU: B, the commit's is A" in found.verdict
