"""TensorFlow's threads can be pinned only before its first work in a process, which may be one of these tests."""

import pytest

from medcnn.core.seeding import pin_tensorflow


@pytest.fixture(scope="package", autouse=True)
def _pinned() -> None:
    pin_tensorflow(0)
