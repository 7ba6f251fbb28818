from pathlib import Path

import pytest

from medcnn.core.errors import MedcnnError
from medcnn.download import local
from medcnn.params.sources import FolderSource
from medcnn.reading.archive import open_archive
from medcnn.reading.folder import FolderArchive


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in ("b/2.png", "a/1.png", "a/line\nend.png", ".hidden"):
        path = tmp_path / "set" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(name.encode())
    (tmp_path / "set/a/again.png").symlink_to(tmp_path / "set/a/1.png")
    return tmp_path / "set"


def test_a_folder_reads_as_the_archive_that_it_is_packed_into(folder: Path, tmp_path: Path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    local.pack_folder(FolderSource(kind="folder", path=str(folder)), tmp_path / "folder.zip", "skin")
    with open_archive(tmp_path / "folder.zip") as packed, FolderArchive(folder) as here:
        assert here.names() == packed.names()
        for name in here.names():
            assert (here.read(name), here.size(name)) == (packed.read(name), packed.size(name))


def test_a_link_out_of_the_folder_is_refused(folder: Path, tmp_path: Path):
    (tmp_path / "secret").write_text("x")
    (folder / "leads_out.png").symlink_to(tmp_path / "secret")
    with pytest.raises(MedcnnError, match=r"leads_out\.png"):
        FolderArchive(folder)


def test_a_name_that_is_not_there_is_one_line(folder: Path):
    with pytest.raises(MedcnnError, match="holds no file"):
        FolderArchive(folder).read("c/3.png")
