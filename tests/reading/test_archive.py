import gzip
import io
import random
import struct
import tarfile
import tracemalloc
import zipfile
import zlib
from concurrent.futures import ThreadPoolExecutor

import pytest

from medcnn.core.errors import MedcnnError
from medcnn.reading import unfolding
from medcnn.reading.archive import UnreadableMemberError, open_archive, raw_archive

FORMATS = ["zip", "tar", "tar.gz", "tar.bz2", "tar.xz"]
AWKWARD = ["a b.png", 'it\'s "quoted".png', "\N{SNOWMAN}/\N{LATIN SMALL LETTER E WITH ACUTE}.png"]


def packed(path, members):
    """Write (name, bytes) pairs to an archive of the kind that the path's end names."""
    if path.name.endswith("zip"):
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file:
            for name, data in members:
                file.writestr(zipfile.ZipInfo(name), data, zipfile.ZIP_DEFLATED)
    else:
        with tarfile.open(path, "w:" + path.name.partition("tar.")[2]) as file:
            for name, data in members:
                member = tarfile.TarInfo(name)
                member.size = len(data)
                file.addfile(member, io.BytesIO(data))
    return path


@pytest.fixture(autouse=True)
def project(tmp_path, monkeypatch):
    """An empty project folder as the current one, for what a compressed tar is unfolded to."""
    folder = tmp_path / "project"
    folder.mkdir()
    monkeypatch.chdir(folder)


@pytest.fixture(params=FORMATS)
def path(request, tmp_path):
    return tmp_path / f"scans.{request.param}"


def test_files_are_listed_in_order_and_read_back(path):
    contents = {name: name.encode() * 500 for name in ["b/2.png", "a/1.png", *AWKWARD]}
    with open_archive(packed(path, contents.items())) as archive:
        assert archive.names() == sorted(contents)
        for name, data in contents.items():
            assert archive.read(name) == data
            assert archive.size(name) == len(data)


def test_names_that_point_outside_are_left_out(path):
    bad = ["/etc/passwd", "../up.png", "a/../../up.png", "C:/windows.png", "c:evil.png", "..", "a/.."]
    with open_archive(packed(path, [(name, b"x") for name in [*bad, "./a//ok.png", "..fine.png"]])) as archive:
        assert archive.names() == ["..fine.png", "a/ok.png"]
        assert archive.read("a/ok.png") == b"x"


def test_of_two_members_with_one_name_the_later_counts(path):
    with pytest.warns() if path.suffix == ".zip" else pytest.MonkeyPatch.context():
        packed(path, [("a.png", b"first"), ("a.png", b"second"), ("./a.png", b"third")])
    with open_archive(path) as archive:
        assert [(name, archive.read(name)) for name in archive.names()] == [("a.png", b"third")]


def test_a_name_that_is_not_there_is_told(path):
    packed(path, [("a.png", b"x")])
    with open_archive(path) as archive, pytest.raises(MedcnnError, match=r"'b\.png'"):
        archive.read("b.png")


def test_a_file_over_the_limit_is_refused_by_name(path):
    with open_archive(packed(path, [("big.png", bytes(1000)), ("small.png", bytes(10))])) as archive:
        with pytest.raises(UnreadableMemberError, match=r"'big\.png'.* 1000 .* 999"):
            archive.read("big.png", limit=999)
        assert archive.read("big.png", limit=1000) == bytes(1000)


def test_many_threads_read_at_once(path):
    contents = {f"{index}.png": random.Random(index).randbytes(20_000) for index in range(60)}
    with open_archive(packed(path, contents.items())) as archive, ThreadPoolExecutor(8) as pool:
        names = archive.names() * 3
        assert list(pool.map(archive.read, names)) == [contents[name] for name in names]


@pytest.mark.parametrize("kept", [0.1, 0.5, 0.9])
def test_an_archive_cut_off_is_one_line(path, kept):
    data = packed(path, [(f"{index}.png", random.Random(index).randbytes(5000)) for index in range(20)]).read_bytes()
    path.write_bytes(data[: int(len(data) * kept)])
    with pytest.raises(MedcnnError, match=path.name) as raised:
        open_archive(path)
    assert "\n" not in str(raised.value)


