from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from medcnn.core.errors import MedcnnError
from medcnn.params.shared.models import Model
from medcnn.params.whole import Params
from medcnn.train.backups import Backup
from medcnn.train.batches import Batches, Pixels, Validation
from medcnn.train.stopping import Phase, Progress
from tests.lazy import lazy

keras = lazy("keras")
fitting = lazy("medcnn.train.fitting")
learning = lazy("medcnn.train.learning")
losses = lazy("medcnn.train.losses")
tf = lazy("tensorflow")


@pytest.mark.parametrize("optimizer", ["adam", "adamw", "lion", "rmsprop", "sgd"])
def test_every_optimizer_learns_what_can_be_learnt(optimizer: str, settings: Params, tmp_path: Path) -> None:
    data, phase = problem(settings, 0.05)
    learner = learning.Learner(
        network(), recipe(settings, optimizer=optimizer), losses.cross_entropy, data.validation.everything.dtype
    )
    progress = fitting.fit(learner, data, phase, Progress(), Backup(tmp_path / "backup"))
    assert learner.measure(data.validation).accuracy > 0.9
    assert progress.history[-1]["loss"] < progress.history[1]["loss"]


def test_a_phase_that_never_improves_leaves_the_weights_as_they_were(settings: Params, tmp_path: Path) -> None:
    data, phase = problem(settings, 0.02)
    net = network()
    before = [weight.copy() for weight in net.get_weights()]
    unbeatable = Progress(epoch=3, best_epoch=2, best=[0.0])
    later = Phase(2, phase.settings, 0.02, 3, 5)
    learner = learning.Learner(net, recipe(settings), losses.cross_entropy, data.validation.everything.dtype)
    assert fitting.fit(learner, data, later, unbeatable, Backup(tmp_path / "backup")).best_epoch == 2
    assert all(np.array_equal(one, other) for one, other in zip(before, net.get_weights(), strict=True))


def test_a_loss_that_is_no_number_stops_the_training_with_its_cause(settings: Params, tmp_path: Path) -> None:
    data, phase = problem(settings, 0.01)
    broken = np.full_like(data.validation.everything, np.nan)
    inputs = Pixels(broken, range(40), [""] * 40, None, 1)
    data = fitting.Data(Batches(inputs, data.training.labels, data.training.sample_weights, 8, 1), data.validation)
    with pytest.raises(MedcnnError, match=r"epoch 1\b.* learning_rate \(now 0\.01\)"):
        learner = learning.Learner(network(), recipe(settings, optimizer="sgd"), losses.cross_entropy, broken.dtype)
        fitting.fit(learner, data, phase, Progress(), Backup(tmp_path / "backup"))
    assert list(tmp_path.iterdir()) == []


def test_an_epoch_that_was_shown_is_not_trained_again(
    settings: Params, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    data, phase = problem(settings, 0.02)

    def shown() -> list[int]:
        learner = learning.Learner(network(), recipe(settings), losses.cross_entropy, np.dtype(np.float32))
        fitting.fit(learner, data, phase, Progress(), Backup(tmp_path / "backup"))
        return epochs()

    def epochs() -> list[int]:
        return [
            int(epoch) for epoch in re.findall(r"Epoch (\d+)/40: loss .+; validation loss ", capsys.readouterr().out)
        ]

    save, kept = Backup.save, []

    def failing(backup: Backup, *arguments: Any) -> None:
        if len(kept) == 3:
            raise OSError("no space left")
        kept.append(save(backup, *arguments))

    with monkeypatch.context() as patched, pytest.raises(OSError, match="no space"):
        patched.setattr(Backup, "save", failing)
        shown()
    assert epochs() == [1, 2, 3]
    assert shown() == list(range(4, 41))


def recipe(settings: Params, **changes: Any) -> Model:
    return settings.model("tiny").model_copy(update={"epochs": 40, "patience": 40, **changes})


def network() -> keras.Model:
    keras.utils.set_random_seed(1)
    vector = keras.Input((2,))
    return keras.Model(vector, keras.layers.Dense(1, "sigmoid")(keras.layers.Dropout(0.1)(vector)))


def problem(settings: Params, learning_rate: float) -> tuple[fitting.Data, Phase]:
    """Points on either side of a line."""
    points = np.random.default_rng(0).normal(size=(40, 2)).astype(np.float32)
    labels = (points.sum(axis=1) > 0).astype(np.int64)
    inputs = Pixels(points, range(40), [""] * 40, None, 1)
    training = Batches(inputs, labels, np.ones(40, np.float32), 8, 1)
    validation = Validation(points, labels, range(40), 16)
    return fitting.Data(training, validation), Phase(1, recipe(settings), learning_rate, 0, 40)
