from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from medcnn.core.errors import MedcnnError
from medcnn.dataset import manifest, pack, views
from medcnn.dataset.augment import augmented
from medcnn.params.whole import Compute, Params
from medcnn.prepare import preparing
from medcnn.prepare.contact_sheet import contact_sheet
from medcnn.reading.archive import open_archive
from medcnn.reading.decode import open_image, pixels
from medcnn.split import surveying
from tests.conftest import encoded, picture, zipped
from tests.project import changed


def prepared(folder: Path, settings: Params, cpus: int = 2) -> pd.DataFrame:
    """300 images and two views of each one in training, worked on by tasks of ``cpus`` threads."""
    compute = Compute(cpus_per_task=cpus)
    study = changed(settings.study("brain_mri"), {"images.size": 24})
    members = {f"{('yes', 'no')[index % 2]}/{index}.png": encoded(picture(index)) for index in range(300)}
    with open_archive(zipped(folder / "raw.zip", members)) as archive:
        rows = surveying.dealt(surveying.looked_at(archive, study, "s"), study, 1, "s").rows
        preparing.write_images(archive.path, rows, study.images, folder, compute)
        training = manifest.indices(rows, "train")
        recipe = views.Recipe(settings.augment["light"], 2, 7)
        views.write(folder, recipe, folder, training, rows["image_id"].iloc[training].tolist(), compute)
        for index in (0, 150, 299):
            expected = pixels(archive.read(rows["path"][index]), 24, "stretch")
            assert np.array_equal(pack.images(folder)[index], expected)
    return rows


def test_pixels_follow_the_manifest_and_views_its_training_rows(tmp_path: Path, settings: Params) -> None:
    rows = prepared(tmp_path, settings)
    training = manifest.indices(rows, "train")
    images, drawn = pack.images(tmp_path), pack.views(tmp_path)
    assert images.shape == (300, 24, 24, 3)
    assert drawn.shape == (2, len(training), 24, 24, 3)
    last = training[-1]
    expected = augmented(images[last], settings.augment["light"], 7, "view", 1, rows["image_id"][last])
    assert np.array_equal(drawn[1, -1], expected)


def test_the_shards_are_the_same_files_whatever_the_number_of_threads_and_tasks(
    tmp_path: Path, settings: Params, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pack, "ROWS", 128)
    folders = [tmp_path / str(cpus) for cpus in (1, 2, 5)]
    for folder in folders:
        folder.mkdir()
        prepared(folder, settings, int(folder.name))
    first, *others = ({path.name: path.read_bytes() for path in folder.glob("*s*.[nj]*")} for folder in folders)
    assert {"images-00002.npy", "views-00003.npy", "images.json"} <= first.keys()
    assert all(other == first for other in others)


def test_an_image_that_cannot_be_read_leaves_nothing_to_train_on(tmp_path: Path, settings: Params) -> None:
    rows = prepared(tmp_path, settings)
    study = changed(settings.study("brain_mri"), {"images.size": 24})
    rows.loc[7, "path"] = "yes/none.png"
    with pytest.raises(MedcnnError, match=r"raw\.zip.*'yes/none\.png'"):
        preparing.write_images(tmp_path / "raw.zip", rows, study.images, tmp_path, Compute())
    assert list(tmp_path.glob("*images*")) == []


def test_the_contact_sheet_shows_originals_over_their_views(tmp_path: Path, settings: Params) -> None:
    rows = prepared(tmp_path, settings)
    data = contact_sheet(rows, pack.images(tmp_path), pack.views(tmp_path))
    sheet = open_image(data)
    assert sheet.width > sheet.height > 3 * 112
    assert contact_sheet(rows, pack.images(tmp_path), pack.views(tmp_path)) == data


def test_a_contact_sheet_without_views_has_one_line(tmp_path: Path, settings: Params) -> None:
    rows = prepared(tmp_path, settings)
    sheet = open_image(contact_sheet(rows, pack.images(tmp_path), pack.views(tmp_path)[:0]))
    assert sheet.height < 2 * 112


def test_pictures_of_one_file_are_prepared_in_its_order(tmp_path: Path, settings: Params) -> None:
    study = changed(settings.study("brain_mri"), {"images.size": 24})
    first, *others = (picture(seed) for seed in range(5))
    members = {"a.tif": encoded(first, "TIFF", save_all=True, append_images=others), "b.png": encoded(picture(9))}
    rows = pd.DataFrame({"path": ["a.tif#1", "a.tif#2", "a.tif#5", "b.png"]})
    preparing.write_images(zipped(tmp_path / "raw.zip", members), rows, study.images, tmp_path, Compute())
    expected = [pixels(encoded(picture(seed)), 24, "stretch") for seed in (0, 1, 4, 9)]
    assert np.array_equal(pack.images(tmp_path)[0:4], expected)
