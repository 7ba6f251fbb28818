from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from medcnn.pseudonyms import doubtful

ROWS = pd.DataFrame({"path": ["Doe Jane/yes/1.png", "Roe/no/2.png", "Roe/no/3.png"], "group": ["Doe", "Roe", "12"]})


@pytest.mark.parametrize(
    ("kind", "text", "examples"),
    [
        ("large_group", "patient 'Doe' has 12 of 30 images", ["Doe Jane/yes/1.png"]),
        ("patients_all_different", "each image has a patient of its own, such as Jane D", ["Jane D"]),
        ("files_passed_over", "reports/Doe Jane of May.pdf is no image", ["reports/Doe Jane of May.pdf"]),
        ("near_copies_of_two_classes", "like Roe/no/2.png (no)", ["Roe/no/2.png (no) and Doe Jane/yes/1.png (yes)"]),
        ("shares_missed", "test holds 12 of 30 'no' images", ["test holds 12 of 30 'no' images"]),
    ],
)
def test_no_name_is_left_while_counts_and_classes_stay(
    kind: str, text: str, examples: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.chdir(tmp_path)
    doubt = {"kind": kind, "text": text, "examples": examples, "count": 12}
    (said,) = doubtful.unnamed([doubt], ROWS, ["yes", "no"])
    assert not any(name in f"{said}" for name in ("Doe", "Jane", "Roe", ".png", ".pdf"))
    assert said["text"].count("12 of 30") == text.count("12 of 30")
    assert said["text"].count("'no'") == text.count("'no'")
