import io
import random
import zipfile

import pytest

from medcnn.download import transfer
from tests.download.kaggle_server import Kaggle, serve

SIZE = 600_000


def small_archive(seed=0):
    """A zip of one file of random bytes."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as file:
        file.writestr(zipfile.ZipInfo("class/image.png"), random.Random(seed).randbytes(SIZE))
    return buffer.getvalue()


@pytest.fixture
def project(tmp_path, monkeypatch):
    """An empty project folder as the current one, and a home without credentials."""
    folder = tmp_path / "project"
    (tmp_path / "home").mkdir()
    folder.mkdir()
    monkeypatch.chdir(folder)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    for name in ("KAGGLE_API_TOKEN", "KAGGLE_USERNAME", "KAGGLE_KEY", "KAGGLE_API_ENVIRONMENT"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("KAGGLE_CONFIG_DIR", str(tmp_path / "home"))
    monkeypatch.setenv("NO_PROXY", "localhost,127.0.0.1")
    return folder


@pytest.fixture
def haste(monkeypatch):
    """The downloader in a hurry."""
    patience = transfer.Patience(connect=2, read=5, slowest=1024, attempts=3, backoff=0.01, longest_wait=5)
    monkeypatch.setattr(transfer, "PATIENCE", patience)


@pytest.fixture
def server():
    with serve(Kaggle(small_archive())) as running:
        yield running
