from __future__ import annotations

import hashlib
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest

from medcnn.core.errors import MedcnnError
from tests.lazy import lazy

keras = lazy("keras")
saving = lazy("medcnn.networks.saving")

ROOT = Path(__file__).parents[2]

SAVE = """
import sys
from pathlib import Path
from medcnn.params import whole
from medcnn.params.shared.scaling import PREPROCESSING
from medcnn.core import seeding
seeding.pin_tensorflow(7)
from medcnn.networks import building, saving
for name in ("deep", "lite0"):
    settings = whole.load().model(name).model_copy(update={"weights": "none"})
    model = building.build(settings, 32, 3, PREPROCESSING["unit"], Path())
    saving.save(model, Path(sys.argv[1], f"{name}.keras"))
"""


@pytest.fixture
def model() -> keras.Model:
    keras.utils.set_random_seed(3)
    image = keras.Input((8, 8, 3), name="image")
    x = keras.layers.Rescaling(1 / 255, name="preprocessing")(image)
    x = keras.layers.Flatten(name="flatten")(x)
    x = keras.layers.Dropout(0.5, name="dropout")(x)
    output = keras.layers.Dense(3, activation="softmax", name="probabilities")(x)
    return keras.Model(image, output, name="small")


def images() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (4, 8, 8, 3)).astype("float32")


def digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


@pytest.mark.slow
def test_the_same_net_gives_the_same_bytes_in_every_process_and_folder(tmp_path: Path) -> None:
    # Each run takes longer than the two seconds in which zip files count.
    folders = tmp_path / "here", tmp_path / "else" / "where"
    for folder in folders:
        subprocess.run([sys.executable, "-c", SAVE, str(folder)], cwd=ROOT, check=True, capture_output=True)
    for name in ("deep.keras", "lite0.keras"):
        assert digest(folders[0] / name) == digest(folders[1] / name)


def test_a_loaded_model_predicts_the_same_and_saves_the_same(model: keras.Model, tmp_path: Path) -> None:
    first, second = tmp_path / "first.keras", tmp_path / "second.keras"
    saving.save(model, first)
    loaded = saving.load(first)
    np.testing.assert_array_equal(loaded.predict(images(), verbose=0), model.predict(images(), verbose=0))
    saving.save(loaded, second)
    assert digest(first) == digest(second)


def test_keras_alone_opens_it(model: keras.Model, tmp_path: Path) -> None:
    path = tmp_path / "model.keras"
    saving.save(model, path)
    loaded = keras.saving.load_model(path, safe_mode=True)
    assert loaded.get_layer("preprocessing").scale == pytest.approx(1 / 255)


def test_the_optimizer_is_left_out(model: keras.Model, tmp_path: Path) -> None:
    plain, compiled = tmp_path / "plain.keras", tmp_path / "compiled.keras"
    saving.save(model, plain)
    model.compile("adam", "sparse_categorical_crossentropy")
    model.fit(images(), np.zeros(4), epochs=2, verbose=0)
    saving.save(model, compiled)
    # Only the trained weights differ, not the size: no moments, no learning rate.
    assert compiled.stat().st_size == plain.stat().st_size
    assert digest(compiled) != digest(plain)
    assert model.optimizer.iterations == 2


def test_dates_are_fixed(model: keras.Model, tmp_path: Path) -> None:
    saving.save(model, tmp_path / "model.keras")
    with zipfile.ZipFile(tmp_path / "model.keras") as archive:
        assert {member.date_time for member in archive.infolist()} == {(1980, 1, 1, 0, 0, 0)}
        assert b"date_saved" not in archive.read("metadata.json")
        assert b"shared_object_id" not in archive.read("config.json")


def test_an_absent_file_is_one_clear_line(tmp_path: Path) -> None:
    with pytest.raises(MedcnnError, match=r"model\.keras not found: train the model first \(`dvc repro`\)"):
        saving.load(tmp_path / "model.keras")


@pytest.mark.parametrize("keep", [0, 100, 5000])
def test_a_broken_file_is_one_clear_line(model: keras.Model, tmp_path: Path, keep: int) -> None:
    path = tmp_path / "model.keras"
    saving.save(model, path)
    path.write_bytes(path.read_bytes()[:keep])
    with pytest.raises(MedcnnError, match=r"is not a model that Keras .* can read: ") as refusal:
        saving.load(path)
    assert "\n" not in str(refusal.value)
