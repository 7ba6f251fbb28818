"""Raw data as it comes in practice and as an attacker would make it, through download, split and prepare."""

from __future__ import annotations

import bz2
import hashlib
import io
import json
import os
import resource
import socket
import stat
import struct
import subprocess
import sys
import tarfile
import threading
import unicodedata
import zipfile
import zlib
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from medcnn.dataset import manifest, pack
from medcnn.runtime import paths
from tests.conftest import encoded, picture
from tests.project import ROOT, run, shrink

pytestmark = pytest.mark.slow

STUDY = "brain_mri"
PLAIN = [f"{folder}/scan{index:02}.png" for folder in ("yes", "no") for index in range(12)]
ACCENT = unicodedata.normalize("NFC", "no/\N{LATIN SMALL LETTER E WITH ACUTE}.png")
AWKWARD = {
    "yes/a b  c.png": "yes/a b  c.png",
    'yes/it\'s "quoted", `id` $(id).png': 'yes/it\'s "quoted", `id` $(id).png',
    "yes/line\nbreak.png": "yes/line\\nbreak.png",
    "yes/return\r.png": "yes/return\\r.png",
    "yes/\x1b[2Jcleared.png": "yes/\\x1b[2Jcleared.png",
    "yes/turned \N{RIGHT-TO-LEFT OVERRIDE}gnp.exe.png": "yes/turned \\u202egnp.exe.png",
    "yes/-rf.PNG": "yes/-rf.PNG",
    "no/=SUM(A1).JPG": "no/=SUM(A1).JPG",
    "no/Case.png": "no/Case.png",
    "no/case.png": "no/case.png",
    "no/\N{CJK UNIFIED IDEOGRAPH-8166} \N{BRAIN}.JpEg": "no/\N{CJK UNIFIED IDEOGRAPH-8166} \N{BRAIN}.JpEg",
    ACCENT: ACCENT,
    unicodedata.normalize("NFD", ACCENT): unicodedata.normalize("NFD", ACCENT),
    f"no/{'x' * 240}.png": f"no/{'x' * 240}.png",
}
"""Names as they are packed, and as the manifest shows them."""

MEASURED = """
import os, subprocess, sys
child = subprocess.Popen(sys.argv[1:], stdout=subprocess.DEVNULL)
_, status, usage = os.wait4(child.pid, 0)
print(usage.ru_maxrss)
sys.exit(os.waitstatus_to_exitcode(status))
"""
"""Linux counts the memory of whoever starts a process into its peak, and a test may hold more than any stage."""


def contents() -> dict[str, bytes]:
    """A picture for every name, each unlike the others."""
    return {name: image(index, name) for index, name in enumerate([*PLAIN, *AWKWARD])}


def image(seed: int, name: str) -> bytes:
    return encoded(picture(seed, (24, 20)), "JPEG" if name.lower().endswith(("jpg", "jpeg")) else "PNG")


def project(folder: Path, **source: object) -> Path:
    """A project whose study has this source."""
    folder.mkdir(parents=True, exist_ok=True)
    small = {"images.size": 32, "images.views.count": 1, "labels.exclude": [], "split.folds": 2, "source": source}
    return shrink(folder, {f"studies.{STUDY}.{key}": value for key, value in small.items()})


def given(folder: Path, archive: Path) -> Path:
    return project(folder, kind="archive", path=str(archive))


def packed(path: Path, members: Iterable[tuple[str, bytes]]) -> Path:
    """A zip or a tar of the members, by the path's suffix."""
    if path.suffix == ".zip":
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            for name, data in members:
                archive.writestr(zipfile.ZipInfo(name), data, zipfile.ZIP_DEFLATED)
        return path
    with tarfile.open(path, "w:" + path.suffix[1:].replace("tar", "")) as archive:
        for name, data in members:
            member = tarfile.TarInfo(name)
            member.size = len(data)
            archive.addfile(member, io.BytesIO(data))
    return path


def prepared(folder: Path) -> dict[str, Any]:
    """Run the three stages; the rows of the manifest by path, checked against the prepared pixels."""
    for stage in ("download", "split", "prepare"):
        done = run(folder, f"stages.{stage}", STUDY)
        assert done.returncode == 0, done.stderr
        assert "Traceback" not in done.stderr
    rows = manifest.read(folder / paths.manifest(STUDY))
    used = rows[rows["status"] == manifest.USED]
    pixels = pack.images(folder / paths.prepared(STUDY))
    assert len(pixels) == len(used)
    return {row.path: row for row in rows.itertuples()}


