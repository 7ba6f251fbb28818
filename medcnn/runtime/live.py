"""Curves of a training while it runs, written by DVCLive beside the outs: no result depends on them.

On request alone: where the environment has ``MEDCNN_LIVE``, or ``medcnn run --live`` sets it.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from importlib import util
from pathlib import Path
from typing import Any

from medcnn.core.errors import MedcnnError

WANTED = "MEDCNN_LIVE"
FOLDER = Path("dvclive")
_FIGURES = ("loss", "accuracy")


class _Curves:
    """The curves of one training."""

    def __init__(self, live: Any) -> None:
        self._live, self._shown = live, 0

    def show(self, history: Sequence[Mapping[str, Any]]) -> None:
        """Add the epochs that are not shown yet: of a training that goes on after an end, those before it too."""
        for epoch in sorted({line["epoch"] for line in history if line["epoch"] > self._shown}):
            self._live.step = self._shown = epoch
            for line in (line for line in history if line["epoch"] == epoch):
                for figure in _FIGURES:
                    self._live.log_metric(f"{line['split']}/{figure}", float(line[figure]))
            self._live.make_summary()


_followed: list[_Curves] = []


def ask() -> None:
    """Have trainings of this process and of its children followed.

    Raises:
        MedcnnError: DVCLive is not installed.
    """
    _check()
    os.environ[WANTED] = "1"


@contextmanager
def followed(*names: str) -> Iterator[None]:
    """While a training runs, whose curves go to a folder of these names, if it has any and somebody asked for them.

    Raises:
        MedcnnError: DVCLive is not installed.
    """
    if not names or not os.environ.get(WANTED):
        yield
        return
    _check()
    from dvclive import Live

    # It would otherwise write into dvc.yaml, save an experiment and draw a report.
    with Live(str(FOLDER.joinpath(*names)), dvcyaml=None, save_dvc_exp=False, report=None) as live:
        _followed.append(_Curves(live))
        try:
            yield
        finally:
            _followed.pop()


def show(history: Sequence[Mapping[str, Any]]) -> None:
    """Bring the curves of the training that is followed, if one is, to its last epoch.

    Args:
        history: the lines of ``history.csv`` so far, one per epoch and part of the data.
    """
    for curves in _followed:
        curves.show(history)


def _check() -> None:
    if util.find_spec("dvclive") is None:
        raise MedcnnError(
            "live curves: dvclive is not installed; run `pip install -r requirements-live.txt` in this environment"
        )
