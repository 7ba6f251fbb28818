"""One study from its images to the answer.

By ``dvc repro``, with what the run covers set in ``params.yaml`` until it ends, and not by ``dvc exp run -S``: that one
needs a commit and an identity for Git, and takes what else lies uncommitted into commits of its own, while ``repro``
runs as the files lie, which is what somebody has who just wrote a study. ``-S`` means the same in both: DVC's own
function applies it.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from dvc.exceptions import DvcException, InvalidArgumentError, NotDvcRepoError
from dvc.scm import SCMError
from dvc.utils.hydra import apply_overrides

from medcnn.core.errors import MedcnnError, ParamsError
from medcnn.params import changes, whole
from medcnn.params.shared.loading import load
from medcnn.report import facts
from medcnn.report.settings import Settings
from medcnn.running import answering, selecting
from medcnn.running.showing import Shown
from medcnn.runtime import locking, paths
from medcnn.runtime.children import Children, guarded
from medcnn.runtime.params_kept import params_kept, put_back
from medcnn.runtime.pipeline import Pipeline, Plan

_REPRO = (sys.executable, "-m", "dvc", "--wait-for-lock", "repro")
_REPORT = "report"


def run(study: str, models: Sequence[str], extra: Sequence[str], *, preset: str | None, dry: bool) -> None:
    """Run a study; ends with the exit code of ``dvc repro`` where that fails.

    ``params.yaml`` is as it was found when this returns, fails or is interrupted, or at the latest at its next call.

    Args:
        study: its name.
        models: what to train; the models of ``run`` where empty.
        extra: further changes ``key=value``, which win.
        preset: what to train instead, a name of ``PRESETS``.
        dry: print what would run.

    Raises:
        ParamsError: there is no such study or model, or a change that cannot be made.
        MedcnnError: this is no DVC project, or another study is running.
    """
    alone = locking.held(paths.state("study") / "lock", "runs a study in this project", wait=False)
    with alone as lock, guarded(lock) as children:
        if put_back():
            print(f"{paths.PARAMS} put back as it was before a run that was killed", file=sys.stderr)
        covered = selecting.covered(study, models, preset, whole.load())
        wanted = (*changes.assignments(covered), *extra)
        with params_kept([changes.key(change) for change in wanted]):
            plan = _planned(wanted)
            print("dvc repro, with params.yaml as by these flags of `dvc exp run`, until it ends:", flush=True)
            print(*(f"  -S '{change}'" for change in wanted), sep="\n", flush=True)
            if dry:
                print(*plan.order, sep="\n")
                return
            _reproduce(children, plan)
            print(*answering.lines(facts.gathered(study, load(Settings))), sep="\n")


def _planned(wanted: Sequence[str]) -> Plan:
    """Set what the run covers, and ask DVC what that makes it look at."""
    with _reasons_in_one_line():
        apply_overrides(paths.PARAMS, list(wanted))
        whole.load()
        return Pipeline().plan([])


def _reproduce(children: Children, plan: Plan) -> None:
    shown = Shown(plan.order, lambda line: print(line, flush=True))
    environment = {**os.environ, "PYTHONUNBUFFERED": "1"}
    streams = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True, "errors": "replace"}
    with children.started(_REPRO, env=environment, **streams) as child:
        for line in child.stdout or ():
            shown.line(line)
        code = child.wait()
    # The page shows timings and is no DVC out: where DVC took the rest from its cache, the page is still to be drawn.
    if not code and (_REPORT not in shown.ran or not paths.REPORT.exists()):
        code = children.call([sys.executable, "-m", "stages.report"])
    if code:
        print(
            f"stopped after {len(shown.ran)} stages, for the reason above; what ended before is kept", file=sys.stderr
        )
        sys.exit(code)


@contextmanager
def _reasons_in_one_line() -> Iterator[None]:
    try:
        yield
    except InvalidArgumentError as error:
        raise ParamsError(f"-S: {' '.join(str(error.__cause__ or error).split())}") from error
    except (NotDvcRepoError, SCMError) as error:
        raise MedcnnError(
            "this folder is no DVC project in a Git repository: run this in a clone of the project, or type "
            "`git init && dvc init` here"
        ) from error
    except DvcException as error:
        raise MedcnnError(f"DVC cannot read the pipeline: {' '.join(str(error).split())}") from error
