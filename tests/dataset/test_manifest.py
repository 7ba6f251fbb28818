from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from medcnn.core.errors import MedcnnError
from medcnn.dataset import manifest

ROW = manifest.Row(
    image_id=manifest.image_id("a/b.png"), path="a/b.png", label="yes", group="p1", split="train", fold=2, width=3,
    height=4, mode="L", bytes=5, sha256="0" * 64, phash="f" * 16, duplicate_of="", status="used", reason="",
)  # fmt: skip


def test_what_is_written_is_read_whatever_the_file_is_called(tmp_path: Path) -> None:
    rows = [ROW, replace(ROW, path='odd, "name"\nü.png', status="set_aside", split="", fold=-1, reason="unreadable")]
    manifest.write(tmp_path / "s.csv", rows)
    assert manifest.read(tmp_path / "s.csv") == rows
    assert manifest.used(tmp_path / "s.csv") == [ROW]


def test_a_file_with_other_columns_is_no_manifest(tmp_path: Path) -> None:
    (tmp_path / "s.csv").write_text("a,b\n1,2\n")
    with pytest.raises(MedcnnError, match="is not a manifest"):
        manifest.read(tmp_path / "s.csv")


def test_image_ids_depend_on_the_path_alone_and_do_not_show_it() -> None:
    assert manifest.image_id("patient_smith.png") == manifest.image_id("patient_smith.png")
    assert "smith" not in manifest.image_id("patient_smith.png")
    assert len({manifest.image_id(f"{n}.png") for n in range(2000)}) == 2000
