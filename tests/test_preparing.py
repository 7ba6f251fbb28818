from __future__ import annotations

from pathlib import Path

import numpy as np

from medcnn import preparing
from medcnn.images import pack
from medcnn.images.augment import augmented
from medcnn.images.contact_sheet import contact_sheet
from medcnn.images.decode import open_image, pixels
from medcnn.manifest import Row
from medcnn.params import Params
from medcnn.sources.archive import open_archive
from medcnn.surveying import survey
from tests.conftest import encoded, picture, zipped


def prepared(folder: Path, settings: Params) -> list[Row]:
    study = settings.study("brain_mri").model_copy(update={"image_size": 24})
    members = {f"{('yes', 'no')[index % 2]}/{index}.png": encoded(picture(index)) for index in range(300)}
    with open_archive(zipped(folder / "raw.zip", members)) as archive:
        rows = survey(archive, study, 1, "s").rows
        preparing.write_images(archive, rows, study, folder)
        preparing.write_views(rows, settings.augment["light"], 2, 7, folder)
        for index in (0, 150, 299):
            expected = pixels(archive.read(rows[index].path), 24, "stretch")
            assert np.array_equal(pack.images(folder)[index], expected)
    return rows


def test_pixels_follow_the_manifest_and_views_its_training_rows(tmp_path: Path, settings: Params) -> None:
    rows = prepared(tmp_path, settings)
    training = [index for index, row in enumerate(rows) if row.split == "train"]
    images, views = pack.images(tmp_path), pack.views(tmp_path)
    assert images.shape == (300, 24, 24, 3)
    assert views.shape == (2, len(training), 24, 24, 3)
    last = training[-1]
    expected = augmented(images[last], settings.augment["light"], 7, "view", 1, rows[last].image_id)
    assert np.array_equal(views[1, -1], expected)


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
