from __future__ import annotations

import threading
import time
from pathlib import Path

import numpy as np
import pytest

from medcnn.train import backups
from medcnn.train.backups import Backup, State
from medcnn.train.stopping import Progress


def test_what_is_saved_is_found_again_until_it_is_forgotten(tmp_path: Path) -> None:
    backup = Backup(tmp_path / "study-model")
    progress = Progress(0.1, epoch=3, best_epoch=2, best=[-0.5], history=[{"epoch": 3, "loss": 0.1 + 0.2}])
    last = [np.arange(12, dtype=np.float32).reshape(3, 4), *(np.full(2, index) for index in range(11))]
    backup.save(1, State(progress, last, [np.zeros(2)]))
    saved = backup.load(1)
    assert saved is not None
    assert saved.progress == progress
    assert all(np.array_equal(one, other) for one, other in zip(saved.last, last, strict=True))
    assert [array.tolist() for array in saved.best] == [[0, 0]]
    assert backup.load(2) is None
    backup.forget()
    assert list(tmp_path.iterdir()) == []


def test_a_broken_backup_is_as_good_as_none(tmp_path: Path) -> None:
    backup = Backup(tmp_path / "study-model")
    backup.save(1, State(Progress(), [np.ones(1000)], []))
    path = next(tmp_path.iterdir())
    path.write_bytes(path.read_bytes()[:600])
    assert backup.load(1) is None


def test_a_second_run_of_the_same_training_waits_for_the_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    events: list[str] = []

    def second() -> None:
        with backups.claim("study-model"):
            events.append("second")

    thread = threading.Thread(target=second)
    with backups.claim("study-model"), backups.claim("study-other"):
        thread.start()
        said, deadline = "", time.monotonic() + 10
        while not said and time.monotonic() < deadline:
            said = capsys.readouterr().err
        events.append("first")
    thread.join()
    assert said.startswith("waiting ") and said.count("\n") == 1
    assert events == ["first", "second"]
