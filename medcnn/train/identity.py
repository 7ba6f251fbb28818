"""Which training a backup belongs to: the same code, settings, images and first weights."""

from __future__ import annotations

import hashlib
from pathlib import Path

import keras
import tensorflow as tf

from medcnn.core import files, processors, seeding
from medcnn.dataset import augment, pack
from medcnn.runtime import paths
from medcnn.train.task import Task

_CODE = (
    *sorted(Path(__file__).parent.glob("*.py")),
    *(Path(module.__file__ or "") for module in (augment, processors, seeding)),
)
"""Whatever decides the course of a training: an interrupted one goes on only with the same code."""


def identity(task: Task, model: keras.Model) -> str:
    """A name that only the same training by the same code, of the same network on the same data, has."""
    folder, (fold, repeat) = paths.prepared(task.study), task.cell
    parts = (
        task.settings.model_dump_json(),
        task.params.compute.model_dump_json(),
        task.params.seed,
        repeat,
        task.classes,
        task.params.augment[task.policy].model_dump_json() if task.policy else None,
        None if task.taught is None else task.taught.tolist(),
        task.rows[["image_id", "label", "split"]].to_numpy().tolist(),
        *(pack.digest(array) for array in (pack.images(folder), pack.views(folder))),
        *map(files.sha256, _CODE),
        model.to_json(),
        tf.__version__,
        keras.__version__,
    )
    digest = hashlib.sha256(repr(parts).encode())
    for array in model.get_weights():
        digest.update(array.tobytes())
    return f"{task.study}-{task.name}-{fold}-{repeat}-{digest.hexdigest()[:16]}"
