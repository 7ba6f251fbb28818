import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest

from medcnn.core.errors import MedcnnError
from medcnn.download import transfer
from medcnn.download.fetching import fetch
from medcnn.params.sources import KaggleSource
from tests.download.conftest import small_archive
from tests.download.kaggle_server import SIGNATURE

pytestmark = [pytest.mark.usefixtures("project", "haste"), pytest.mark.network]
TOKEN = "token-that-nobody-should-see"
DESTINATION = Path("data/raw/scans")
ALWAYS = 99


@pytest.fixture
def kaggle(server, monkeypatch):
    """The real client, signed in by token, on its way to the test's server."""
    from kagglesdk import kaggle_env

    server.token = TOKEN
    monkeypatch.setitem(kaggle_env._env_to_endpoint, kaggle_env.KaggleEnv.PROD, server.url)
    monkeypatch.setenv("KAGGLE_API_TOKEN", TOKEN)
    return server


@pytest.fixture
def signed_out(kaggle, monkeypatch):
    monkeypatch.delenv("KAGGLE_API_TOKEN")


def get(**changes):
    return fetch(KaggleSource(**{"kind": "kaggle", "dataset": "owner/slug", "version": 1, **changes}), DESTINATION)


def failure(capfd, **changes):
    """The one line of a failing fetch, which leaves nothing in data/ and tells no secret."""
    with pytest.raises(MedcnnError) as raised:
        get(**changes)
    line = str(raised.value)
    captured = capfd.readouterr()
    assert "\n" not in line
    assert not Path("data").exists()
    written = [path.read_text("latin-1") for path in Path().rglob("*") if path.is_file()]
    for text in (line, captured.out, captured.err, *written):
        assert TOKEN not in text
        assert SIGNATURE not in text
    return line


def downloaded():
    (path,) = DESTINATION.iterdir()
    return path.read_bytes()


def test_a_data_set_arrives_as_one_archive_with_its_receipt(kaggle, capfd):
    receipt = get()
    assert (receipt.name, receipt.bytes, receipt.version, receipt.licence) == (
        "slug.zip",
        len(kaggle.archive),
        1,
        "CC0-1.0",
    )
    assert downloaded() == kaggle.archive
    assert "100%" in capfd.readouterr().err
    assert not list(Path(".dvc").rglob("*.part"))


def test_the_token_is_not_sent_on_to_the_file_store(kaggle):
    get()
    assert [seen.headers.get("Authorization") for seen in kaggle.downloads] == [None]


@pytest.mark.parametrize("key", ["key", "wrong"])
@pytest.mark.usefixtures("signed_out")
def test_user_name_and_key_are_enough(kaggle, monkeypatch, capfd, key):
    monkeypatch.setenv("KAGGLE_USERNAME", "someone")
    monkeypatch.setenv("KAGGLE_KEY", key)
    if key == "key":
        get()
        assert downloaded() == kaggle.archive
    else:
        assert "401" in failure(capfd)


@pytest.mark.skipif(sys.version_info < (3, 11), reason="Python 3.10's client does not read this file")
@pytest.mark.usefixtures("signed_out")
def test_an_access_token_file_is_enough(kaggle, tmp_path):
    (tmp_path / "home/.kaggle").mkdir()
    (tmp_path / "home/.kaggle/access_token").write_text(TOKEN + "\n")
    get()
    assert downloaded() == kaggle.archive


def test_a_wrong_token_is_answered_with_where_to_get_one(kaggle, capfd):
    kaggle.token = "another"
    line = failure(capfd)
    assert "401" in line
    assert "https://www.kaggle.com/settings/api" in line


@pytest.mark.parametrize("status", ["401", "403"])
def test_a_refusal_names_token_terms_and_the_way_round(kaggle, capfd, status):
    kaggle.faults = [status]
    line = failure(capfd)
    assert status in line
    assert "https://www.kaggle.com/datasets/owner/slug" in line
    assert "-S studies.scans.source.kind=archive -S studies.scans.source.path=FILE.zip" in line


@pytest.mark.parametrize("wrong", [{"dataset": "owner/other"}, {"version": 7}])
def test_an_unknown_data_set_or_version_is_named(kaggle, capfd, wrong):
    line = failure(capfd, **wrong)
    assert f"{wrong.get('dataset', 'owner/slug')} version {wrong.get('version', 1)} does not exist" in line


@pytest.mark.usefixtures("signed_out")
def test_without_credentials_the_message_says_where_the_client_looks(capfd):
    line = failure(capfd)
    for place in (
        "KAGGLE_API_TOKEN",
        "KAGGLE_USERNAME",
        "KAGGLE_KEY",
        "~/.kaggle/access_token",
        "~/.kaggle/kaggle.json",
    ):
        assert place in line
    assert "-S studies.scans.source.path=FILE.zip" in line


