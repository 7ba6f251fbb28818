"""Parity: that an exported model answers as Keras does, on every image of the test part."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from onnxruntime import InferenceSession

from medcnn.core import processors
from medcnn.core.arrays import Floats, Truths
from medcnn.core.errors import MedcnnError
from medcnn.dataset.part import Part
from medcnn.inference import sessions
from medcnn.measures import metrics
from medcnn.measures.findings import apart

if TYPE_CHECKING:
    from medcnn.networks.exact import Exact

TOLERANCE = 1e-4
_BATCH = 8


@dataclass(frozen=True)
class Parity:
    """How ONNX Runtime's answers compare with those of Keras over the whole test part, both calibrated.

    Attributes:
        images: how many were compared.
        undecided: how many of them were answered otherwise because the last digits decided a vote or on which side of
            a cascade's threshold they fell; they are left out of ``max_difference``.
        max_difference: largest absolute difference of a probability; where bytes are portable what it is below, since
            ONNX Runtime's last digits are those of a processor.
        argmax_agreement: share of images that are given the same class.
        accuracy_keras: share of images that Keras gives the right class.
        accuracy_onnx: the same for ONNX Runtime.
    """

    images: int
    undecided: int
    max_difference: float
    argmax_agreement: float
    accuracy_keras: float
    accuracy_onnx: float


@dataclass(frozen=True)
class Reference:
    """What Keras answers on the test part.

    Attributes:
        test: the images.
        expected: calibrated probabilities, (N, classes).
        undecided: (N,) the images whose answer the last digits of the members' may decide; none for a network.
    """

    test: Part
    expected: Floats
    undecided: Truths


def answers(session: InferenceSession | Exact, part: Part) -> Floats:
    """The probabilities (N, classes) that an exported model gives the images of a part, a batch at a time."""
    found = [sessions.probabilities(session, batch) for batch in part.batches(_BATCH)]
    return np.concatenate(found).astype(np.float64)


def parity(reference: Reference, actual: Floats) -> Parity:
    """Compare the answers (N, classes) of ONNX Runtime with those of Keras.

    Raises:
        MedcnnError: a probability differs by more than ``TOLERANCE``, or the class does where the two likeliest are
            further apart than that, and not because the last digits decide the answer.
    """
    expected, part = reference.expected, reference.test
    difference = np.abs(expected - actual).max(axis=1)
    agree, near = _compared(part, expected, actual)
    # NaN compares as false, so it counts as a mismatch too.
    otherwise = ~((difference <= TOLERANCE) & (agree | near))
    undecided = otherwise & np.isfinite(difference) & reference.undecided
    _refuse(otherwise & ~undecided, difference, part)
    largest = float(difference[~undecided].max(initial=0))
    return Parity(
        images=len(part),
        undecided=int(undecided.sum()),
        max_difference=TOLERANCE if processors.held_to() else largest,
        argmax_agreement=float(agree.mean()),
        accuracy_keras=metrics.accuracy(part.labels, expected),
        accuracy_onnx=metrics.accuracy(part.labels, actual),
    )


def _compared(part: Part, expected: Floats, actual: Floats) -> tuple[Truths, Truths]:
    """Which images (N,) both give the same class, or all of the same findings, and which are otherwise near a tie."""
    several = part.labels.ndim == 2
    pairs = [apart(each) if several else each for each in (expected, actual)]
    in_keras, in_onnx = (each.argmax(axis=1) for each in pairs)
    likeliest, second = np.sort(pairs[0], axis=1)[:, ::-1][:, :2].T
    agree, near = in_keras == in_onnx, likeliest - second <= TOLERANCE
    if not several:
        return agree, near
    every = (agree.reshape(expected.shape), (agree | near).reshape(expected.shape))
    return every[0].all(axis=1), every[1].all(axis=1)


def _refuse(wrong: Truths, difference: Floats, part: Part) -> None:
    if wrong.any():
        worst = int(np.argmax(np.where(wrong, np.nan_to_num(difference, nan=np.inf), -1)))
        raise MedcnnError(
            f"the ONNX model and Keras disagree on {wrong.sum()} of {len(part)} test images, by "
            f"{difference[worst]:.2g} in a probability of {part.image_ids[worst]}, so it was not written: a layer "
            "converts wrongly; build the network from others"
        )
