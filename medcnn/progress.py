"""Early stopping, learning-rate plateaus and backups as one small state that survives an interruption."""

from __future__ import annotations

import json
import shutil
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import keras
import numpy as np

from medcnn import files, seeding
from medcnn.console import MedcnnError
from medcnn.params import Model

STATE = "state.json"
LAST = "last.weights.h5"
BEST = "best.weights.h5"


@dataclass(frozen=True)
class Progress:
    """Where a training stands after ``epoch`` epochs; losses are those of the validation part."""

    learning_rate: float
    epoch: int = 0
    best_epoch: int = 0
    best_loss: float = float("inf")
    since_reduced: int = 0
    history: list[dict[str, Any]] = field(default_factory=list)

    def after(self, logs: dict[str, float], model: Model) -> Progress:
        """The state after one more epoch whose losses and accuracies are ``logs``."""
        epoch, loss = self.epoch + 1, logs["val_loss"]
        better = loss < self.best_loss
        waited = 0 if better else self.since_reduced + 1
        reduce = model.plateau is not None and waited >= model.plateau.patience
        return replace(
            self,
            epoch=epoch,
            best_epoch=epoch if better else self.best_epoch,
            best_loss=min(loss, self.best_loss),
            since_reduced=0 if reduce else waited,
            learning_rate=_reduced(self.learning_rate, model) if reduce else self.learning_rate,
            history=[*self.history, *_lines(epoch, logs, self.learning_rate)],
        )

    def finished(self, model: Model) -> bool:
        """Whether the epochs, or the patience, are used up."""
        return self.epoch >= model.epochs or self.epoch - self.best_epoch >= model.patience


class Watch(keras.callbacks.Callback):
    """Keeps ``Progress`` up to date, backs it up after every epoch, and restores the best weights at the end.

    The random state of dropout is set anew from (seed, epoch), so that a resumed training draws what an
    uninterrupted one would have drawn.
    """

    def __init__(self, settings: Model, seed: int, backup: Path) -> None:
        super().__init__()
        self.settings = settings
        self.seed = seed
        self.backup = backup
        self.progress = Progress(settings.learning_rate)

    def resume(self, model: keras.Model) -> None:
        """Load the newest whole backup, if there is one."""
        epochs = sorted(folder for folder in self.backup.glob("epoch_*") if (folder / STATE).exists())
        if epochs:
            self.progress = Progress(**json.loads((epochs[-1] / STATE).read_text()))
            model.optimizer.build(model.trainable_variables)
            model.load_weights(epochs[-1] / LAST)

    def on_epoch_begin(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        """Set the learning rate and the dropout seeds of this epoch."""
        self.model.optimizer.learning_rate = self.progress.learning_rate
        for position, layer in enumerate(self.model._flatten_layers()):
            generator = getattr(layer, "seed_generator", None)
            if generator is not None:
                state = seeding.derived(self.seed, "dropout", epoch, position).integers(2**31, size=2)
                generator.state.assign(state.astype(np.uint32))

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        """Note the epoch, back it up, and stop where patience is used up."""
        logs = logs or {}
        if not np.isfinite([logs["loss"], logs["val_loss"]]).all():
            raise MedcnnError(
                f"the loss is not a number in epoch {epoch + 1}; lower the learning rate "
                f"(now {self.progress.learning_rate:g})"
            )
        self.progress = self.progress.after(logs, self.settings)
        self._back_up()
        self.model.stop_training = self.progress.finished(self.settings)

    def restore_best(self, model: keras.Model) -> None:
        """Put the best epoch's weights into the model."""
        model.load_weights(self._folder(self.progress.epoch) / BEST)

    def forget(self) -> None:
        """Remove the backup; the training is over and its result is kept."""
        shutil.rmtree(self.backup, ignore_errors=True)

    def _back_up(self) -> None:
        # A folder that has its final name is whole: it was filled under another name.
        done, before = self._folder(self.progress.epoch), self._folder(self.progress.epoch - 1)
        filling = done.with_name(f"filling_{done.name}")
        shutil.rmtree(filling, ignore_errors=True)
        filling.mkdir(parents=True)
        self.model.save_weights(filling / LAST)
        improved = self.progress.best_epoch == self.progress.epoch
        shutil.copyfile(filling / LAST if improved else before / BEST, filling / BEST)
        files.write_text(filling / STATE, json.dumps(asdict(self.progress)))
        filling.rename(done)
        shutil.rmtree(before, ignore_errors=True)

    def _folder(self, epoch: int) -> Path:
        return self.backup / f"epoch_{epoch:04d}"


def _reduced(learning_rate: float, model: Model) -> float:
    if model.plateau is None:
        return learning_rate
    return max(learning_rate * model.plateau.factor, model.plateau.minimum)


def _lines(epoch: int, logs: dict[str, float], learning_rate: float) -> list[dict[str, Any]]:
    return [
        {
            "epoch": epoch,
            "split": split,
            "loss": float(logs[f"{prefix}loss"]),
            "accuracy": float(logs[f"{prefix}accuracy"]),
            "learning_rate": learning_rate,
        }
        for split, prefix in (("train", ""), ("validation", "val_"))
    ]
