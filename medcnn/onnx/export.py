"""Keras models as ONNX files that hold preprocessing and network, and that answer as Keras does."""

from __future__ import annotations

import gc
import hashlib
import json
import logging
import tempfile
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import keras
import numpy as np
import onnx
from onnxruntime import InferenceSession

from medcnn import files
from medcnn.console import MedcnnError
from medcnn.onnx import runtime
from medcnn.onnx.canonical import canonical
from medcnn.onnx.heldout import HeldOut
from medcnn.onnx.runtime import INPUT

# tf2onnx's default, named so that it stays. Up to 17 the same graph comes out, 18 turns GlobalAveragePool into
# ReduceMean, and neither is faster in ONNX Runtime; the older the set, the more programs read it.
OPSET = 15
TOLERANCE = 1e-4
BATCH = 8


@dataclass(frozen=True)
class Card:
    """What an exported model says of itself: all that is needed to feed it an image and to read its answer.

    Attributes:
        study: The study that it was trained on.
        model: The model's name in that study.
        class_names: What each probability is of, in order.
        image_size: Side of the square images, in pixels.
        fit: How an image is brought to that size: stretch, pad or crop.
    """

    study: str
    model: str
    class_names: tuple[str, ...]
    image_size: int
    fit: str

    @property
    def metadata(self) -> dict[str, str]:
        """The card as ONNX's ``metadata_props``; the class names are a JSON list."""
        return {
            "study": self.study,
            "model": self.model,
            "class_names": json.dumps(self.class_names, ensure_ascii=False),
            "image_size": str(self.image_size),
            "fit": self.fit,
        }


@dataclass(frozen=True)
class Parity:
    """How ONNX Runtime's answers compare with those of Keras over the whole test set.

    Attributes:
        images: How many test images were compared.
        max_difference: The largest absolute difference of a probability.
        argmax_agreement: The share of images given the same class.
        accuracy_keras: The share of images given the right class by Keras.
        accuracy_onnx: The same for ONNX Runtime.
    """

    images: int
    max_difference: float
    argmax_agreement: float
    accuracy_keras: float
    accuracy_onnx: float


@dataclass(frozen=True)
class Exported:
    """An ONNX file, and how it compares with the Keras model that it was made from."""

    bytes: int
    sha256: str
    opset: int
    parity: Parity


def export(model: keras.Model, path: Path, card: Card, test: HeldOut) -> Exported:
    """Write a model as ONNX, if it answers as Keras does on every test image; else there is no file at ``path``.

    Args:
        model: From ``image``, float32 (batch, H, W, 3), 0..255, to probabilities (batch, classes), or to that of the
            last of two classes (batch, 1).
        path: The file. Its graph maps ``image`` to ``probabilities``, always (batch, classes), for any batch size.
        card: What the file says of itself.
        test: The images to compare on.

    Raises:
        MedcnnError: The model does not convert, ONNX Runtime cannot open it, or it answers otherwise than Keras.
    """
    path.unlink(missing_ok=True)
    model = _per_class(model)
    content = serialized(model, card.metadata)
    compared = parity(model, runtime.session(content, path), card.class_names, test)
    files.write_bytes(path, content)
    return Exported(len(content), hashlib.sha256(content).hexdigest(), OPSET, compared)


def serialized(model: keras.Model, metadata: Mapping[str, str]) -> bytes:
    """The content of an ONNX file; the same model and metadata give the same bytes.

    Raises:
        MedcnnError: The network has a layer that ONNX has no operators for, or see ``canonical``.
    """
    converted = _converted(model)
    onnx.helper.set_model_props(converted, dict(metadata))
    result = canonical(converted)
    try:
        onnx.checker.check_model(result)
    except onnx.checker.ValidationError as error:
        reason = str(error).splitlines()[0]
        raise MedcnnError(
            f"a layer of this network has no counterpart in ONNX: {reason}; build it from others"
        ) from error
    content: bytes = result.SerializeToString(deterministic=True)
    return content


def parity(model: keras.Model, session: InferenceSession, class_names: tuple[str, ...], test: HeldOut) -> Parity:
    """Run the whole test set through Keras and ONNX Runtime, a batch at a time.

    Raises:
        MedcnnError: A probability differs by more than ``TOLERANCE``, or the class does where the two likeliest are
            further apart than that.
    """
    expected, actual = _answers(model, session, test)
    _refuse_mismatch(expected, actual, test)
    truth = np.array([class_names.index(label) for label in test.labels])
    in_keras, in_onnx = expected.argmax(axis=1), actual.argmax(axis=1)
    return Parity(
        images=len(test),
        max_difference=float(np.abs(expected - actual).max()),
        argmax_agreement=float((in_keras == in_onnx).mean()),
        accuracy_keras=float((in_keras == truth).mean()),
        accuracy_onnx=float((in_onnx == truth).mean()),
    )


def _per_class(model: keras.Model) -> keras.Model:
    """The model itself, or, where it ends in one sigmoid unit, with a column for the first class too."""
    if model.output_shape[-1] > 1:
        return model
    image = keras.Input(model.input_shape[1:], name=INPUT)
    last = model(image)
    return keras.Model(image, keras.ops.concatenate([1 - last, last], axis=-1))


def _converted(model: keras.Model) -> onnx.ModelProto:
    signature = [keras.InputSpec(dtype="float32", shape=(None, *model.input_shape[1:]), name=INPUT)]
    with tempfile.TemporaryDirectory() as folder, _quiet():
        path = Path(folder) / "model.onnx"
        model.export(path, format="onnx", input_signature=signature, opset_version=OPSET, verbose=False)
        # tf2onnx leaves many copies of the network behind in cycles: 400 MB for one of 13 MB.
        gc.collect()
        return onnx.load(path)


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep the converter's remarks off the terminal; what it did wrong shows in the checks that follow."""
    logger = logging.getLogger("tf2onnx")
    level = logger.level
    logger.setLevel(logging.CRITICAL)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            yield
        finally:
            logger.setLevel(level)


def _answers(model: keras.Model, session: InferenceSession, test: HeldOut) -> tuple[np.ndarray, np.ndarray]:
    """Probabilities (N, classes) of the test images in Keras and in ONNX Runtime."""
    expected, actual = [], []
    for batch in test.batches(BATCH):
        expected.append(model.predict_on_batch(batch))
        actual.append(runtime.probabilities(session, batch))
    return np.concatenate(expected), np.concatenate(actual)


def _refuse_mismatch(expected: np.ndarray, actual: np.ndarray, test: HeldOut) -> None:
    difference = np.abs(expected - actual).max(axis=1)
    likeliest, second = np.sort(expected, axis=1)[:, ::-1][:, :2].T
    same_class = (expected.argmax(axis=1) == actual.argmax(axis=1)) | (likeliest - second <= TOLERANCE)
    # NaN compares as false, so it counts as a mismatch too.
    wrong = ~((difference <= TOLERANCE) & same_class)
    if wrong.any():
        worst = int(np.argmax(np.where(wrong, np.nan_to_num(difference, nan=np.inf), -1)))
        raise MedcnnError(
            f"the ONNX model and Keras disagree on {wrong.sum()} of {len(test)} test images, by "
            f"{difference[worst]:.2g} in a probability of {test.image_ids[worst]}, so it was not written: a layer "
            "converts wrongly; build the network from others"
        )
