from __future__ import annotations

from pathlib import Path

import pytest

from medcnn.dataset import manifest
from medcnn.params.whole import Params
from medcnn.running.fingerprint import MANY, Seen, fitted, seen
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
    assert keys == {"studies.brain_mri.images.size": size}
    assert str(side) in reasons[0]


def test_batches_grow_with_the_number_of_images_where_a_network_is_trained_whole(settings: Params) -> None:
    models = {name: settings.models[name] for name in ("probe_lite0", "best_lite0")}
    keys, reasons = fitted("brain_mri", models, Seen(224, 3 * MANY, MANY))
    assert keys["models.best_lite0.batch_size"] == 2 * settings.models["best_lite0"].batch_size
    assert "models.probe_lite0.batch_size" not in keys
    assert f"{MANY:,}" in reasons[1]


def test_before_the_images_were_looked_at_nothing_is_changed(settings: Params) -> None:
    keys, reasons = fitted("brain_mri", {"best_lite0": settings.models["best_lite0"]}, None)
    assert keys == {}
    assert len(reasons) == 1


def test_what_is_known_of_images_comes_from_their_manifest(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert seen("mine") is None
    sizes = [(100, 80), (60, 90), (300, 200)]
    rows = manifest_rows(
        {"path": f"{width}.png", "label": "a", "split": split, "width": width, "height": height}
        for (width, height), split in zip(sizes, ("train", "train", "test"), strict=True)
    )
    manifest.write(paths.manifest("mine"), rows)
    assert seen("mine") == Seen(80, 3, 2)
