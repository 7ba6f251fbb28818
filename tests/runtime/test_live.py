from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from medcnn.core.errors import MedcnnError
from medcnn.runtime import live


def history(epochs: int) -> list[dict[str, object]]:
    lines = [(epoch, split) for epoch in range(1, epochs + 1) for split in ("train", "validation")]
    return [{"epoch": epoch, "split": split, "loss": 1 / epoch, "accuracy": 0.5} for epoch, split in lines]


def follow(last: int, first: int = 1) -> None:
    with live.followed("phantom", "simple"):
        for epoch in range(first, last + 1):
            live.show(history(epoch))


def test_unless_asked_for_nothing_is_written_or_loaded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv(live.WANTED, raising=False)
    monkeypatch.setitem(sys.modules, "dvclive", None)
    follow(2)
    assert not list(tmp_path.iterdir())


def test_a_training_that_goes_on_has_all_its_epochs_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("dvclive", reason="dvclive is not installed: pip install -r requirements-live.txt")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv(live.WANTED, "1")
    follow(2)
    follow(4, first=3)
    assert [path.name for path in tmp_path.iterdir()] == ["dvclive"]
    folder = tmp_path / "dvclive/phantom/simple"
    curve = (folder / "plots/metrics/validation/loss.tsv").read_text().split()
    assert curve[::2] == ["step", "1", "2", "3", "4"]
    assert json.loads((folder / "metrics.json").read_text())["train"] == {"loss": 0.25, "accuracy": 0.5}


def test_without_dvclive_one_line_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live.util, "find_spec", lambda name: None)
    with pytest.raises(MedcnnError, match=r"requirements-live\.txt"):
        live.ask()
