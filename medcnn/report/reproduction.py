"""Whether the results here are those of the commit: what ``dvc.lock`` holds now against what Git has of it."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import yaml

from medcnn.core import processors
from medcnn.results.networks import Made
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
        file: the first output of the first of them that differs.
        origins: what computed the commit's results and those here, where both are known.
        others: how many items of the run the commit does not have.
    """

    same: int
    differing: tuple[str, ...]
    inputs_changed: bool
    file: str = ""
    origins: tuple[Made, Made] | None = None
    others: int = 0

    @property
    def known(self) -> bool:
        """Whether the commit has anything of the run to compare with."""
        return bool(self.same or self.differing)

    @property
    def verdict(self) -> str:
        """One line; where results differ it names the first item that does, and why it may."""
        if not self.known:
            return "not in the committed run"
        of = f"of {self.same + len(self.differing)} items of the commit"
        if not self.differing:
            others = f"; {self.others} more {'is' if self.others == 1 else 'are'} not in it" if self.others else ""
            return f"yes, all {self.same} items of the commit, byte for byte{others}"
        verb = "differs" if len(self.differing) == 1 else "differ"
        at = f" ({self.file})" if self.file else ""
        return f"no, {len(self.differing)} {of} {verb}, from {self.differing[0]}{at} on, {self._why}"

    @property
    def _why(self) -> str:
        if self.inputs_changed:
            return "whose code, params or data are not those of the commit"
        if self.origins is None:
            return "from the same inputs: another kind of CPU, or other versions of packages?"
        before, now = self.origins
        others = [
            f"{name} {now.packages.get(name, 'missing')} where the commit has {version}"
            for name, version in before.packages.items()
            if now.packages.get(name) != version
        ]
        if others:
            return f"from the same inputs with other packages: {', '.join(others)}"
        if before.processor != now.processor:
            return f"from the same inputs on another kind of CPU: {now.processor}, the commit's is {before.processor}"
        here = processors.kind(portable=False)
        return f"from the same inputs, packages and `compute.bytes: {now.bytes}`, which must not be; this CPU is {here}"


def reproduction(studies: Collection[str]) -> Reproduction | None:
    """Compare the items of some studies with those of the commit; None where there is no commit with a ``dvc.lock``."""
    committed = _committed(paths.LOCK)
    if committed is None or not paths.LOCK.exists():
        return None
    now = _items(paths.LOCK.read_text(encoding="utf-8"))
    stages = yaml.load(paths.PIPELINE.read_text(encoding="utf-8"), _LOADER)["stages"]  # noqa: S506 (a safe loader)
    wanted = {name: item for name, item in now.items() if _is_of(name, studies)}
    return replace(compared(_items(committed), wanted, tuple(stages)), origins=_origins(studies))


def compared(before: _Lock, now: _Lock, stages: Sequence[str]) -> Reproduction:
    """Compare the items that two states of ``dvc.lock`` have in common.

    Args:
        before: items of the commit, by name.
        now: items here.
        stages: names of the stages in the order of the pipeline.
    """
    place = {stage: index for index, stage in enumerate(stages)}
    common = [name for name in now if name in before]
    if all(_is_input(name) for name in common):
        return Reproduction(0, (), inputs_changed=False, others=len(now))
    others = len(now) - len(common)
    differing = [name for name in common if before[name].get("outs") != now[name].get("outs")]
    differing.sort(key=lambda name: place.get(name.partition("@")[0], len(place)))
    if not differing:
        return Reproduction(len(common), (), inputs_changed=False, others=others)
    old, new = (items[differing[0]] for items in (before, now))
    changed = _inputs(old) != _inputs(new)
    same = len(common) - len(differing)
    return Reproduction(same, tuple(differing), changed, _first_other(old, new), others=others)


def _first_other(before: Mapping[str, Any], now: Mapping[str, Any]) -> str:
    """The first output of an item that it did not have, or had with other bytes."""
    return next((str(out["path"]) for out in now.get("outs", ()) if out not in before.get("outs", ())), "")


def _origins(studies: Collection[str]) -> tuple[Made, Made] | None:
    """What computed the first training that both the commit and this folder have."""
    for path in (path for study in studies for path in sorted(paths.metrics_folder("train", study).glob("*.json"))):
        committed = _committed(path)
        before, now = (json.loads(text).get("made") for text in (committed or "{}", path.read_text(encoding="utf-8")))
        if before and now:
            return Made.model_validate(before), Made.model_validate(now)
    return None


def _inputs(item: Mapping[str, Any]) -> tuple[Any, Any]:
    return item.get("deps"), item.get("params")


def _is_of(name: str, studies: Collection[str]) -> bool:
    """Whether an item is of one of the studies, or of none, as pretrained weights are."""
    item = name.partition("@")[2]
    return _is_input(name) or any(item == study or item.startswith(f"{study}-") for study in studies)


def _is_input(name: str) -> bool:
    """Whether an item is of pretrained weights, which are the same in every run and tell nothing of this one."""
    return name.startswith("weights@")


def _items(lock: str) -> _Lock:
    items: dict[str, Any] = (yaml.load(lock, _LOADER) or {}).get("stages") or {}  # noqa: S506 (a safe loader)
    return {name: item for name, item in items.items() if any(_kept(item))}


def _kept(item: Mapping[str, Any]) -> Iterator[str]:
    return (out["path"] for out in item.get("outs", ()))


def _committed(path: Path) -> str | None:
    try:
        done = subprocess.run(["git", "show", f"HEAD:./{path}"], capture_output=True, text=True, check=True)  # noqa: S603, S607 (git)
    except (OSError, subprocess.CalledProcessError):
        return None
    return done.stdout
