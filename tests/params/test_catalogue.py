from __future__ import annotations

from pathlib import Path

import pytest

from medcnn.core.errors import ParamsError
from medcnn.params import catalogue

ROW = """
medcnn:
  mine: {preprocessing: unit, smallest: 8}
keras:
  VGG16: {preprocessing: caffe, smallest: 32}
"""


@pytest.fixture
def table(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A table of one's own."""
    path = tmp_path / "backbones.yaml"
    path.write_text(ROW, encoding="utf-8")
    monkeypatch.setattr(catalogue, "TABLE", path)
    catalogue.catalogue.cache_clear()
    yield path
    catalogue.catalogue.cache_clear()


def test_backbones_are_those_of_the_table(table: Path) -> None:
    assert list(catalogue.catalogue().backbones) == ["mine", "VGG16"]
    assert catalogue.catalogue().backbones["mine"].smallest == 8
    assert catalogue.catalogue().pinned == []


@pytest.mark.parametrize(
    ("old", "new", "parts"),
    [
        ("unit", "units", ["medcnn.mine.preprocessing", "'units'", "caffe"]),
        ("smallest: 8", "smallest: 0", ["medcnn.mine.smallest"]),
        ("smallest: 32", "smallest: 32, size: 3", ["keras.VGG16.size", "preprocessing"]),
        ("32}", "32, imagenet: {kind: keras, url: 'https://x/y', licence: MIT}}", ["keras.VGG16.imagenet", "md5"]),
    ],
)
def test_a_wrong_row_is_one_line_with_its_key_path(table: Path, old: str, new: str, parts: list[str]) -> None:
    table.write_text(ROW.replace(old, new), encoding="utf-8")
    with pytest.raises(ParamsError) as refusal:
        catalogue.catalogue()
    message = str(refusal.value)
    assert all(part in message for part in ["backbones.yaml", *parts])
    assert "\n" not in message


def test_every_pinned_backbone_has_a_licence_and_a_hash() -> None:
    pins = [row.imagenet for row in catalogue.catalogue().backbones.values() if row.imagenet]
    assert len(pins) > 20
    assert all(pin.licence and (pin.sha256 or pin.md5) for pin in pins)
