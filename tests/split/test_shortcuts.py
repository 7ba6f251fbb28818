from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from medcnn.dataset.doubts import Doubt
from medcnn.params.shared.classes import Findings
from medcnn.split import shortcuts

CLASSES = ("healthy", "ill")


def rows(count: int = 300, **columns: object) -> pd.DataFrame:
    """Images of which no attribute says anything about the class."""
    rng = np.random.default_rng(0)
    places = np.arange(count)
    usual = {
        "path": [f"{place}.png" for place in places],
        "label": np.array(CLASSES)[places % 2],
        "group": [f"P{place}" for place in places],
        "split": np.where(places % 5 == 0, "test", "train"),
        "fold": places % 5,
        "status": "used",
        "width": rng.integers(200, 600, count),
        "height": rng.integers(200, 600, count),
        "bytes": rng.integers(9000, 20000, count),
        "mode": rng.choice(["L", "RGB"], count),
        "brightness": rng.normal(100, 20, count),
        "scanner": "",
        "border": rng.normal(10, 3, count),
        "margin": rng.uniform(0, 1, count),
    }
    return pd.DataFrame({**usual, **columns})


def found(table: pd.DataFrame, classes: tuple[str, ...] = CLASSES) -> Doubt | None:
    [*some] = shortcuts.doubted(table, classes)
    assert len(some) <= 1
    return some[0] if some else None


def attributes(doubt: Doubt | None) -> tuple[str, ...]:
    return doubt.examples if doubt else ()


def test_attributes_that_say_nothing_of_the_class_are_not_doubted() -> None:
    assert found(rows()) is None


ILL = np.arange(300) % 2


@pytest.mark.parametrize(
    ("attribute", "columns"),
    [
        ("size in pixels", {"width": 512 + 112 * ILL, "height": 512}),
        ("size in pixels", {"width": 400 * (1 + ILL), "height": 600 * (1 + ILL) - 100 * (1 - ILL)}),
        ("colour mode", {"mode": np.array(["L", "RGB"])[ILL]}),
        ("file suffix", {"path": [f"{place}.{('png', 'JPG')[ill]}" for place, ill in enumerate(ILL)]}),
        ("scanner", {"scanner": np.array(["MR ACME", "MR Other"])[ILL]}),
        ("border", {"margin": 0.9 * ILL}),
        ("border", {"border": 200.0 - 100 * ILL}),
        ("mean brightness", {"brightness": 100.0 + 60 * ILL}),
    ],
)
def test_an_attribute_that_gives_the_class_away_is_a_warning(attribute: str, columns: dict[str, object]) -> None:
    doubt = found(rows(**columns))
    assert doubt is not None
    assert attribute in attributes(doubt)
    assert doubt.severity == "warning"


def test_attributes_that_give_the_class_away_together_are_one_warning() -> None:
    paths = [f"{place}.{('png', 'JPG')[ill]}" for place, ill in enumerate(ILL)]
    doubt = found(rows(mode=np.array(["L", "RGB"])[ILL], path=paths))
    assert attributes(doubt) == ("colour mode", "file suffix")


def test_a_shortcut_says_its_auroc_and_which_class_it_tells() -> None:
    brightness = np.random.default_rng(1).normal(100, 20, 300) + 40 * ILL
    table = rows(brightness=brightness)
    images = table[table["split"] != "test"]
    columns = dict(shortcuts.attributes(images))["mean brightness"]
    shortcut = shortcuts.strongest("mean brightness", columns, images, CLASSES)
    assert shortcut is not None
    # Two normal distributions two deviations apart: the area is Phi(2 / sqrt(2)), and a tree has a few steps of it.
    assert shortcut.auroc == pytest.approx(0.92, abs=0.04)
    assert shortcut.low < shortcut.auroc < shortcut.high
    doubt = found(table)
    assert doubt is not None
    assert f"{shortcut.auroc:.2f} ({shortcut.low:.2f} to {shortcut.high:.2f})" in doubt.text


def test_what_marks_a_patient_or_the_test_part_alone_is_no_shortcut() -> None:
    patients = np.arange(300) // 30
    by_patient = rows(
        width=500 + 7 * patients, height=500, group=[f"P{patient}" for patient in patients], fold=patients // 2,
        label=np.array(CLASSES)[patients % 2], split=np.where(patients < 2, "test", "train"),
    )  # fmt: skip
    assert "size in pixels" not in attributes(found(by_patient))
    table = rows()
    marked = table.assign(mode=np.where((table["split"] == "test") & (table["label"] == "ill"), "P", "L"))
    assert found(marked) is None


def test_findings_are_each_a_question_of_their_own() -> None:
    findings = Findings(("mass", "nodule"))
    labels = np.array(["no finding", "mass", "nodule", "mass|nodule"])[np.arange(300) % 4]
    table = rows(label=labels, mode=np.where(["nodule" in label for label in labels], "RGB", "L"))
    doubt = found(table, findings)
    assert attributes(doubt) == ("colour mode",)
    assert doubt is not None
    assert "'nodule'" in doubt.text


def test_few_images_or_one_fold_say_nothing() -> None:
    few = rows(18, mode=np.array(["L", "RGB"])[ILL[:18]])
    assert found(few) is None
    assert found(rows(fold=1, split="train", mode=np.array(["L", "RGB"])[ILL])) is None