def fails(folder: Path, stage: str, *before: str) -> str:
    """The one line of a stage that fails, with nothing half-made left behind."""
    for name in before:
        assert run(folder, f"stages.{name}", STUDY).returncode == 0
    done = run(folder, f"stages.{stage}", STUDY)
    line = done.stderr.splitlines()[-1]
    assert done.returncode == 1, done.stderr
    assert line.startswith("error: ")
    assert "Traceback" not in done.stderr
    left = [path for path in (folder / "data").rglob("*") if path.is_file() and "raw" not in path.parts]
    assert not left
    assert not list((folder / ".dvc").rglob("*.part"))
    return line


@pytest.fixture
def served(tmp_path: Path) -> Iterator[tuple[Path, str]]:
    """A folder, and the address where its files are."""
    folder = tmp_path / "served"
    folder.mkdir()
    handler = type("Quiet", (SimpleHTTPRequestHandler,), {"log_message": lambda *_: None})
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(handler, directory=str(folder)))
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    yield folder, f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


def source(kind: str, folder: Path, served: tuple[Path, str]) -> dict[str, object]:
    """The awkward images as a source of a kind."""
    members = contents()
    if kind == "folder":
        for name, data in members.items():
            path = folder / "my scans" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data)
        return {"kind": "folder", "path": str(folder / "my scans")}
    if kind in ("zip", "tar", "tar.xz"):
        path = packed(folder / f"my scans.{kind}".replace("tar.", "t"), members.items())
        return {"kind": "archive", "path": str(path)}
    path = packed(served[0] / "scans.zip", members.items())
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    return {"kind": "url", "url": f"{served[1]}/scans.zip", "sha256": digest}


@pytest.mark.parametrize("kind", ["folder", "zip", "tar", "url"])
def test_awkward_names_become_rows_one_each(tmp_path: Path, served: tuple[Path, str], kind: str) -> None:
    rows = prepared(project(tmp_path / "it's a project", **source(kind, tmp_path, served)))
    wanted = {AWKWARD.get(name, name): data for name, data in contents().items()}
    assert {path: row.sha256 for path, row in rows.items()} == {
        path: hashlib.sha256(data).hexdigest() for path, data in wanted.items()
    }
    assert {row.status for row in rows.values()} == {manifest.USED}
    assert all(row.label == ("tumour" if path.startswith("yes/") else "healthy") for path, row in rows.items())
    assert len({row.image_id for row in rows.values()}) == len(wanted)
    lines = (tmp_path / "it's a project" / paths.manifest(STUDY)).read_text(encoding="utf-8")
    assert len(lines.splitlines()) == len(wanted) + 1
    assert "\x1b" not in lines


def test_what_an_attacker_packs_into_a_zip_costs_that_image_alone(tmp_path: Path) -> None:
    good = contents()
    hostile = {
        "/etc/cron.d/yes.png": b"absolute",
        "../../yes/up.png": b"up",
        "C:\\yes\\drive.png": b"drive",
        f"yes/{'y' * 5000}.png": b"long",
        "yes/inner.zip": b"PK\x03\x04",
        "yes/empty.png": b"",
        "yes/states_less.png": good[PLAIN[0]],
        "yes/states_more.png": good[PLAIN[1]],
        "yes/bomb.png": inflating(10 << 30),
    }
    path = packed(tmp_path / "scans.zip", [(name, data) for name, data in good.items() if name in PLAIN])
    with zipfile.ZipFile(path, "a") as archive:
        for name, data in hostile.items():
            archive.writestr(zipfile.ZipInfo(name), data)
        link = zipfile.ZipInfo("yes/link.png")
        link.external_attr = (stat.S_IFLNK | 0o777) << 16
        archive.writestr(link, "/etc/passwd")
        windows = zipfile.ZipInfo("no\\windows.png")
        windows.create_system = 0
        archive.writestr(windows, image(98, "w.png"))
        with pytest.warns(UserWarning, match="Duplicate name"):
            archive.writestr(PLAIN[0], image(99, PLAIN[0]))
    restated(path, "yes/states_less.png", size=20)
    restated(path, "yes/states_more.png", size=1 << 20)
    restated(path, "yes/bomb.png", size=200 << 20, method=zipfile.ZIP_DEFLATED)

    folder = given(tmp_path / "project", path)
    assert run(folder, "stages.download", STUDY).returncode == 0
    _, peak = measured(folder, "split")
    rows = {row.path: row for row in manifest.read(folder / paths.manifest(STUDY)).itertuples()}
    assert {path for path, row in rows.items() if row.status == manifest.USED} == {*PLAIN, "no/windows.png"}
    assert rows[PLAIN[0]].sha256 == hashlib.sha256(image(99, PLAIN[0])).hexdigest()
    aside = {path: row.reason for path, row in rows.items() if row.status == manifest.SET_ASIDE}
    assert set(aside) == {"yes/empty.png", "yes/states_less.png", "yes/states_more.png", "yes/bomb.png"}
    assert aside["yes/empty.png"] == "unreadable: empty file"
    assert all(reason.startswith("unreadable: ") for reason in aside.values())
    doubts = json.loads((folder / paths.metrics("split", STUDY)).read_text())["doubts"]
    counts = [
        (doubt["kind"], doubt["count"]) for doubt in doubts if doubt["kind"] in {"entries_left_out", "archives_inside"}
    ]
    assert counts == [("entries_left_out", 1), ("entries_left_out", 4), ("entries_left_out", 1), ("archives_inside", 1)]
    assert [doubt["examples"] for doubt in doubts if doubt["kind"] == "archives_inside"] == [["yes/inner.zip"]]
    assert peak < 700 << 20
    assert run(folder, "stages.prepare", STUDY).returncode == 0


