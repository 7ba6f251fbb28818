import hashlib
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from medcnn.core.errors import MedcnnError
from medcnn.download.fetching import fetch
from medcnn.download.url import file_name
from medcnn.params.sources import UrlSource
from tests.download.kaggle_server import SIGNATURE

pytestmark = [pytest.mark.usefixtures("project", "haste"), pytest.mark.network]


def source(server, **changes):
    sha256 = hashlib.sha256(server.archive).hexdigest()
    return UrlSource(**{"kind": "url", "url": server.file_url, "sha256": sha256, **changes})


def test_a_file_is_downloaded_under_its_own_name(server):
    receipt = fetch(source(server), Path("data/raw/scans"))
    assert Path("data/raw/scans/archive.zip").read_bytes() == server.archive
    assert (receipt.kind, receipt.name, receipt.version, receipt.licence) == ("url", "archive.zip", None, None)
    assert receipt.sha256 == hashlib.sha256(server.archive).hexdigest()
    # Compressed on the way, the announced size would not be the file's.
    assert server.downloads[0].headers["Accept-Encoding"] == "identity"


def test_a_cut_download_goes_on_where_it_was(server):
    server.faults = ["cut", "cut"]
    fetch(source(server), Path("data/raw/scans"))
    assert Path("data/raw/scans/archive.zip").read_bytes() == server.archive
    assert sum(seen.sent for seen in server.downloads) == len(server.archive)


def test_a_mended_checksum_does_not_cost_the_half_that_is_there(server):
    server.faults = ["cut"] * 99
    with pytest.raises(MedcnnError, match="bytes are kept"):
        fetch(source(server, sha256="0" * 64), Path("data/raw/scans"))
    server.faults.clear()
    server.seen.clear()
    fetch(source(server), Path("data/raw/scans"))
    assert server.downloads[0].sent < len(server.archive)


def test_a_wrong_checksum_is_told_with_both(server):
    got = hashlib.sha256(server.archive).hexdigest()
    with pytest.raises(MedcnnError, match=f"wrong sha256: expected {'0' * 64}, got {got}"):
        fetch(source(server, sha256="0" * 64), Path("data/raw/scans"))
    assert not Path("data").exists()


def test_a_missing_file_is_told_without_the_query_of_its_address(server):
    server.faults = ["404"]
    with pytest.raises(
        MedcnnError, match=r"files/archive\.zip: the server answered 404, there is no such file"
    ) as raised:
        fetch(source(server), Path("data/raw/scans"))
    assert SIGNATURE not in str(raised.value)


def test_user_and_password_of_an_address_stay_secret(server):
    server.faults = ["404"]
    secret = source(server, url=server.file_url.replace("localhost", "someone:hidden@localhost"))
    with pytest.raises(MedcnnError, match="404") as raised:
        fetch(secret, Path("data/raw/scans"))
    assert "hidden" not in str(raised.value)


def test_an_address_that_is_none_is_told(server):
    with pytest.raises(MedcnnError, match="check the address"):
        fetch(source(server, url="http://[half"), Path("data/raw/scans"))


def test_an_unknown_host_is_told(server):
    with pytest.raises(MedcnnError, match=r"no-such-host\.invalid/a\.zip: no connection: "):
        fetch(source(server, url="http://no-such-host.invalid/a.zip"), Path("data/raw/scans"))


def test_two_runs_at_once_do_not_write_into_one_file(server, capfd):
    server.faults = ["stall"]
    with ThreadPoolExecutor() as pool:
        receipts = [pool.submit(fetch, source(server), Path(f"data/raw/{name}")) for name in ("one", "two")]
    assert {receipt.result().sha256 for receipt in receipts} == {hashlib.sha256(server.archive).hexdigest()}
    assert Path("data/raw/one/archive.zip").read_bytes() == Path("data/raw/two/archive.zip").read_bytes()
    assert "waiting for another run" in capfd.readouterr().err


@pytest.mark.parametrize(
    ("url", "name"),
    [
        ("https://host/a/scans.tar.gz?download=1#top", "scans.tar.gz"),
        ("https://host/a/brain%20mri.zip", "brain mri.zip"),
        ("https://host/a/..%2F..%2Fevil.zip", "evil.zip"),
        ("https://host/a/%2E%2E", "archive"),
        ("https://host", "archive"),
        (f"https://host/{'x' * 300}.zip", "x" * 96 + ".zip"),
        (f"https://host/{'%E2%98%83' * 90}.zip", "\N{SNOWMAN}" * 32 + ".zip"),
        ("https://host/a%00b%0Ac.zip", "a\\x00b\\nc.zip"),
    ],
)
def test_the_file_name_comes_from_the_address_and_stays_in_its_folder(url, name):
    assert file_name(url) == name
