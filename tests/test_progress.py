from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from medcnn.console import MedcnnError
from medcnn.params import Model, Params, Plateau
from medcnn.progress import Progress, Watch
from medcnn.seeding import pin_tensorflow


@pytest.fixture
def model(settings: Params) -> Model:
    plateau = Plateau(factor=0.1, patience=2, minimum=1e-3)
    return settings.model("tiny").model_copy(update={"epochs": 20, "patience": 5, "plateau": plateau})


def after(model: Model, losses: list[float]) -> Progress:
    progress = Progress(model.learning_rate)
    for loss in losses:
        progress = progress.after({"loss": 1.0, "accuracy": 0.5, "val_loss": loss, "val_accuracy": 0.5}, model)
    return progress


def test_the_best_epoch_is_the_first_with_the_lowest_validation_loss(model: Model) -> None:
    progress = after(model, [1.0, 0.5, 0.7, 0.5])
    assert (progress.epoch, progress.best_epoch, progress.best_loss) == (4, 2, 0.5)


def test_patience_counts_from_the_best_epoch(model: Model) -> None:
    assert not after(model, [0.5] + [0.9] * 4).finished(model)
    assert after(model, [0.5] + [0.9] * 5).finished(model)
    assert after(model, [1 / epoch for epoch in range(1, 21)]).finished(model)


def test_a_plateau_lowers_the_learning_rate_and_waits_again(model: Model) -> None:
    rates = [after(model, [0.5] + [0.9] * waited).learning_rate for waited in range(5)]
    assert rates == pytest.approx([0.01, 0.01, 0.001, 0.001, 0.001])


def test_the_history_has_the_rate_that_the_epoch_was_trained_with(model: Model) -> None:
    history = after(model, [0.5, 0.9, 0.9, 0.9]).history
    assert [line["learning_rate"] for line in history if line["split"] == "train"] == pytest.approx(
        [0.01] * 3 + [0.001]
    )
    assert [line["loss"] for line in history if line["split"] == "validation"] == [0.5, 0.9, 0.9, 0.9]


@pytest.mark.slow
def test_a_loss_that_is_no_number_stops_the_training_with_its_cause(model: Model, tmp_path: Path) -> None:
    pin_tensorflow(1)
    import keras

    network = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
    network.compile("sgd", "mse", metrics=["accuracy"])
    inputs, targets = np.full((4, 2), np.nan, np.float32), np.zeros((4, 1), np.float32)
    watch = Watch(model, 1, tmp_path)
    with pytest.raises(MedcnnError, match=r"not a number in epoch 1; lower the learning rate \(now 0\.01\)"):
        network.fit(inputs, targets, validation_data=(inputs, targets), verbose=0, callbacks=[watch])
    assert list(tmp_path.iterdir()) == []
