"""A study as published: the settings that make a run of exactly its models, and both of its splits in turn."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, NoReturn

from medcnn import layout, params
from medcnn.console import MedcnnError, ParamsError
from medcnn.params import Params
from medcnn.workspace import alone, mend, params_kept


def assignments(study: str, settings: Params) -> tuple[str, ...]:
    """What to set in ``params.yaml`` so that a run covers the models that a study published, ``key=value`` each.

    Raises:
        ParamsError: there is no such study, or it has no list of published models.
    """
    published = settings.study(study).published
    if published is None:
        choices = ", ".join(name for name, block in settings.studies.items() if block.published)
        raise ParamsError(f"{layout.PARAMS}: studies.{study}.published is empty; choose from {choices}")
    listed = {"studies": (study,), "models": published.models, "chains.first": published.chains.first}
    if published.chains.second:
        listed["chains.second"] = published.chains.second
    listed["cascades.first"] = ()
    return tuple(f"run.{key}=[{','.join(names)}]" for key, names in listed.items())


def flags(changes: Sequence[str]) -> list[str]:
    """The changes as flags of ``dvc exp run``; of two changes of one key, the later counts."""
    return [word for change in changes for word in ("-S", change)]


def _key(change: str) -> str:
    """The key path of a change; Hydra's ``+key=value`` adds one and ``~key`` takes one away."""
    return change.partition("=")[0].lstrip("+~")


def run_both(study: str, extra: Sequence[str]) -> None:
    """Run a study on the split as published, then on its honest split, with the table and the page after each.

    ``params.yaml`` is as it was found when this returns, fails or is interrupted, or at the latest at its next call.

    Args:
        study: its name.
        extra: further changes ``key=value``, which win over those of the study.

    Raises:
        MedcnnError: the study has no honest split, a command failed, or another study is running.
    """
    key = f"studies.{study}.split.on_leak"
    with _hangups_interrupt(), alone() as lock:
        if mend():
            print(f"{layout.PARAMS} put back as it was before a study that was killed", file=sys.stderr)
        settings = params.load()
        for on_leak in ("keep", _honest(study, settings)):
            changes = (*assignments(study, settings), *extra, f"{key}={on_leak}")
            with params_kept([_key(change) for change in changes]):
                print(f"{study}: {key}={on_leak}", flush=True)
                _call(lock, "dvc", "exp", "run", *flags(changes))
                _call(lock, "stages.published")
                _call(lock, "stages.report")


def _honest(study: str, settings: Params) -> str:
    on_leak = settings.study(study).split.on_leak
    if on_leak == "keep":
        raise ParamsError(
            f"{layout.PARAMS}: studies.{study}.split.on_leak: 'keep' is the split as published; set drop_from_train "
            "or regroup, to have an honest one beside it"
        )
    return on_leak


def _call(lock: int, module: str, *arguments: str) -> None:
    """Run a module in a session of its own: an interrupt is passed on to all of it, and it is waited for.

    It inherits the lock, which so outlives this process where that is killed.
    """
    command = [sys.executable, "-m", module, *arguments]
    child = subprocess.Popen(command, start_new_session=True, pass_fds=[lock])  # noqa: S603
    try:
        code = child.wait()
    except KeyboardInterrupt:
        os.killpg(child.pid, signal.SIGINT)
        child.wait()
        raise
    if code:
        shown = " ".join((module, *arguments[:2]))
        raise MedcnnError(f"`{shown}` ended with {code}, for the reason above; {layout.PARAMS} is as it was")


@contextmanager
def _hangups_interrupt() -> Iterator[None]:
    """A closed terminal and ``kill`` end a run as Ctrl-C does, also one in the background, where Ctrl-C is ignored."""
    earlier = {name: signal.signal(name, _interrupt) for name in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)}
    try:
        yield
    finally:
        for name, handler in earlier.items():
            signal.signal(name, handler)


def _interrupt(*_: Any) -> NoReturn:
    raise KeyboardInterrupt
