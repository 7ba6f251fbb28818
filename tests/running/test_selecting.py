from typing import Any

import pytest

from medcnn.core.errors import ParamsError
from medcnn.params.whole import Params
from medcnn.running.presets import PRESETS
from medcnn.running.selecting import chosen, contrasted, covered, with_learning_curve
from tests.project import changed


def test_a_run_covers_one_study_with_the_models_of_the_file(settings: Params) -> None:
    changes = chosen("brain_mri", (), settings)
    assert changes["run.studies"] == ["brain_mri"]
    assert changes["run.models"] == [*settings.run.models]
    assert changes["run.chains.first"] == [*settings.run.chains.first]


@pytest.mark.parametrize(
    ("models", "trained", "curve"),
    [
        (("simple", "lite0"), ["simple", "lite0"], "lite0"),
        (("lite0", "probe_last"), ["lite0", "probe_last"], "probe_last"),
        (("simple",), ["simple", "probe_lite0"], "probe_lite0"),
    ],
)
def test_a_learning_curve_is_of_the_cheapest_model(
    models: tuple[str, ...], trained: list[str], curve: str, settings: Params
) -> None:
    changes = with_learning_curve(chosen("brain_mri", models, settings), settings)
    assert (changes["run.models"], changes["run.learning_curve"]) == (trained, [curve])


def test_chains_of_models_that_are_not_named_are_left_out(settings: Params) -> None:
    changes = chosen("brain_mri", ("tiny",), settings)
    assert (changes["run.models"], changes["run.chains.first"]) == (["tiny"], [])


def test_a_named_chain_brings_its_first_model(settings: Params) -> None:
    changes = chosen("brain_mri", ("tiny", "lite0_relay_chain"), settings)
    assert changes["run.models"] == ["tiny", "lite0"]
    assert (changes["run.chains.first"], changes["run.chains.second"]) == (["lite0"], ["relay"])


def test_a_named_fold_ensemble_brings_its_model_and_others_are_left_out(settings: Params) -> None:
    both = changed(settings, {"run.fold_ensembles": ("simple", "lite0")})
    changes = chosen("brain_mri", ("tiny_folds", "tiny"), both)
    assert (changes["run.models"], changes["run.fold_ensembles"]) == (["tiny"], ["tiny"])
    assert chosen("brain_mri", (), both)["run.fold_ensembles"] == ["simple", "lite0"]


def test_models_that_take_no_images_so_small_are_left_out_unless_named(settings: Params) -> None:
    small = changed(settings, {"run.models": ("simple", "vgg16")})
    small = changed(
        small, {"studies": {**small.studies, "leukemia": changed(small.studies["leukemia"], {"images.size": 16})}}
    )
    assert chosen("leukemia", (), small)["run.models"] == ["simple"]
    assert "vgg16" in chosen("leukemia", ("vgg16",), small)["run.models"]


def test_folds_and_stress_that_do_not_fit_are_left_out(settings: Params) -> None:
    run: dict[str, Any] = {"run.folds": (0, 4), "run.stress": ("deep", "lite0"), "run.external": ("lung_ct",)}
    changes = chosen("leukemia", ("lite0",), changed(settings, run))
    assert (changes["run.folds"], changes["run.stress"], changes["run.external"]) == ([0], ["lite0"], [])


@pytest.mark.parametrize(("study", "models"), [("brain_mir", ()), ("skin", ()), ("brain_mri", ("tyni",))])
def test_an_unknown_name_is_answered_with_what_there_is(study: str, models: tuple[str, ...], settings: Params) -> None:
    with pytest.raises(ParamsError, match=r"brain_mri|medcnn init|tiny"):
        chosen(study, models, settings)


def preset(name: str, study: str, settings: Params) -> dict[str, Any]:
    return dict(covered(study, (), name, settings))


@pytest.mark.parametrize("name", PRESETS)
def test_the_models_of_a_preset_are_there(name: str, settings: Params) -> None:
    changes = preset(name, "brain_mri", settings)
    assert set(changes["run.models"]) <= set(settings.models)
    assert set(changes["run.fold_ensembles"]) <= set(changes["run.models"])
    assert changes["run.chains.first"] == []


@pytest.mark.parametrize(("study", "folds"), [("brain_mri", 5), ("leukemia", 4)])
def test_the_best_preset_holds_out_every_fold(study: str, folds: int, settings: Params) -> None:
    changes = preset("best", study, settings)
    assert list(changes["run.folds"]) == list(range(folds))
    assert "greedy" in changes["ensemble.combiners"]
    assert preset("quick", study, settings)["run.folds"] == [0]


def test_findings_are_not_smoothed(settings: Params) -> None:
    block = changed(settings.studies["brain_mri"], {"labels.multi_label": True, "labels.positive": None})
    findings = changed(settings, {"studies": {**settings.studies, "brain_mri": block}})
    assert preset("good", "brain_mri", findings)["models.best_lite0.label_smoothing"] == 0
    assert "models.best_lite0.label_smoothing" not in preset("good", "brain_mri", settings)


def test_a_leak_is_of_the_cheap_models_or_of_those_that_are_named_and_of_nothing_else(settings: Params) -> None:
    changes = contrasted("brain_mri", (), settings)
    assert changes["run.models"] == changes["run.careless"] == [*settings.run.careless]
    assert (changes["run.chains.first"], changes["run.studies"]) == ([], ["brain_mri"])
    assert contrasted("brain_mri", ("vgg16",), settings)["run.careless"] == ["vgg16"]


@pytest.mark.parametrize("several", ["lite0_relay_chain", "lite0_folds"])
def test_what_is_several_models_is_not_contrasted(several: str, settings: Params) -> None:
    with pytest.raises(ParamsError, match="single"):
        contrasted("brain_mri", (several,), settings)


@pytest.mark.parametrize(("name", "careless"), [("quick", ["probe_lite0"]), ("good", []), ("best", ["probe_lite0"])])
def test_a_preset_contrasts_what_takes_seconds(name: str, careless: list[str], settings: Params) -> None:
    assert preset(name, "brain_mri", settings)["run.careless"] == careless


def test_seeds_are_those_of_models_that_are_trained_with_several(settings: Params) -> None:
    assert preset("quick", "brain_mri", settings)["run.seeds"] == [0]
    assert "run.seeds" not in chosen("brain_mri", ("simple", "tiny"), settings)
    assert "run.seeds" not in chosen("brain_mri", ("tiny",), changed(settings, {"run.seeded": ()}))
