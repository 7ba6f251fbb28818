"""Trained models as ``.keras`` files whose bytes depend on architecture and weights alone."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path

import keras

from medcnn.core.errors import MedcnnError
from medcnn.core.zips import write_zip
from medcnn.networks import vetting


def save(model: keras.Model, path: Path) -> None:
    """Write ``model`` for ``keras.saving.load_model``, the whole file or none.

    ``keras.Model.save`` also writes the date, memory addresses of shared objects and the optimizer's state. None of
    them is part of the trained model.
    """
    # Outside of Keras's sharing scope, objects are written out each time instead of by their memory address.
    config = keras.saving.serialize_keras_object(model)
    config.pop("compile_config", None)
    write_zip(
        path,
        [
            ("metadata.json", json.dumps({"keras_version": keras.__version__}).encode()),
            ("config.json", json.dumps(config).encode()),
            ("model.weights.h5", _weights(_bare(model, config) if model.compiled else model)),
        ],
    )


def load(path: Path) -> keras.Model:
    """Read a ``.keras`` file; no code in it is run, and no other file is read.

    Raises:
        MedcnnError: there is no such file, it is damaged, or it holds something else than a model (see ``vetting``).
    """
    if not path.is_file():
        raise MedcnnError(f"{path} not found: train the model first (`dvc repro`)")
    try:
        vetting.refuse_unsafe(path)
        return keras.saving.load_model(path, safe_mode=True)
    except MedcnnError as error:
        raise MedcnnError(f"{path} was not opened: it {error}") from error
    # Keras, h5py, zipfile and json each raise their own kinds.
    except Exception as error:
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        raise MedcnnError(f"{path} is not a model that Keras {keras.__version__} can read: {reason}") from error


def _bare(model: keras.Model, config: dict[str, object]) -> keras.Model:
    """A copy with the same weights and no optimizer."""
    bare = keras.saving.deserialize_keras_object(config)
    bare.set_weights(model.get_weights())
    return bare


def _weights(model: keras.Model) -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model.weights.h5"
        model.save_weights(path)
        return path.read_bytes()
