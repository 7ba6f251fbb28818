from __future__ import annotations

import fcntl
import threading
from pathlib import Path

import pytest

from medcnn.runtime import children


@pytest.mark.parametrize("name", ["lock", "rwlock.lock", "exps/rwlock.lock"])
def test_nothing_is_interrupted_while_dvc_writes(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    path = Path(".dvc/tmp", name)
    path.parent.mkdir(parents=True)
    interrupted = threading.Event()

    def interrupt() -> None:
        with children._between_records():
            interrupted.set()

    with path.open("a") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        threading.Thread(target=interrupt).start()
        assert not interrupted.wait(0.1)
    assert interrupted.wait(10)
