from __future__ import annotations

import pandas as pd
import pytest

from medcnn.core import tables
from medcnn.dataset.doubts import Doubt
from medcnn.params.labels import Csv, Labels
from medcnn.split import patients

CLASSES = {"a": "x", "b": "y"}


def doubts(names: dict[str, str], labels: Labels) -> dict[str, Doubt]:
    """What is doubted of images, by path, of these patients."""
    rows = pd.DataFrame({"path": list(names), "label": "x", "patient": list(names.values())}, dtype=tables.TEXT)
    return {doubt.kind: doubt for doubt in patients.doubts(rows, labels)}


def by_pattern(pattern: str, *paths: str) -> dict[str, Doubt]:
    found = patients.found_in(paths, pattern)
    return doubts(dict(zip(paths, found, strict=True)), Labels(classes=CLASSES, group=pattern))


def by_column(*names: str) -> dict[str, Doubt]:
    labels = Labels(classes=CLASSES, csv=Csv(file="*.csv", group="patient"))
    return doubts({f"{number}.png": name for number, name in enumerate(names)}, labels)


@pytest.mark.parametrize("word", ["nan", "NaN", " unknown ", "N/A", "None", "null", "-1", "-1.0", "?", "<NA>", "  "])
def test_a_word_for_nothing_is_no_patient(word: str) -> None:
    assert patients.found_in([f"p_{word}.png", "p_7.png"], r"p_(.*)\.png").tolist() == ["", "7"]


def test_a_pattern_that_ends_within_a_number_is_doubted() -> None:
    cut = [f"patient{number:03}_0.png" for number in range(0, 1000, 100)]
    doubt = by_pattern(r"patient(\d)", *cut)["patients_cut_short"]
    assert doubt.count == len(cut)
    assert "'0' in patient000_0.png" in doubt.text
    assert "patients_cut_short" not in by_pattern(r"patient(\d+)", *cut)


def test_one_patient_of_all_images_is_an_error() -> None:
    one = by_pattern(r"patient(\d)", "patient01_0.png", "patient02_0.png")["one_patient"]
    assert (one.severity, one.count) == ("error", 2)
    assert "'0' in patient01_0.png" in one.text
    assert by_column("A", "A", "")["one_patient"].severity == "warning"


@pytest.mark.parametrize(
    ("names", "pairs"),
    [
        (("P1", "p01", "P2"), ("'P1' and 'p01'",)),
        (("IM-0115", "IM 115", "IM_0116"), ("'IM 115' and 'IM-0115'",)),
        (("7", "007", "70"), ("'007' and '7'",)),
        (("1-11", "11-1", "111"), ()),
        (("test/1", "1"), ()),
    ],
)
def test_patients_spelt_alike_are_doubted(names: tuple[str, ...], pairs: tuple[str, ...]) -> None:
    found = by_column(*names, *names).get("patients_spelt_alike")
    assert (found.examples if found else ()) == pairs


def test_patients_who_have_one_image_each_are_noted() -> None:
    assert by_column("A", "B", "C")["patients_all_different"].count == 3
    assert by_column("A", "B", "B") == {}
