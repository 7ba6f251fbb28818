"""Patients that are found for some images only, or wrongly: no leak of 0 is claimed, and what is odd is said."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from medcnn.core.errors import MedcnnError
from tests.cases.outcome import NAMES, numbered, outcome, table
from tests.conftest import encoded, picture

CSV = {"file": "*labels.csv", "image": "file", "label": "dx", "group": "patient"}


def patients(name: str, apart: int = 100) -> dict[str, bytes]:
    """Two images of each patient, in a folder for each class, whose patients are numbered apart from each other."""
    return {
        f"{folder}/{name.format(apart * place + number // 2, number)}.png": encoded(picture(1000 * place + number))
        for place, folder in enumerate(NAMES)
        for number in range(30)
    }


def by_patient(patient: Callable[[int], str], count: int = 100) -> dict[str, bytes | str]:
    """Images in one folder, and a table that names the patient of each."""
    rows = [(f"img{number:03}.png", NAMES[number // 4 % 2], patient(number)) for number in range(count)]
    return {**numbered(count), "labels.csv": table([("file", "dx", "patient"), *rows])}


def test_a_pattern_that_finds_half_of_the_patients(tmp_path: Path) -> None:
    every = patients("patient{:03}_{}")
    odd = list(every)[1::2]
    images = {path.replace("patient", "Patient") if path in odd else path: data for path, data in every.items()}
    found = outcome(tmp_path, images, group=r"(patient\d+)")
    assert found.warned("patients_unknown").count == found.facts.without_patient == 30
    assert "30 of 60" in found.printed


@pytest.mark.parametrize("apart", [0, 100])
def test_a_pattern_that_stops_within_the_number_is_refused_with_what_it_finds(tmp_path: Path, apart: int) -> None:
    with pytest.raises(MedcnnError, match=r"'0'"):
        outcome(tmp_path, patients("patient{:03}_{}", apart), group=r"patient(\d)")


@pytest.mark.parametrize("nobody", ["nan", "NaN", "unknown", "N/A", "-1", " ", "None", ""])
def test_values_that_mean_no_patient(tmp_path: Path, nobody: str) -> None:
    found = outcome(tmp_path, by_patient(lambda number: f"P{number:03}" if number < 20 else nobody), csv=CSV)
    assert (found.facts.patients, found.facts.without_patient) == (20, 80)
    assert found.warned("patients_unknown").count == 80
    shares = {part: sum(counts.values()) for part, counts in found.facts.splits.items()}
    assert shares == pytest.approx({"train": 55, "validation": 20, "test": 25}, abs=2)


def test_one_patient_with_most_of_the_images_is_said(tmp_path: Path) -> None:
    found = outcome(tmp_path, by_patient(lambda number: f"P{number:03}" if number < 40 else "Huber"), csv=CSV)
    assert "Huber" in found.warned("large_group").text


def test_patients_that_differ_by_spelling_alone_are_said(tmp_path: Path) -> None:
    spellings = ("P{:03}", "p{:03}", "P-{:03}", "P{:03} ")
    found = outcome(tmp_path, by_patient(lambda number: spellings[number % 4].format(number // 4), 80), csv=CSV)
    assert found.warned("patients_spelt_alike").count


def test_no_leak_is_claimed_to_be_none_where_patients_are_unknown(tmp_path: Path) -> None:
    printed = outcome(tmp_path, patients("{:03}_{}")).printed
    assert "as far as is known" in printed
    assert "as far as is known" not in outcome(tmp_path / "known", patients("p{:03}_{}"), group=r"(p\d+)").printed
