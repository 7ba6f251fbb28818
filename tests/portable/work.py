"""``python -m tests.portable.work FOLDER BYTES``: every kind of stage on a small study, with the hash of each file.

All in one process, since TensorFlow takes minutes to start on an emulated processor. What a process starts would leave
the emulation, and nothing here starts one.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path

import stages  # noqa: F401 (before NumPy: it holds the libraries to what all processors have)
from tests.project import SMALL_PHANTOM, shrink, stage

STEPS = (
    ("download", "phantom"),
    ("split", "phantom"),
    ("prepare", "phantom"),
    ("weights", "tiny"),
    ("train", "phantom", "tiny"),
    ("train", "phantom", "tiny_relay_chain"),
    ("crossval", "phantom", "tiny", "1", "0"),
    ("weights", "probe_lite0"),
    ("train", "phantom", "probe_lite0"),
    ("weights", "lite0_finetuned"),
    ("train", "phantom", "lite0_finetuned"),
    ("weights", "best_lite0"),
    ("train", "phantom", "best_lite0"),
    ("ensemble", "phantom"),
    ("evaluate", "phantom"),
    ("explain", "phantom"),
    ("stress", "phantom", "tiny"),
    ("export", "phantom", "tiny"),
    ("export", "phantom", "tiny_relay_chain"),
    ("export", "phantom", "probe_lite0"),
    ("export", "phantom", "lite0_finetuned"),
    ("export", "phantom", "best_lite0"),
    ("export_ensembles", "phantom"),
)
"""Training from scratch, a chain, a probe, finetuning behind a frozen backbone, a whole backbone with batch
normalisation; and all that reads them."""
CHANGES = SMALL_PHANTOM | {
    "run.models": ["tiny", "probe_lite0", "lite0_finetuned", "best_lite0"],
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


def main(folder: Path, kept: str) -> None:
    """Print ``stage<TAB>file<TAB>hash`` of each file that a step wrote, as soon as it has."""
    folder.mkdir(parents=True)
    shrink(folder, CHANGES | {"compute.bytes": kept})
    before = set(_files(folder))
    for name, *arguments in STEPS:
        stage(folder, name, *arguments)
        after = set(_files(folder))
        for path, digest in sorted(after - before):
            print(" ".join((name, *arguments)), path, digest, sep="\t", flush=True)
        before |= after


def _files(folder: Path) -> Iterator[tuple[str, str]]:
    for path in sorted(folder.rglob("*")):
        if path.is_file() and ".dvc" not in path.parts:
            yield str(path.relative_to(folder)), sha256(path.read_bytes()).hexdigest()


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2])