def test_links_and_devices_in_a_tar_are_never_followed(tmp_path: Path) -> None:
    path = packed(tmp_path / "scans.tar", [(name, data) for name, data in contents().items() if name in PLAIN])
    with tarfile.open(path, "a") as archive:
        for kind in (tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.FIFOTYPE, tarfile.CHRTYPE):
            special = tarfile.TarInfo(f"yes/special{kind.decode()}.png")
            special.type, special.linkname = kind, "/etc/passwd"
            archive.addfile(special)
        outside = tarfile.TarInfo("yes/../../up.png")
        archive.addfile(outside)
    folder = given(tmp_path / "project", path)
    assert sorted(prepared(folder)) == sorted(PLAIN)
    assert not (tmp_path / "up.png").exists()


def test_a_kilobyte_that_unfolds_to_ten_gigabytes_is_stopped_early(tmp_path: Path) -> None:
    member = tarfile.TarInfo("yes/bomb.png")
    member.size = 10 << 30
    zeros = bz2.compress(bytes(256 << 20))
    path = tmp_path / "scans.tar.bz2"
    path.write_bytes(bz2.compress(member.tobuf()) + zeros * 40)
    assert path.stat().st_size < 16_000
    folder = given(tmp_path / "project", path)
    # Whatever writes more than this to a file is killed.
    disk = 300 << 20
    (folder / "data/raw" / STUDY).mkdir(parents=True)
    (folder / "data/raw" / STUDY / path.name).write_bytes(path.read_bytes())
    said, peak = measured(folder, "split", lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (disk, disk)), code=1)
    assert "256 MiB" in said.splitlines()[-1]
    assert peak < 300 << 20
    assert not list((folder / ".dvc/tmp/medcnn/spool").iterdir())


def test_a_hundred_thousand_empty_entries_are_set_aside(tmp_path: Path) -> None:
    members = [(name, data) for name, data in contents().items() if name in PLAIN]
    path = packed(tmp_path / "scans.zip", members + [(f"yes/{index}.png", b"") for index in range(100_000)])
    folder = given(tmp_path / "project", path)
    assert run(folder, "stages.download", STUDY).returncode == 0
    _, peak = measured(folder, "split")
    statuses = manifest.read(folder / paths.manifest(STUDY))["status"].tolist()
    assert statuses.count(manifest.USED) == len(PLAIN)
    assert statuses.count(manifest.SET_ASIDE) == 100_000
    assert peak < 1 << 30


@pytest.mark.parametrize("fault", ["cut", "nested", "encrypted", "empty"])
def test_an_archive_that_cannot_be_used_is_one_line(tmp_path: Path, fault: str) -> None:
    path = packed(tmp_path / "scans.zip", [(name, data) for name, data in contents().items() if name in PLAIN])
    if fault == "cut":
        path.write_bytes(path.read_bytes()[:-200])
        line = fails(given(tmp_path / "project", path), "download")
        assert "scans.zip" in line and ".tar.xz" in line
        return
    if fault == "nested":
        path = packed(tmp_path / "outer.zip", [("inner\n1.zip", path.read_bytes())])
    elif fault == "encrypted":
        restated(path, PLAIN[3], flags=1)
    else:
        path = packed(tmp_path / "empty.zip", [])
    before = () if fault == "encrypted" else ("download",)
    line = fails(given(tmp_path / "project", path), "split" if before else "download", *before)
    named = {
        "nested": ("the 1 files", ": inner\\n1.zip;", "studies.brain_mri.labels.exclude", "studies.brain_mri.source"),
        "encrypted": ("scans.zip is encrypted",),
        "empty": ("studies.brain_mri", "the 0 files"),
    }
    assert all(name in line for name in named[fault]), line


