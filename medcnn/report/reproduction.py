"""Whether the results here are those of the commit: what ``dvc.lock`` holds now against what Git has of it."""

from __future__ import annotations

import subprocess
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import yaml

from medcnn.runtime import paths

_Lock = Mapping[str, Mapping[str, Any]]
_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


@dataclass(frozen=True)
class Reproduction:
    """The items of a run (such as ``train@phantom-deep``) beside those of the commit.

    Attributes:
        same: how many items of both have the same outputs, byte for byte.
        differing: those that do not, in the order of the pipeline.
        inputs_changed: whether the first of them has other code, params or data than it had.
    """

    same: int
    differing: tuple[str, ...]
    inputs_changed: bool

    @property
    def verdict(self) -> str:
        """One line; where results differ it names the first item that does, and why it may."""
        if not self.same + len(self.differing):
            return "nothing to compare with: the commit has no results of this run"
        of = f"of {self.same + len(self.differing)} items of the commit"
        if not self.differing:
            return f"yes, all {self.same} items of the commit, byte for byte"
        if self.inputs_changed:
            why = "whose code, params or data are not those of the commit"
        else:
            why = "from the same inputs: another kind of CPU, or other versions of packages?"
        verb = "differs" if len(self.differing) == 1 else "differ"
        return f"no, {len(self.differing)} {of} {verb}, from {self.differing[0]} on, {why}"


def reproduction(studies: Collection[str]) -> Reproduction | None:
    """Compare the items of some studies with those of the commit; None where there is no commit with a ``dvc.lock``."""
    committed = _committed()
    if committed is None or not paths.LOCK.exists():
        return None
    now = _items(paths.LOCK.read_text(encoding="utf-8"))
    stages = yaml.load(paths.PIPELINE.read_text(encoding="utf-8"), _LOADER)["stages"]  # noqa: S506 (a safe loader)
    wanted = {name: item for name, item in now.items() if _is_of(name, studies)}
    return compared(_items(committed), wanted, tuple(stages))


def compared(before: _Lock, now: _Lock, stages: Sequence[str]) -> Reproduction:
    """Compare the items that two states of ``dvc.lock`` have in common.

    Args:
        before: items of the commit, by name.
        now: items here.
        stages: names of the stages in the order of the pipeline.
    """
    place = {stage: index for index, stage in enumerate(stages)}
    common = [name for name in now if name in before]
    differing = [name for name in common if before[name].get("outs") != now[name].get("outs")]
    differing.sort(key=lambda name: place.get(name.partition("@")[0], len(place)))
    changed = bool(differing) and _inputs(before[differing[0]]) != _inputs(now[differing[0]])
    return Reproduction(len(common) - len(differing), tuple(differing), changed)


def _inputs(item: Mapping[str, Any]) -> tuple[Any, Any]:
    return item.get("deps"), item.get("params")


def _is_of(name: str, studies: Collection[str]) -> bool:
    """Whether an item is of one of the studies, or of none, as pretrained weights are."""
    stage, _, item = name.partition("@")
    return stage == "weights" or any(item == study or item.startswith(f"{study}-") for study in studies)


def _items(lock: str) -> _Lock:
    items: dict[str, Any] = (yaml.load(lock, _LOADER) or {}).get("stages") or {}  # noqa: S506 (a safe loader)
    return {name: item for name, item in items.items() if any(_kept(item))}


def _kept(item: Mapping[str, Any]) -> Iterator[str]:
    return (out["path"] for out in item.get("outs", ()))


def _committed() -> str | None:
    try:
        done = subprocess.run(["git", "show", f"HEAD:./{paths.LOCK}"], capture_output=True, text=True, check=True)  # noqa: S603, S607 (git)
    except (OSError, subprocess.CalledProcessError):
        return None
    return done.stdout
