from __future__ import annotations

from pathlib import Path

import pytest

from medcnn.dataset import manifest
from medcnn.params.whole import Params
from medcnn.running.fingerprint import MANY, UNEQUAL, Seen, fitted, seen
from medcnn.running.presets import PRESETS
from medcnn.runtime import paths
from tests.project import manifest_rows


@pytest.mark.parametrize(
    ("preset", "side", "images", "size"),
    [
        ("quick", 512, 100, 224),
        ("best", 512, 100, 224),
        ("good", 100, 100, 96),
        ("good", 28, 100, 32),
        ("good", 512, 100_000, 96),
    ],
)
def test_images_are_as_large_as_they_are_or_as_the_network_saw_them(
    settings: Params, preset: str, side: int, images: int, size: int
) -> None:
    models = {name: settings.models[name] for name in PRESETS[preset].models}
    keys, reasons = fitted("brain_mri", models, Seen(side, images, 100))
    assert keys["studies.brain_mri.images.size"] == size
    assert not [key for key in keys if "probe" in key]
    assert str(side) in reasons[0]


@pytest.mark.parametrize(
    ("training", "batch", "epochs"), [(100, 16, 25), (539, 16, 25), (900, 16, 15), (MANY, 32, 13), (50_000, 32, 5)]
)
def test_a_backbone_takes_about_as_many_steps_whatever_the_number_of_images(
    training: int, batch: int, epochs: int, settings: Params
) -> None:
    models = {name: settings.models[name] for name in ("probe_lite0", "best_lite0", "best_lite1")}
    keys, reasons = fitted("brain_mri", models, Seen(224, 2 * training, training))
    for name in ("best_lite0", "best_lite1"):
        found = [keys[f"models.{name}.{key}"] for key in ("batch_size", "epochs", "patience")]
        assert found == [batch, epochs, epochs]
    assert len(reasons) == len(set(reasons)) == 3


@pytest.mark.parametrize(("unequal", "sampler"), [(UNEQUAL, "balanced"), (1.5, None)])
def test_classes_of_very_different_sizes_are_shown_as_often(
    unequal: float, sampler: str | None, settings: Params
) -> None:
    keys, _ = fitted("brain_mri", {"best_lite0": settings.models["best_lite0"]}, Seen(224, 300, 200, unequal))
    assert keys.get("models.best_lite0.sampler") == sampler


def test_before_the_images_were_looked_at_nothing_is_changed(settings: Params) -> None:
    keys, reasons = fitted("brain_mri", {"best_lite0": settings.models["best_lite0"]}, None)
    assert keys == {}
    assert len(reasons) == 1


def test_what_is_known_of_images_comes_from_their_manifest(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert seen("mine") is None
    sizes = [(100, 80), (90, 100), (300, 200), (91, 95)]
    rows = manifest_rows(
        {"path": f"{width}.png", "label": label, "split": split, "width": width, "height": height}
        for (width, height), label, split in zip(sizes, "aaab", ("train", "train", "test", "train"), strict=True)
    )
    manifest.write(paths.manifest("mine"), rows)
    assert seen("mine") == Seen(90, 4, 3, 2.0)
    assert seen("mine", multi_label=True) == Seen(90, 4, 3)
