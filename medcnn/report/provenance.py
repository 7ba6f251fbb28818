"""Where a page comes from: the commit of the project, what differs from it, and the params of the run."""

from __future__ import annotations

import subprocess
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import Any

import yaml

from medcnn.core import files
from medcnn.params.sources import public
from medcnn.report import privacy
from medcnn.report.reproduction import Reproduction, reproduction
from medcnn.report.settings import Settings
from medcnn.runtime import paths
from medcnn.runtime.version import __version__

RESULTS = ("data", "dvc.lock", "docs", "metrics", "plots")
"""What the pipeline writes itself: it differs after every run, and says nothing about where a page comes from."""


@dataclass(frozen=True)
class Provenance:
    """Where a page comes from.

    Attributes:
        commit: that it was made at.
        changed: the files, results apart, that differ from the commit.
        reproduction: whether the results are those of the commit; None where the commit holds no results.
    """

    commit: str
    changed: tuple[str, ...]
    reproduction: Reproduction | None = None


@dataclass(frozen=True)
class Drawn:
    """When the page was drawn, which the pipeline's own outputs may not say.

    Attributes:
        when: in UTC.
        version: of medcnn.
        seconds: that the stages took when they last ran on this machine; 0 where that is not recorded.
    """

    when: datetime
    version: str
    seconds: float

    @property
    def duration(self) -> str:
        """The seconds in words."""
        minutes, seconds = divmod(round(self.seconds), 60)
        return f"{minutes} min {seconds} s" if minutes else f"{seconds} s"


def drawn_now(studies: Collection[str]) -> Drawn:
    """The page as drawn at this moment; the time of stages that are of all studies, or of one of these, counts."""
    record = paths.state("durations") / "items.json"
    known: dict[str, float] = files.read_json(record) if record.exists() else {}
    seconds = sum(took for item, took in known.items() if _study_of(item) in ("", *studies))
    return Drawn(datetime.now(timezone.utc), __version__, seconds)


def _study_of(item: str) -> str:
    return item.partition("@")[2].partition("-")[0]


def provenance(studies: Collection[str] = ()) -> Provenance | None:
    """Ask git about the project; None where it is no repository, or has no commit, or git is not installed.

    Args:
        studies: those whose results the page shows.
    """
    commit = _git("rev-parse", "HEAD")
    if commit is None:
        return None
    lines = _git("status", "--porcelain", "--", ".", *(f":(exclude){path}" for path in RESULTS)) or ""
    return Provenance(commit.strip(), tuple(line[3:] for line in lines.splitlines()), reproduction(studies))


def params_of_run(settings: Settings, study: str) -> str:
    """The part of ``params.yaml`` that this run of a study depends on, as YAML; what is not set is left out."""
    tree = settings.model_dump(mode="json")
    models = [*settings.run.models, *settings.run.chains.second]
    run = {
        "seed": tree["seed"],
        "run": tree["run"],
        "compute": settings.compute.model_dump(),
        "studies": {study: privacy.params(_shareable(tree["studies"][study]), settings.report.privacy)},
        "models": {model: settings.models[model].in_use() for model in dict.fromkeys(models)},
        "ensemble": tree["ensemble"],
        "evaluate": tree["evaluate"],
    }
    return yaml.safe_dump(_set(run), sort_keys=False, default_flow_style=None, allow_unicode=True, width=100)


def _shareable(study: dict[str, Any]) -> dict[str, Any]:
    """A study's block as a page may show it: without secrets in an address."""
    source = study["source"]
    url = {"url": public(source["url"])} if source.get("url") else {}
    labels = study["labels"] if study["labels"]["csv"]["file"] else study["labels"] | {"csv": None}
    return study | {"source": source | url, "labels": labels}


def _set(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _set(item) for key, item in value.items() if item is not None and item not in ([], {})}
    return [_set(item) for item in value] if isinstance(value, list) else value


def _git(*arguments: str) -> str | None:
    command: Sequence[str] = ("git", *arguments)
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=True)  # noqa: S603 (git)
    except (OSError, subprocess.CalledProcessError):
        return None
    return done.stdout