def test_no_damage_ends_in_anything_but_one_line(path):
    data = packed(path, [(f"{index}.png", random.Random(index).randbytes(300)) for index in range(5)]).read_bytes()
    draw = random.Random(0)
    for _ in range(150):
        damaged = bytearray(data)
        for _ in range(3):
            damaged[draw.randrange(len(data))] = draw.randrange(256)
        path.write_bytes(damaged)
        try:
            with open_archive(path) as archive:
                for name in archive.names():
                    archive.read(name, limit=1 << 20)
        except MedcnnError as error:
            assert str(path) in str(error)


@pytest.mark.parametrize("content", [b"", b"x" * 2000, b"PK\x03\x04nonsense", b"\x1f\x8b\x08nonsense"])
def test_what_is_not_an_archive_is_named(tmp_path, content):
    (tmp_path / "scans.zip").write_bytes(content)
    with pytest.raises(MedcnnError, match=r"scans\.zip"):
        open_archive(tmp_path / "scans.zip")


def test_folders_links_and_devices_are_left_out_of_a_tar(tmp_path):
    with tarfile.open(tmp_path / "scans.tar", "w") as file:
        for kind in (tarfile.DIRTYPE, tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.FIFOTYPE, tarfile.CHRTYPE):
            member = tarfile.TarInfo(f"special{kind.decode()}")
            member.type, member.linkname = kind, "/etc/passwd"
            file.addfile(member)
        file.addfile(tarfile.TarInfo("empty.png"))
    with open_archive(tmp_path / "scans.tar") as archive:
        assert archive.names() == ["empty.png"]


def test_folders_and_links_are_left_out_of_a_zip(tmp_path):
    link = zipfile.ZipInfo("link.png")
    link.external_attr = 0o120777 << 16
    with zipfile.ZipFile(tmp_path / "scans.zip", "w") as file:
        file.writestr("folder/", b"")
        file.writestr(link, b"/etc/passwd")
        file.writestr("empty.png", b"")
    with open_archive(tmp_path / "scans.zip") as archive:
        assert archive.names() == ["empty.png"]


def test_backslashes_of_windows_are_separators(tmp_path):
    with zipfile.ZipFile(tmp_path / "scans.zip", "w") as file:
        for name, system in (("yes\\a.png", 0), ("..\\up.png", 0), ("no\\b.png", 3)):
            member = zipfile.ZipInfo(name)
            member.create_system = system
            file.writestr(member, b"x")
    with open_archive(tmp_path / "scans.zip") as archive:
        assert archive.names() == ["no\\b.png", "yes/a.png"]


def test_bytes_that_are_no_text_are_spelled_out(tmp_path):
    path = packed(tmp_path / "scans.tar", [("caf\udce9.png", b"x")])
    with open_archive(path) as archive:
        assert archive.names() == ["caf\\xe9.png"]
        assert archive.read("caf\\xe9.png") == b"x"


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("line\nbreak.png", "line\\nbreak.png"),
        ("return\r.png", "return\\r.png"),
        ("\x1b[2Jclear.png", "\\x1b[2Jclear.png"),
        ("\u202egnp.exe", "\\u202egnp.exe"),
        ("\N{MAN}\N{ZERO WIDTH JOINER}\N{MICROSCOPE}.png",) * 2,
    ],
)
def test_what_would_break_a_line_or_a_terminal_is_spelled_out(path, name, shown):
    with open_archive(packed(path, [(name, b"x")])) as archive:
        assert archive.names() == [shown]
        assert archive.read(shown) == b"x"


def test_what_is_left_out_is_counted(path):
    with pytest.warns() if path.suffix == ".zip" else pytest.MonkeyPatch.context():
        packed(path, [("a.png", b"1"), ("a.png", b"2"), ("../up.png", b"3"), ("x" * 5000, b"4")])
    with open_archive(path) as archive:
        assert archive.names() == ["a.png"]
        assert archive.left_out == {
            "earlier files of the same name": 1,
            "files whose names point outside of the archive or are too long": 2,
        }


def lying(path, size):
    """Make a zip's directory state another size for its one member."""
    data = bytearray(path.read_bytes())
    struct.pack_into("<I", data, data.index(b"PK\x01\x02") + 24, size)
    path.write_bytes(data)
    return path