@pytest.mark.parametrize("fault", ["socket", "loop", "unreadable"])
def test_a_folder_with_what_is_not_a_file_is_refused_by_name(tmp_path: Path, fault: str) -> None:
    strange = scans(tmp_path) / "yes" / "strange\n.png"
    if fault == "socket":
        with socket.socket(socket.AF_UNIX) as server:
            server.bind(str(strange))
    elif fault == "loop":
        strange.symlink_to(strange.name)
    else:
        strange.write_bytes(b"x")
        strange.chmod(0)
    folder = project(tmp_path / "project", kind="folder", path=str(tmp_path / "scans"))
    # Without the rights by which root reads whatever there is.
    unprivileged = ["setpriv", "--bounding-set=-dac_override,-dac_read_search"] if os.geteuid() == 0 else []
    done = subprocess.run(
        [*unprivileged, sys.executable, "-m", "stages.download", STUDY],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert {
        "socket": "strange\\n.png is not a regular file",
        "loop": "strange\\n.png is a link",
        "unreadable": "studies.brain_mri.source.path: ",
    }[fault] in done.stderr.splitlines()[-1]
    assert not (folder / "data").exists()


@pytest.mark.parametrize("fault", ["vanishes", "grows"])
def test_a_folder_that_changes_while_it_is_read_is_refused(tmp_path: Path, fault: str) -> None:
    last = scans(tmp_path) / PLAIN[-13]
    change = {"vanishes": "path.unlink(missing_ok=True)", "grows": "path.open('ab').write(b'more')"}[fault]
    hook = f"""
import pathlib, zipfile
original, path = zipfile.ZipFile.open, pathlib.Path({str(last)!r})
def changing(self, name, mode="r", *args, **kwargs):
    if mode == "w":
        {change}
    return original(self, name, mode, *args, **kwargs)
zipfile.ZipFile.open = changing
"""
    (tmp_path / "site").mkdir()
    (tmp_path / "site/sitecustomize.py").write_text(hook)
    folder = project(tmp_path / "project", kind="folder", path=str(tmp_path / "scans"))
    done = run(folder, "stages.download", STUDY, PYTHONPATH=f"{tmp_path / 'site'}{os.pathsep}{ROOT}")
    line = done.stderr.splitlines()[-1]
    assert done.returncode == 1
    wanted = "No such file or directory" if fault == "vanishes" else "changed while it was read"
    assert line.startswith("error: ") and str(last) in line and wanted in line
    assert not (folder / "data").exists()
    assert not list((folder / ".dvc").rglob("*.part"))


def scans(folder: Path) -> Path:
    """A folder of the plain images."""
    for name, data in contents().items():
        if name in PLAIN:
            path = folder / "scans" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data)
    return folder / "scans"


def inflating(size: int) -> bytes:
    """A deflate stream that unpacks to zeros: one compressed piece again and again."""
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    piece = packer.compress(bytes(1 << 26)) + packer.flush(zlib.Z_FULL_FLUSH)
    return piece * (size >> 26) + packer.flush()


def restated(path: Path, name: str, size: int | None = None, method: int | None = None, flags: int = 0) -> None:
    """Make a zip's directory state another size, method or flags for a member."""
    data = bytearray(path.read_bytes())
    entry = data.rindex(name.encode()) - 46
    assert data[entry : entry + 4] == b"PK\x01\x02"
    if size is not None:
        struct.pack_into("<I", data, entry + 24, size)
    if method is not None:
        struct.pack_into("<H", data, entry + 10, method)
    data[entry + 8] |= flags
    path.write_bytes(data)


def measured(folder: Path, stage: str, limits: Callable[[], None] | None = None, code: int = 0) -> tuple[str, int]:
    """Run a stage; what it said on standard error, and its peak memory in bytes."""
    done = subprocess.run(
        [sys.executable, "-c", MEASURED, sys.executable, "-m", f"stages.{stage}", STUDY],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        preexec_fn=limits,
        check=False,
    )
    assert done.returncode == code, done.stderr
    assert "Traceback" not in done.stderr
    return done.stderr, int(done.stdout) * 1024