@pytest.mark.parametrize("token", [f"{TOKEN}\n{TOKEN}", TOKEN + "\N{SNOWMAN}", TOKEN * 20])
def test_a_garbled_token_is_not_repeated(kaggle, monkeypatch, capfd, token):
    monkeypatch.setenv("KAGGLE_API_TOKEN", token)
    failure(capfd)
    assert not kaggle.downloads


def test_too_many_requests_are_waited_out(kaggle):
    kaggle.faults = ["429"]
    started = time.monotonic()
    get()
    assert time.monotonic() - started >= 1
    assert downloaded() == kaggle.archive


def test_a_long_wait_is_left_to_the_user(kaggle, capfd):
    kaggle.faults, kaggle.retry_after = ["429"], "3600"
    assert "3600 s" in failure(capfd)


@pytest.mark.parametrize("status", ["429", "500"])
def test_a_server_that_never_recovers_is_given_up(kaggle, capfd, status):
    kaggle.faults, kaggle.retry_after = [status] * ALWAYS, "0"
    line = failure(capfd)
    assert status in line
    assert "3 attempts" in line


def test_a_server_that_recovers_is_forgiven(kaggle):
    kaggle.faults = ["500", "500"]
    get()
    assert downloaded() == kaggle.archive


def test_a_cut_download_goes_on_where_it_was(kaggle):
    kaggle.faults = ["cut"]
    get()
    assert downloaded() == kaggle.archive
    half = len(kaggle.archive) // 2
    assert [seen.headers.get("Range") for seen in kaggle.downloads] == [None, f"bytes={half}-"]
    assert sum(seen.sent for seen in kaggle.downloads) == len(kaggle.archive)


def test_a_dropped_connection_is_survived(kaggle):
    kaggle.faults = ["reset"]
    get()
    assert downloaded() == kaggle.archive


def test_the_next_run_resumes_what_this_one_kept(kaggle, capfd):
    kaggle.faults = ["cut"] * ALWAYS
    line = failure(capfd)
    assert f" of {len(kaggle.archive)} bytes are kept" in line
    kaggle.faults.clear()
    kaggle.seen.clear()
    get()
    assert downloaded() == kaggle.archive
    (resumed,) = kaggle.downloads
    assert resumed.headers["If-Range"] == kaggle.etag
    assert resumed.sent < len(kaggle.archive) / 2


def test_without_etag_and_date_the_next_run_starts_anew(kaggle, capfd):
    kaggle.has_validators = False
    kaggle.faults = ["cut"] * ALWAYS
    failure(capfd)
    kaggle.faults.clear()
    kaggle.seen.clear()
    get()
    assert downloaded() == kaggle.archive
    assert [seen.headers.get("Range") for seen in kaggle.downloads] == [None]


def test_a_body_shorter_than_announced_is_never_taken_for_whole(kaggle, capfd):
    kaggle.faults = ["short"] * ALWAYS
    line = failure(capfd)
    assert f"{len(kaggle.archive) - 10} of {len(kaggle.archive)} bytes are kept" in line


@pytest.mark.parametrize("careless", [[], ["any-range"]])
def test_a_file_that_changes_in_between_is_not_glued_to_the_old_half(kaggle, careless):
    kaggle.faults, kaggle.replacement = ["change", *careless], small_archive(seed=1)
    get()
    assert downloaded() == small_archive(seed=1)


@pytest.mark.parametrize("fault", ["no-range", "wrong-range"])
def test_a_server_that_does_not_keep_to_the_range_is_asked_from_the_start(kaggle, fault):
    kaggle.faults = ["cut", fault]
    get()
    assert downloaded() == kaggle.archive


def test_attempts_that_make_progress_do_not_count(kaggle):
    kaggle.faults = ["cut"] * 3
    get()
    assert downloaded() == kaggle.archive


@pytest.mark.parametrize("fault", ["stall", "drip"])
def test_a_server_too_slow_is_given_up(kaggle, capfd, monkeypatch, fault):
    monkeypatch.setattr(transfer, "PATIENCE", replace(transfer.PATIENCE, read=0.4))
    kaggle.faults = [fault] * ALWAYS
    assert "the server is too slow" in failure(capfd)


def test_a_wrong_checksum_removes_the_download(kaggle, capfd):
    line = failure(capfd, sha256="0" * 64)
    assert f"expected {'0' * 64}, got " in line
    assert not list(Path(".dvc").rglob("*.part"))


def test_a_page_in_place_of_an_archive_is_told(kaggle, capfd):
    kaggle.archive = b"<html>please log in</html>"
    assert "slug.zip is not a whole zip or tar" in failure(capfd)


def test_a_server_that_is_away_is_told(kaggle, monkeypatch, capfd):
    from kagglesdk import kaggle_env

    monkeypatch.setitem(kaggle_env._env_to_endpoint, kaggle_env.KaggleEnv.PROD, "http://127.0.0.1:9")
    assert "Connection refused" in failure(capfd)
