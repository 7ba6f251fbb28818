from __future__ import annotations

import numpy as np
import pandas as pd

from medcnn.grouping import relatives
from medcnn.params.splits import Duplicates


def test_joined_links_chains_of_pairs() -> None:
    assert relatives.joined(6, [(0, 2), (5, 2), (3, 4)]).tolist() == [0, 1, 0, 3, 3, 0]


def test_patients_and_duplicates_are_joined_into_one_relation() -> None:
    patients = pd.Series(["p", "q", "q", "r", ""])
    duplicate = [(0, 1)]
    assert relatives.joined(5, relatives.same(patients), duplicate).tolist() == [0, 0, 0, 3, 4]


def test_images_are_related_by_patient_copy_and_likeness() -> None:
    thumbnails = np.random.default_rng(0).integers(0, 256, (6, 1024), np.uint8)
    thumbnails[3] = thumbnails[2]
    far = ["0" * 16, "0" * 16, "f" * 16, "f" * 15 + "e", "5" * 16, ""]
    found = relatives.related(
        contents=pd.Series(["a", "a", "b", "c", "d", "a"]),
        hashes=pd.Series(far),
        patients=pd.Series(["", "", "p", "", "p", ""]),
        files=pd.Series(range(6)),
        thumbnails=thumbnails.__getitem__,
        limits=Duplicates(),
    )
    assert found.exact.tolist() == [0, 0, 2, 3, 4, 5]
    assert found.near.tolist() == [0, 0, 2, 2, 4, 5]
    assert found.groups.tolist() == [0, 0, 2, 2, 2, 5]


def test_pictures_of_one_file_are_of_one_group() -> None:
    hashes = ["0" * 16, "f" * 16, "5" * 16, "a" * 16]
    found = relatives.related(
        contents=pd.Series(list("abcd")),
        hashes=pd.Series(hashes),
        patients=pd.Series(["", "", "p", "p"]),
        files=pd.Series([0, 0, 0, 1]),
        thumbnails=np.zeros((4, 1024), np.uint8).__getitem__,
        limits=Duplicates(),
    )
    assert found.groups.tolist() == [0, 0, 0, 0]
