"""An exported model and its card, ready to answer."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from medcnn.core import files
from medcnn.core.errors import MedcnnError
from medcnn.inference import sessions
from medcnn.inference.card import Card
from medcnn.inference.novelty import SMALLEST_SIDE

if TYPE_CHECKING:
    from onnxruntime import InferenceSession


@dataclass(frozen=True)
class Model:
    """An exported model.

    Attributes:
        session: runs the network.
        card: describes the model.
        sha256: the hash of its file.
    """

    session: InferenceSession
    card: Card
    sha256: str

    def probabilities(self, images: np.ndarray) -> np.ndarray:
        """Calibrated probabilities float64 (N, classes) of uint8 images (N, S, S, 3)."""
        return sessions.probabilities(self.session, images.astype(np.float32)).astype(np.float64)


def load(path: Path) -> Model:
    """Open an exported model.

    Raises:
        MedcnnError: it cannot be opened, or its card is missing, broken, or of another network.
    """
    session = sessions.load(path)
    try:
        card = Card.read(session.get_modelmeta().custom_metadata_map)
    except MedcnnError as error:
        raise MedcnnError(f"{path}: {error}") from error
    except UnicodeDecodeError as error:
        raise MedcnnError(f"{path}: its metadata is not text; export it again") from error
    (image,), (answer,) = session.get_inputs(), session.get_outputs()
    side, classes = card.image_size, len(card.class_names)
    if side < SMALLEST_SIDE or list(image.shape[1:3]) != [side, side] or answer.shape[1] != classes:
        raise MedcnnError(f"{path}: its card says {side} pixels a side and {classes} classes, its network differs")
    return Model(session, card, files.sha256(path))
