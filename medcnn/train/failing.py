"""What a training is refused for, and what its failures mean, as keys of ``params.yaml``."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import pandas as pd

from medcnn.core.errors import MedcnnError
from medcnn.dataset import truths
from medcnn.train.task import Task


class DivergedError(MedcnnError):
    """A training whose numbers are no longer finite; the text names keys of the model's block."""


@contextmanager
def translate_errors(task: Task) -> Iterator[None]:
    """Name the keys of ``params.yaml`` that make a training fail.

    Raises:
        MedcnnError: the training diverged, or TensorFlow or NumPy ran out of memory.
    """
    try:
        yield
    except DivergedError as error:
        raise MedcnnError(f"models.{task.model}: {error}") from error
    except Exception as error:
        # TensorFlow's own kind is known by its name, as it may not be loaded.
        if not isinstance(error, MemoryError) and type(error).__name__ != "ResourceExhaustedError":
            raise
        model, size = task.model, task.params.studies[task.study].images.size
        raise MedcnnError(
            f"models.{model}: out of memory; lower models.{model}.batch_size (now {task.settings.batch_size}) or "
            f"studies.{task.study}.images.size (now {size}), or free memory and run the command again, which goes on "
            "after the last whole epoch"
        ) from error


def check_parts(rows: pd.DataFrame, classes: Sequence[str], where: str) -> None:
    """Refuse to train without an image of every class, or to choose epochs without a validation image.

    Raises:
        MedcnnError: it names the key path of the split.
    """
    training = truths.counted(rows["label"][rows["split"] == "train"])
    missing = [f"'{label}' images to train on" for label in classes if label not in training]
    missing += [] if (rows["split"] == "validation").any() else ["validation images"]
    if missing:
        raise MedcnnError(f"{where}: there are no {missing[0]}; give that part a larger share, or add images")
