"""What this machine and this folder have for a run, one line each, with what to do where something is missing."""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from medcnn.core.errors import MedcnnError
from medcnn.params import whole
from medcnn.runtime import paths

State = Literal["ok", "note", "fail"]
_SUPPORTED = ((3, 10), (3, 13))
_FREE_GB, _MEMORY_GB = 2.0, 3.0
"""What the default run needs at least."""


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at."""

    state: State
    what: str
    text: str

    @property
    def fails(self) -> bool:
        """Whether a run would fail for it."""
        return self.state == "fail"

    def __str__(self) -> str:
        return f"{self.state:<5} {self.what:<10} {self.text}"


def findings() -> list[Finding]:
    """Everything that was looked at; nothing here loads TensorFlow or goes to the network."""
    looks: tuple[Callable[[], Finding], ...] = (
        _python, _packages, _processors, _memory, _disk, _gpu, _params, _project, _kaggle,
    )  # fmt: skip
    return [look() for look in looks]


def _python() -> Finding:
    here = sys.version_info[:2]
    fits = _SUPPORTED[0] <= here <= _SUPPORTED[1]
    text = f"{here[0]}.{here[1]}"
    return Finding("ok", "Python", text) if fits else Finding("fail", "Python", f"{text}; use 3.10 to 3.13")


def _packages() -> Finding:
    wanted = ("tensorflow", "keras", "onnxruntime", "dvc", "sklearn")
    missing = [name for name in wanted if importlib.util.find_spec(name) is None]
    if missing:
        return Finding("fail", "packages", f"{', '.join(missing)} not installed; run `make install`")
    return Finding("ok", "packages", f"{', '.join(wanted)} installed")


def _processors() -> Finding:
    count = len(os.sched_getaffinity(0))
    if count == 1:
        return Finding("note", "processors", "1; a run takes about twice as long as on two")
    return Finding("ok", "processors", f"{count}; `make repro JOBS=2` runs two stages at a time")


def _memory() -> Finding:
    total = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1e9
    if total < _MEMORY_GB:
        return Finding("note", "memory", f"{total:.1f} GB; trainings may need {_MEMORY_GB:.0f} GB: lower `batch_size`")
    return Finding("ok", "memory", f"{total:.1f} GB")


def _disk() -> Finding:
    free = shutil.disk_usage(".").free / 1e9
    if free < _FREE_GB:
        return Finding("fail", "disk", f"{free:.1f} GB free here; make room for {_FREE_GB:.0f} GB, as by `dvc gc -w`")
    return Finding("ok", "disk", f"{free:.1f} GB free here")


def _gpu() -> Finding:
    # TensorFlow would say it too, after seconds; the driver's own files say it at once.
    if Path("/proc/driver/nvidia").exists():
        return Finding("note", "GPU", "NVIDIA found; its results differ in the last digits from those of a CPU")
    return Finding("ok", "GPU", "none found, and none needed for the default run")


def _params() -> Finding:
    try:
        studies = whole.load().run.studies
    except (MedcnnError, OSError) as error:
        return Finding("fail", "params", f"{error}; run this in a clone of the project, or correct the key")
    return Finding("ok", "params", f"{paths.PARAMS} is valid; it runs {', '.join(studies)}")


def _project() -> Finding:
    if not Path(".dvc").is_dir() or _git("rev-parse", "--git-dir") is None:
        return Finding("fail", "project", "no DVC project in a Git repository: run `git init && dvc init`, or clone it")
    if _git("rev-parse", "HEAD") is None:
        return Finding("note", "project", "no commit yet; `medcnn run` works, `compare` and experiments need one")
    changed = (_git("status", "--porcelain") or "").splitlines()
    if changed:
        counted = "1 file is" if len(changed) == 1 else f"{len(changed)} files are"
        return Finding("note", "project", f"{counted} not committed; the page says so, `git status` lists them")
    return Finding("ok", "project", "Git and DVC are set up, and everything is committed")


def _kaggle() -> Finding:
    files = [Path.home() / ".kaggle" / name for name in ("access_token", "kaggle.json")]
    named = "KAGGLE_API_TOKEN" in os.environ or {"KAGGLE_USERNAME", "KAGGLE_KEY"} <= os.environ.keys()
    if named or any(file.exists() for file in files):
        return Finding("ok", "Kaggle", "a token is set")
    return Finding("note", "Kaggle", "no token; studies from Kaggle need KAGGLE_API_TOKEN, your own images do not")


def _git(*arguments: str) -> str | None:
    try:
        done = subprocess.run(["git", *arguments], capture_output=True, text=True, check=True)  # noqa: S603, S607 (git)
    except (OSError, subprocess.CalledProcessError):
        return None
    return done.stdout
