import errno
import hashlib
import os
import tarfile
import zipfile
from pathlib import Path

import pytest

from medcnn.core.errors import MedcnnError
from medcnn.download.fetching import _full_disk_explained, fetch
from medcnn.download.partial import claim
from medcnn.params.sources import ArchiveSource, FolderSource, PhantomSource
from tests.download.conftest import small_archive

pytestmark = pytest.mark.usefixtures("project")
DESTINATION = Path("data/raw/scans")


def archive(path, **changes):
    return ArchiveSource(kind="archive", path=str(path), **changes)


def folder(path):
    return FolderSource(kind="folder", path=str(path))


@pytest.fixture
def images(tmp_path):
    """A folder of two classes, one file each."""
    for name in ("yes/a.png", "no/\N{LATIN SMALL LETTER E WITH ACUTE} b.png"):
        path = tmp_path / "images" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(name.encode())
    return tmp_path / "images"


def test_an_archive_is_copied_as_it_is(tmp_path):
    (tmp_path / "scans v1.zip").write_bytes(small_archive())
    receipt = fetch(archive(tmp_path / "scans v1.zip"), DESTINATION)
    assert [path.name for path in DESTINATION.iterdir()] == ["scans v1.zip"]
    assert (DESTINATION / "scans v1.zip").read_bytes() == small_archive()
    assert receipt.bytes == len(small_archive())
    assert receipt.sha256 == hashlib.sha256(small_archive()).hexdigest()
    assert str(tmp_path) not in repr(receipt)


def test_what_lay_in_the_folder_before_makes_way(tmp_path):
    (tmp_path / "scans.zip").write_bytes(small_archive())
    (DESTINATION / "old").mkdir(parents=True)
    (DESTINATION / "old.zip").write_bytes(b"old")
    fetch(archive(tmp_path / "scans.zip"), DESTINATION)
    assert [path.name for path in DESTINATION.iterdir()] == ["scans.zip"]


def test_a_queued_experiment_finds_a_relative_path(project, monkeypatch):
    (project / "scans.zip").write_bytes(small_archive())
    copy = project / ".dvc/tmp/exps/one"
    copy.mkdir(parents=True)
    monkeypatch.chdir(copy)
    fetch(archive("scans.zip"), DESTINATION)
    assert (copy / DESTINATION / "scans.zip").exists()


def test_a_wrong_checksum_leaves_nothing(tmp_path):
    (tmp_path / "scans.zip").write_bytes(small_archive())
    with pytest.raises(MedcnnError, match=f"expected {'0' * 64}, got {hashlib.sha256(small_archive()).hexdigest()}"):
        fetch(archive(tmp_path / "scans.zip", sha256="0" * 64), DESTINATION)
    assert not Path("data").exists()
    assert (tmp_path / "scans.zip").exists()


@pytest.mark.parametrize("content", [b"", b"some text", small_archive()[:-100]])
def test_what_is_no_whole_archive_is_refused(tmp_path, content):
    (tmp_path / "scans.zip").write_bytes(content)
    with pytest.raises(MedcnnError, match=r"scans\.zip is not a whole zip or tar"):
        fetch(archive(tmp_path / "scans.zip"), DESTINATION)
    assert not Path("data").exists()


def test_a_path_that_leads_nowhere_names_its_key():
    with pytest.raises(MedcnnError, match=r"studies\.scans\.source\.path: missing\.zip not found"):
        fetch(archive("missing.zip"), DESTINATION)


def test_a_folder_given_as_an_archive_is_told_and_the_other_way_round(images):
    with pytest.raises(MedcnnError, match=r"set source\.kind=folder"):
        fetch(archive(images), DESTINATION)
    with pytest.raises(MedcnnError, match=r"set source\.kind=archive"):
        fetch(folder(images / "yes/a.png"), DESTINATION)


def test_a_folder_becomes_one_zip_with_every_file(images):
    receipt = fetch(folder(images), DESTINATION)
    assert receipt.name == "folder.zip"
    with zipfile.ZipFile(DESTINATION / "folder.zip") as packed:
        assert packed.namelist() == ["no/\N{LATIN SMALL LETTER E WITH ACUTE} b.png", "yes/a.png"]
        assert packed.read("yes/a.png") == b"yes/a.png"
        assert {member.compress_type for member in packed.infolist()} == {zipfile.ZIP_STORED}
        assert {member.date_time for member in packed.infolist()} == {(1980, 1, 1, 0, 0, 0)}


def test_a_folders_bytes_depend_on_names_and_contents_alone(images, tmp_path):
    first = fetch(folder(images), DESTINATION)
    twin = tmp_path / "twin"
    for path in sorted(images.rglob("*.png"), reverse=True):
        copy = twin / path.relative_to(images)
        copy.parent.mkdir(parents=True)
        copy.write_bytes(path.read_bytes())
        os.utime(copy, (0, 0))
        copy.chmod(0o600)
    assert fetch(folder(twin), DESTINATION).sha256 == first.sha256
    (twin / "yes/a.png").write_bytes(b"changed")
    assert fetch(folder(twin), DESTINATION).sha256 != first.sha256


def test_a_link_to_a_file_inside_is_read_as_a_file(images):
    (images / "no/again.png").symlink_to("../yes/a.png")
    fetch(folder(images), DESTINATION)
    with zipfile.ZipFile(DESTINATION / "folder.zip") as packed:
        assert packed.read("no/again.png") == b"yes/a.png"


@pytest.mark.parametrize("target", ["../../outside.png", "nowhere.png", "../yes", "/dev/null"])
def test_other_links_are_refused_by_name(images, tmp_path, target):
    (tmp_path / "outside.png").write_bytes(b"private")
    (images / "no/link.png").symlink_to(target)
    with pytest.raises(MedcnnError, match=r"no/link\.png is a link"):
        fetch(folder(images), DESTINATION)
    assert not Path("data").exists()
    assert not list(Path(".dvc").rglob("*.part"))


def test_an_empty_folder_and_the_project_itself_are_refused(project, tmp_path):
    (tmp_path / "empty").mkdir()
    with pytest.raises(MedcnnError, match="holds no files"):
        fetch(folder(tmp_path / "empty"), DESTINATION)
    with pytest.raises(MedcnnError, match="holds this project"):
        fetch(folder(project), DESTINATION)


def test_a_pipe_in_a_folder_is_refused_instead_of_waited_for(images):
    os.mkfifo(images / "yes/pipe")
    with pytest.raises(MedcnnError, match="yes/pipe is not a regular file"):
        fetch(folder(images), DESTINATION)


def test_a_tar_is_taken_too(images, tmp_path):
    with tarfile.open(tmp_path / "images.tar.gz", "w:gz") as packed:
        packed.add(images, "images")
    assert fetch(archive(tmp_path / "images.tar.gz"), DESTINATION).name == "images.tar.gz"


def test_the_phantom_is_the_same_every_time():
    source = PhantomSource(kind="phantom", patients=8, slices=2, image_size=32)
    first, second = (fetch(source, DESTINATION) for _ in range(2))
    assert first == second
    assert first.name == "phantom.zip"
    assert zipfile.is_zipfile(DESTINATION / "phantom.zip")


def test_a_full_disk_is_told_in_one_line():
    with (
        claim("anything") as partial,
        pytest.raises(MedcnnError, match="the disk is full"),
        _full_disk_explained(partial),
    ):
        Path("/dev/full").write_bytes(b"x")
    with claim("anything") as partial, pytest.raises(PermissionError), _full_disk_explained(partial):
        raise PermissionError(errno.EACCES, "denied")
