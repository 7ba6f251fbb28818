"""``python -m tests.portable.work FOLDER BYTES``: each kind of stage on a small study, with the hash of each file.

All in one process, since TensorFlow takes minutes to start on an emulated processor. What a process starts would leave
the emulation, and nothing here starts one.
"""

from __future__ import annotations

import argparse
import shutil
from collections.abc import Sequence
from pathlib import Path

import stages  # noqa: F401 (before NumPy: it holds the libraries to what all processors have)
from medcnn.core import files
from medcnn.download.phantom.lesions import KINDS
from tests.project import SMALL_PHANTOM, shrink, stage

MODELS = ("tiny", "probe_lite0", "lite0_finetuned", "best_lite0")
NETWORKS = (*MODELS, "tiny_relay_chain", "tiny_folds", "tiny_distilled", "probe_lite0_folds")
ELSEWHERE = "chest_ct"
OTHER = {
    "title": "The same kind of images from elsewhere",
    "source": {"kind": "phantom", "patients": 24, "slices": 2, "image_size": 64, "seed": 8},
    "labels": {"classes": {name: name for name in ("healthy", *KINDS)}, "group": r"(patient_\d+)"},
    "split": {"kind": "stratified", "folds": 2},
    "images": {"size": 32},
}
STEPS = (
    *((name, study) for study in ("phantom", ELSEWHERE) for name in ("download", "split")),
    ("prepare", "phantom"),
    *(("weights", model) for model in MODELS),
    *(("train", "phantom", network) for network in NETWORKS),
    ("crossval", "phantom", "tiny", "1", "0"),
    *(("careless", "phantom", model) for model in MODELS),
    ("learning_curve", "phantom", "probe_lite0"),
    ("ensemble", "phantom"),
    ("evaluate", "phantom"),
    ("suspects", "phantom"),
    ("stress", "phantom", "tiny"),
    *(("export", "phantom", network) for network in NETWORKS),
    ("export_ensembles", "phantom"),
    ("external", "phantom", ELSEWHERE),
    ("explain", "phantom"),
    ("report",),
)
"""Training from scratch, a chain, a probe, means over folds and one network distilled from them, finetuning behind a
frozen backbone, a whole backbone with batch normalisation; and all that reads them."""
ALL = tuple(" ".join(step) for step in STEPS)
CHANGES = SMALL_PHANTOM | {
    "studies.phantom.split.folds": 3,
    f"studies.{ELSEWHERE}": OTHER,
    "run.models": list(MODELS),
    "run.careless": ["tiny"],
    "run.fold_ensembles": ["tiny", "probe_lite0"],
    "run.distil": ["tiny"],
    "run.learning_curve": ["probe_lite0"],
    "run.external": [ELSEWHERE],
    "run.chains.first": ["tiny"],
    "run.cascades.first": ["tiny"],
    "run.cascades.second": ["lite0_finetuned"],
    "run.stress": ["tiny"],
    "models.lite0_finetuned.epochs": 2,
    "models.lite0_finetuned.finetune.epochs": 1,
    "models.lite0_finetuned.finetune.unfreeze_from": 130,
    "models.best_lite0.epochs": 1,
    "models.best_lite0.warmup": 0,
    "models.best_lite0.frozen_norm": False,
    "models.relay.epochs": 2,
    "evaluate.resamples": 200,
    "benchmark.calibration.images": 8,
}


def main(folder: Path, kept: str, given: Path | None, beginnings: Sequence[str]) -> None:
    """Print ``step<TAB>file<TAB>hash`` of each file that a step wrote, as soon as it has.

    Args:
        folder: a new one.
        kept: ``compute.bytes``.
        given: the folder of another processor, whose files every step reads instead of those of the steps before it:
            a difference then shows at the step that makes it, and there alone.
        beginnings: of the steps to run, such as ``train`` or ``train phantom tiny``.
    """
    if given:
        shutil.copytree(given, folder, ignore=shutil.ignore_patterns(".dvc"))
    else:
        folder.mkdir(parents=True)
        shrink(folder, CHANGES | {"compute.bytes": kept})
    for step in chosen(beginnings):
        before = _written(folder)
        stage(folder, *step.split())
        for path in sorted(path for path, moment in _written(folder).items() if moment != before.get(path)):
            print(step, path, files.sha256(folder / path), sep="\t", flush=True)
            # A later step may have cleared it away there.
            if given and (given / path).exists():
                shutil.copy2(given / path, folder / path)


def chosen(beginnings: Sequence[str]) -> list[str]:
    """The steps that begin so, in the order in which they are asked for."""
    steps = (step for beginning in beginnings for step in ALL if f"{step} ".startswith(f"{beginning} "))
    return list(dict.fromkeys(steps))


def _written(folder: Path) -> dict[str, int]:
    """When each result was written last; the page shows timings, and is none."""
    results = (path for name in ("data", "metrics", "plots") for path in (folder / name).rglob("*") if path.is_file())
    return {
        str(path.relative_to(folder)): path.stat().st_mtime_ns for path in results if "plots/report" not in str(path)
    }


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=Path)
    parser.add_argument("kept", choices=["portable", "native"])
    parser.add_argument("--given", type=Path)
    parser.add_argument("--stages", nargs="*", default=ALL)
    options = parser.parse_args()
    main(options.folder, options.kept, options.given, options.stages)