@pytest.mark.parametrize("stated", [10, 2_000_000])
def test_a_size_that_lies_is_told(tmp_path, stated):
    path = lying(packed(tmp_path / "scans.zip", [("a.png", b"x" * 1_000_000)]), stated)
    with open_archive(path) as archive, pytest.raises(UnreadableMemberError, match=r"'a\.png'"):
        archive.read("a.png")


def test_a_bomb_is_not_unpacked(tmp_path):
    path = lying(packed(tmp_path / "scans.zip", [("a.png", bytes(100_000_000))]), 1000)
    with open_archive(path) as archive:
        tracemalloc.start()
        with pytest.raises(UnreadableMemberError):
            archive.read("a.png", limit=1_000_000)
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
    assert peak < 4_000_000


def test_a_compressed_tar_that_unfolds_without_end_is_stopped(tmp_path, monkeypatch):
    monkeypatch.setattr(unfolding, "LIMIT", 10_000_000)
    path = packed(tmp_path / "scans.tar.gz", [("a.png", bytes(20_000_000))])
    with pytest.raises(MedcnnError, match="unfolds to more than"):
        open_archive(path)
    assert not list((tmp_path / "project").rglob("spool/*"))


def test_a_tar_header_without_end_is_not_read_into_memory(tmp_path):
    member = tarfile.TarInfo("././@LongLink")
    member.type, member.size = tarfile.GNUTYPE_LONGNAME, 100_000_000
    data = member.tobuf(tarfile.GNU_FORMAT) + bytes(member.size)
    (tmp_path / "scans.tar.gz").write_bytes(gzip.compress(data, 1))
    tracemalloc.start()
    with pytest.raises(MedcnnError, match="damaged"):
        open_archive(tmp_path / "scans.tar.gz")
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 10_000_000


def test_one_damaged_member_leaves_the_others_readable(tmp_path):
    path = packed(tmp_path / "scans.zip", [("a.png", b"a" * 1000), ("b.png", random.Random(0).randbytes(1000))])
    data = bytearray(path.read_bytes())
    data[data.index(b"b.png") + 500] ^= 0xFF
    path.write_bytes(data)
    with open_archive(path) as archive:
        assert archive.read("a.png") == b"a" * 1000
        with pytest.raises(UnreadableMemberError, match=r"'b\.png'"):
            archive.read("b.png")


def test_a_damaged_header_does_not_silently_drop_the_rest_of_a_tar(tmp_path):
    path = packed(tmp_path / "scans.tar", [("a.png", b"a" * 512), ("b.png", b"b" * 512)])
    data = bytearray(path.read_bytes())
    data[data.index(b"b.png") + 100] ^= 0xFF
    path.write_bytes(data)
    with pytest.raises(MedcnnError, match="damaged"):
        open_archive(path)


def test_an_encrypted_zip_is_told(tmp_path):
    data = bytearray(packed(tmp_path / "scans.zip", [("a.png", b"x")]).read_bytes())
    data[6] |= 1
    data[data.index(b"PK\x01\x02") + 8] |= 1
    (tmp_path / "scans.zip").write_bytes(data)
    with pytest.raises(MedcnnError, match=r"scans\.zip is encrypted"):
        open_archive(tmp_path / "scans.zip")


@pytest.mark.parametrize("method", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_other_zip_methods_are_read_too(tmp_path, method):
    data = zlib.compress(bytes(100)) * 5000
    with zipfile.ZipFile(tmp_path / "scans.zip", "w", method) as file:
        file.writestr("a.png", data)
    with open_archive(tmp_path / "scans.zip") as archive:
        assert archive.read("a.png") == data


def test_the_raw_archive_is_the_one_file_of_its_folder(tmp_path):
    folder = tmp_path / "raw"
    with pytest.raises(MedcnnError, match=" 0 "):
        raw_archive(folder)
    folder.mkdir()
    (folder / "a.zip").touch()
    assert raw_archive(folder) == folder / "a.zip"
    (folder / "b.zip").touch()
    with pytest.raises(MedcnnError, match=" 2 "):
        raw_archive(folder)
