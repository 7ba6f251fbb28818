from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from medcnn.benchmark import material
from medcnn.dataset import manifest
from medcnn.params import whole
from medcnn.reading import decode
from medcnn.reading.decode import pixels
from medcnn.runtime import paths
from tests.benchmark.study import raw_images
from tests.project import SIZE, prepared_study, shrink

STUDY = "phantom"


@pytest.fixture
def read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> material.Material:
    shrink(tmp_path, {f"studies.{STUDY}.images.size": SIZE})
    block = whole.load(tmp_path / paths.PARAMS).study(STUDY)
    prepared_study(tmp_path, STUDY, block.labels.class_names)
    raw_images(tmp_path, STUDY)
    monkeypatch.chdir(tmp_path)
    return material.read(STUDY, block)


def test_it_is_of_the_test_part_in_the_manifests_order(read: material.Material, settings: whole.Params) -> None:
    rows = [row for row in manifest.used(paths.manifest(STUDY)).itertuples() if row.split == "test"]
    names = settings.study(STUDY).labels.class_names
    assert [names[label] for label in read.test.labels] == [row.label for row in rows]
    assert read.test.groups == tuple(row.group for row in rows)
    assert len(read.originals) == material.ORIGINALS < len(rows)


def test_a_file_holds_what_the_input_array_is_made_of(read: material.Material, tmp_path: Path) -> None:
    for number, path in enumerate(read.written(tmp_path)):
        content = Path(path).read_bytes()
        assert decode.open_image(content).format == "PNG"
        assert decode.open_image(content).size == read.originals[number].size
        array = read.input_array(number)
        assert array.dtype == np.float32
        np.testing.assert_array_equal(array[0], pixels(content, SIZE, read.fit))
    np.testing.assert_array_equal(read.input_array(0), read.input_array(material.ORIGINALS))
