"""Fixtures that more than one test module uses."""

from __future__ import annotations

import io
import signal
import zipfile
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from medcnn.params import whole
from tests.lazy import Lazy

ROOT = Path(__file__).parent.parent


def pytest_itemcollected(item: pytest.Item) -> None:
    """Mark the tests of a module that has lazy modules: those are the ones that load TensorFlow."""
    if any(isinstance(value, Lazy) for value in vars(getattr(item, "module", None) or object).values()):
        item.add_marker("tensorflow")


@pytest.fixture(scope="session", autouse=True)
def signals() -> None:
    """Commands end on Ctrl-C and on a hangup, also where the tests run in the background or under nohup."""
    for number, handler in ((signal.SIGINT, signal.default_int_handler), (signal.SIGHUP, signal.SIG_DFL)):
        if signal.getsignal(number) == signal.SIG_IGN:
            signal.signal(number, handler)


@pytest.fixture
def root() -> Path:
    """The project's own folder."""
    return ROOT


@pytest.fixture(scope="session")
def settings() -> whole.Params:
    """The real params.yaml."""
    return whole.load(ROOT / "params.yaml")


def picture(seed: int, size: tuple[int, int] = (48, 40), mode: str = "L") -> Image.Image:
    """A smooth random picture, unlike that of any other seed."""
    rng = np.random.default_rng(seed)
    small = Image.fromarray(rng.integers(0, 256, (6, 6, 3), np.uint8))
    return small.resize(size, Image.Resampling.BICUBIC).convert(mode)


def encoded(image: Image.Image, kind: str = "PNG", **options: object) -> bytes:
    """The image as the bytes of a file."""
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def zipped(path: Path, members: Mapping[str, bytes]) -> Path:
    """A zip of the members."""
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return path
