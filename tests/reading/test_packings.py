from __future__ import annotations

import zipfile
from pathlib import Path

import pytest

from medcnn.core.errors import MedcnnError
from medcnn.reading.archive import check_archive, open_archive
from tests.conftest import zipped


def packed_by(path: Path, method: int, count: int = 1) -> Path:
    """A zip that says of some of its files that they are packed by another method; their bytes stay."""
    zipped(path, {f"{number}.png": b"x" * 50 for number in range(3)})
    data, at = bytearray(path.read_bytes()), 0
    for _ in range(count):
        at = data.index(b"PK\x01\x02", at)
        data[at + 10 : at + 12] = method.to_bytes(2, "little")
        at += 4
    path.write_bytes(data)
    return path


@pytest.mark.parametrize(
    ("method", "name"),
    [(9, "Deflate64"), (93, "Zstandard"), (95, "XZ"), (98, "PPMd"), (1, "Shrink"), (77, "method 77")],
)
def test_a_method_that_is_not_read_is_named_when_the_zip_is_opened(tmp_path: Path, method: int, name: str) -> None:
    if method == getattr(zipfile, "ZIP_ZSTANDARD", None):
        pytest.skip("this Python reads it")
    path = packed_by(tmp_path / "raw.zip", method, 2)
    for refuse in (open_archive, lambda path: check_archive(path, "scans.zip")):
        with pytest.raises(MedcnnError, match=rf"\.zip has 2 of 3 files packed by {name}"):
            refuse(path)


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_the_usual_methods_are_read(tmp_path: Path, method: int) -> None:
    with zipfile.ZipFile(tmp_path / "raw.zip", "w", method) as file:
        file.writestr("a.png", b"x" * 50)
    check_archive(tmp_path / "raw.zip", "scans.zip")
    with open_archive(tmp_path / "raw.zip") as archive:
        assert archive.read("a.png") == b"x" * 50


def last_part(folder: Path) -> bytes:
    data = bytearray(zipped(folder / "whole.zip", {"a.png": b"x" * 500}).read_bytes())
    at = data.rindex(b"PK\x05\x06")
    data[at + 4 : at + 8] = b"\x02\0\x02\0"
    return bytes(data[300:])


@pytest.mark.parametrize(
    ("start", "kind"),
    [
        (b"Rar!\x1a\x07\x01\0", "a RAR archive"),
        (b"7z\xbc\xaf\x27\x1c", "a 7-Zip archive"),
        (b"\x28\xb5\x2f\xfd", "Zstandard"),
        (b"PK\x07\x08PK\x03\x04", "the first part of a zip"),
        (b"PK\x03\x04\x14\0", "cut off"),
        (b"<!DOCTYPE html>", "a page of the web"),
        (b"version https://git-lfs.github.com/spec/v1", "Git LFS"),
        (b"", "empty"),
    ],
)
def test_what_is_no_archive_is_named(tmp_path: Path, start: bytes, kind: str) -> None:
    (tmp_path / "raw").write_bytes(start + bytes(9 if start else 0))
    with pytest.raises(MedcnnError, match=rf"scans\.zip is not a whole zip or tar .*{kind}"):
        check_archive(tmp_path / "raw", "scans.zip")


def test_the_last_part_of_a_zip_in_parts_says_so(tmp_path: Path) -> None:
    (tmp_path / "raw.zip").write_bytes(last_part(tmp_path))
    for refuse in (open_archive, lambda path: check_archive(path, "raw.zip")):
        with pytest.raises(MedcnnError, match=r"raw\.zip .*last part of a zip in several parts"):
            refuse(tmp_path / "raw.zip")
