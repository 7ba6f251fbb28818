"""One study from its images to the answer.

By ``dvc repro``, with what the run covers set in ``params.yaml`` until it ends, and not by ``dvc exp run -S``: that one
needs a commit and an identity for Git, and takes what else lies uncommitted into commits of its own, while ``repro``
runs as the files lie, which is what somebody has who just wrote a study. ``-S`` means the same in both: DVC's own
function applies it.
"""

from __future__ import annotations

from collections.abc import Sequence

from dvc.exceptions import InvalidArgumentError
from dvc.utils.hydra import apply_overrides

from medcnn.core.errors import ParamsError
from medcnn.params import changes, whole
from medcnn.running import fingerprint, reproducing, selecting
from medcnn.running.presets import PRESETS
from medcnn.runtime import paths
from medcnn.runtime.params_kept import params_kept
from medcnn.runtime.pipeline import Pipeline, one_line_reasons
from medcnn.runtime.side_by_side import Lanes
from medcnn.runtime.studying import alone


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
    with alone() as children:
        settings = whole.load()
        covered = selecting.covered(study, models, preset, settings)
        if preset:
            used = {name: settings.models[name] for name in PRESETS[preset].models}
            keys, reasons = fingerprint.fitted(study, used, fingerprint.seen(study))
            covered = {**covered, **keys}
            print(*(f"preset {preset}: {reason}" for reason in reasons), sep="\n", flush=True)
        wanted = (*changes.assignments(covered), *extra)
        with params_kept([changes.key(change) for change in wanted]):
            pipeline = _covering(wanted)
            print("dvc repro, with params.yaml as by these flags of `dvc exp run`, until it ends:", flush=True)
            print(*(f"  -S '{change}'" for change in wanted), sep="\n", flush=True)
            if dry:
                print(*pipeline.plan([]).order, sep="\n")
                return
            reproducing.reproduced(children, pipeline, Lanes(children, 1, share_cpus=False))


def _covering(wanted: Sequence[str]) -> Pipeline:
    """Set what the run covers; the pipeline that DVC makes of that."""
    with one_line_reasons():
        try:
            apply_overrides(paths.PARAMS, list(wanted))
        except InvalidArgumentError as error:
            raise ParamsError(f"-S: {' '.join(str(error.__cause__ or error).split())}") from error
        whole.load()
        pipeline = Pipeline()
        # DVC reads its files as late as here.
        pipeline.plan([])
        return pipeline
