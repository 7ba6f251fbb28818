"""Run the stages ``weights`` and ``train`` on a small prepared study, and look at what they wrote."""

from __future__ import annotations

from hashlib import sha256
from pathlib import Path

import numpy as np

from medcnn.dataset import folds, manifest
from medcnn.grouping import dealing
from medcnn.params import whole
from medcnn.runtime import paths
from medcnn.split import placing
from tests.project import SIZE, prepared_study, shrink, stage

CLASSES = ("healthy", "nodule", "spiculated", "ground_glass")
STATE = ".dvc/tmp/medcnn"
SHRUNK = {
    "studies.phantom.images.size": SIZE,
    "studies.phantom.images.views.policy": "light",
    "models.tiny.epochs": 150,
    "models.tiny.patience": 150,
    "models.tiny.preprocessing": "adapted",
    "models.tiny.loss": "focal",
    "models.tiny.optimizer": "lion",
    "models.tiny.monitor": "accuracy",
    "models.lite0.epochs": 8,
    "models.lite0_finetuned.epochs": 8,
    "models.lite0_finetuned.finetune.epochs": 3,
    "models.lite0_finetuned.finetune.learning_rate": 0.0003,
    "models.lite0_finetuned.finetune.unfreeze_from": 110,
    "models.relay.epochs": 2,
    # All that a recipe can have, at once.
    "models.best_lite0.epochs": 6,
    "models.best_lite0.patience": 6,
    "models.best_lite0.mixup": 0.4,
    "models.best_lite0.cutmix": 1.0,
    "models.best_lite0.clip_norm": 1.0,
    "models.best_lite0.layer_decay": 0.7,
    "models.best_lite0.sampler": "balanced",
    "models.best_lite0.monitor": "auroc",
    "augment.gentle.elastic": 0.05,
    "augment.gentle.contrast": [0.8, 1.2],
    "augment.gentle.gamma": [0.8, 1.2],
    "augment.gentle.noise": 0.05,
    "augment.gentle.cutout": 0.2,
}


def project(folder: Path, **changes: object) -> Path:
    """A folder in which training can begin; ``__`` stands for the dots of a key path."""
    folder.mkdir(exist_ok=True)
    shrink(folder, SHRUNK | {key.replace("__", "."): value for key, value in changes.items()})
    prepared_study(folder, "phantom", CLASSES)
    return folder


def folded(folder: Path) -> Path:
    """Deal the images of a prepared project to folds, as ``split`` would have."""
    path, settings = folder / paths.manifest("phantom"), whole.load(folder / "params.yaml")
    rows = manifest.read(path)
    tested, groups = (rows["split"] == "test").to_numpy(), np.arange(len(rows))
    rows = rows.assign(fold=dealing.folds(groups, rows["label"], tested, 4, settings.seed))
    manifest.write(path, rows)
    parts = placing.folded(rows, groups, settings.study("phantom"), settings.seed)
    careless = placing.careless(rows, settings.seed)
    folds.write(folder / paths.folds("phantom"), parts.assign(fold_careless=careless.array))
    return folder


def trained(folder: Path, model: str) -> Path:
    """Train a model; returns the folder."""
    stage(folder, "weights", model)
    stage(folder, "train", "phantom", model)
    return folder


def digests(folder: Path) -> dict[str, str]:
    """The hashes of all files that the stages wrote, without those of the state folder."""
    outputs = [path for path in folder.rglob("*") if path.is_file() and ".dvc" not in path.parts]
    return {str(path.relative_to(folder)): sha256(path.read_bytes()).hexdigest() for path in outputs}


def features(folder: Path) -> dict[Path, int]:
    """The cached features, and when each was written."""
    return {path: path.stat().st_mtime_ns for path in (folder / STATE / "features").glob("*.npy")}
