from __future__ import annotations

from itertools import pairwise

import pytest

from medcnn.params.shared.models import Model, Plateau
from medcnn.params.whole import Params
from medcnn.train.stopping import Figures, Phase, Progress

TRAIN = Figures(1.0, 0.5)


@pytest.fixture
def model(settings: Params) -> Model:
    plateau = Plateau(factor=0.1, patience=2, minimum=1e-3)
    return settings.model("tiny").model_copy(update={"epochs": 20, "patience": 5, "plateau": plateau})


def head(model: Model) -> Phase:
    return Phase(1, model, model.learning_rate, 0, model.epochs)


def after(model: Model, *validation: Figures, start: Progress | None = None) -> Progress:
    progress = start or Progress().beginning(head(model))
    for figures in validation:
        progress = progress.after(TRAIN, figures, model)
    return progress


def losses(*values: float) -> list[Figures]:
    return [Figures(value, 0.5) for value in values]


def test_the_best_epoch_is_the_first_with_the_lowest_validation_loss(model: Model) -> None:
    progress = after(model, *losses(1.0, 0.5, 0.7, 0.5))
    assert (progress.epoch, progress.best_epoch) == (4, 2)


def test_with_accuracy_monitored_the_loss_decides_among_equals(model: Model) -> None:
    by_accuracy = model.model_copy(update={"monitor": "accuracy"})
    progress = after(by_accuracy, Figures(0.9, 0.8), Figures(0.7, 0.8), Figures(0.1, 0.7), Figures(0.8, 0.8))
    assert progress.best_epoch == 2


def test_patience_counts_from_the_best_epoch(model: Model) -> None:
    assert not after(model, *losses(0.5, *[0.9] * 4)).finished(head(model))
    assert after(model, *losses(0.5, *[0.9] * 5)).finished(head(model))
    assert after(model, *losses(*[1 / epoch for epoch in range(1, 21)])).finished(head(model))


def test_a_plateau_lowers_the_learning_rate_and_waits_again(model: Model) -> None:
    rates = [after(model, *losses(0.5, *[0.9] * waited)).learning_rate for waited in range(5)]
    assert rates == pytest.approx([0.01, 0.01, 0.001, 0.001, 0.001])


def test_a_plateau_of_accuracy_heeds_the_accuracy_alone(model: Model) -> None:
    rule = Plateau(factor=0.1, patience=1, monitor="accuracy")
    progress = after(model.model_copy(update={"plateau": rule}), Figures(0.5, 0.8), Figures(0.4, 0.8))
    assert progress.learning_rate == pytest.approx(0.001)
    assert progress.best_epoch == 2


def test_the_history_has_the_rate_that_the_epoch_was_trained_with(model: Model) -> None:
    history = after(model, *losses(0.5, 0.9, 0.9, 0.9)).history
    rates = [line["learning_rate"] for line in history if line["split"] == "train"]
    assert rates == pytest.approx([0.01] * 3 + [0.001])
    assert [line["loss"] for line in history if line["split"] == "validation"] == [0.5, 0.9, 0.9, 0.9]


def test_a_second_phase_goes_on_counting_and_has_to_beat_the_first(model: Model) -> None:
    first = after(model, *losses(0.5, 0.6, 0.6))
    phase = Phase(2, model, 1e-4, first.epoch, first.epoch + 8)
    second = first.beginning(phase)
    assert second.learning_rate == 1e-4
    assert not second.finished(phase)
    worse = after(model, *losses(*[0.7] * 6), start=second)
    assert (worse.epoch, worse.best_epoch, worse.finished(phase)) == (9, 1, True)
    assert after(model, *losses(0.7, 0.4), start=second).best_epoch == 5


def test_a_second_phase_that_gets_better_keeps_its_rate_and_its_patience(model: Model) -> None:
    first = after(model, *losses(0.5, 0.6, 0.6))
    phase = Phase(2, model, 1e-4, first.epoch, first.epoch + 8)
    slow = after(model, *losses(1.0, 0.9, 0.8, 0.75, 0.7, 0.6, 0.55), start=first.beginning(phase))
    assert (slow.learning_rate, slow.best_epoch, slow.finished(phase)) == (1e-4, 1, False)


def test_the_rate_rises_in_the_warm_up_and_falls_along_a_half_cosine() -> None:
    recipe = Model.model_validate({"backbone": "tiny", "epochs": 6, "schedule": "cosine", "warmup": 2})
    phase = Phase(1, recipe, 0.1, 3, 9)
    rates = [rate for epoch in range(3, 9) for rate in phase.rates(epoch, 0.1, 4)]
    assert rates[:8] == pytest.approx([0.1 * step / 8 for step in range(1, 9)])
    assert rates[8] == pytest.approx(0.1)
    assert rates[16] == pytest.approx(0.05)
    assert all(later < earlier for earlier, later in pairwise(rates[8:]))
    assert 0 < rates[-1] < 0.002


def test_a_constant_rate_is_the_same_number_at_every_step() -> None:
    phase = Phase(1, Model.model_validate({"backbone": "tiny"}), 0.1, 0, 20)
    assert set(phase.rates(7, 0.3, 5)) == {0.3}


def test_the_area_under_the_curve_may_be_watched() -> None:
    assert Figures(0.5, 0.8, 0.9).score("auroc") > Figures(0.1, 0.9, 0.8).score("auroc")
