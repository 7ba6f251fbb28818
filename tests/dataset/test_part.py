from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from medcnn.core.errors import MedcnnError
from medcnn.dataset import manifest, pack, part
from medcnn.runtime import paths
from tests.project import prepared_study

CLASSES = ("healthy", "tumour")


def test_test_images_come_in_the_manifests_order(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(prepared_study(tmp_path, "phantom", CLASSES, images=60))
    test = part.read("phantom", CLASSES)
    rows = [row for row in manifest.used(paths.manifest("phantom")).itertuples() if row.split == "test"]
    assert test.image_ids == tuple(row.image_id for row in rows)
    assert [CLASSES[label] for label in test.labels] == [row.label for row in rows]
    assert test.groups == tuple(row.group for row in rows)
    batches = list(test.batches(4))
    assert [len(batch) for batch in batches] == [4, 4, 4, 2]
    images = pack.images(paths.prepared("phantom"))
    np.testing.assert_array_equal(np.concatenate(batches), images[test.indices])
    assert {batch.dtype for batch in batches} == {np.dtype(np.float32)}


def test_more_images_than_there_are_begin_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(prepared_study(tmp_path, "phantom", CLASSES, images=60))
    test = part.read("phantom", CLASSES)
    images = test.first(20)
    np.testing.assert_array_equal(images[14:], images[:6])


def test_a_study_without_test_images_says_what_to_change(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(prepared_study(tmp_path, "phantom", CLASSES, images=4))
    with pytest.raises(MedcnnError, match=r"studies\.phantom\.split"):
        part.read("phantom", CLASSES)


def test_some_of_a_part_come_in_the_order_asked_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(prepared_study(tmp_path, "phantom", CLASSES, images=60))
    test = part.read("phantom", CLASSES)
    some = test.at([5, 2])
    assert some.image_ids == (test.image_ids[5], test.image_ids[2])
    assert some.groups == (test.groups[5], test.groups[2])
    assert some.labels.tolist() == [test.labels[5], test.labels[2]]
    np.testing.assert_array_equal(some.pixels(), test.pixels()[[5, 2]])
    np.testing.assert_array_equal(test.pixels(slice(3, 6)), test.pixels()[3:6])
