"""int8: layers computed with 8-bit integers as many as validation allows, the others in float32."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
from onnx import ModelProto

from medcnn.core.arrays import Floats
from medcnn.core.seeding import derived
from medcnn.dataset.part import Part
from medcnn.export import costing, integers
from medcnn.export.canonical import canonical
from medcnn.export.costing import Cost
from medcnn.export.integers import Network
from medcnn.export.observing import Observed, observed
from medcnn.export.parity import answers
from medcnn.networks import exact

if TYPE_CHECKING:
    from medcnn.params.judging.benchmark import Calibration, Quantisation

_PROBES = 4
"""Images on which the layers are compared; a layer's noise differs far more between layers than between images."""


@dataclass(frozen=True)
class Quantised:
    """How a model was quantised: the content of ``int8`` in ``metrics/export``, but for the file's size and hash.

    Attributes:
        precision: ``int8`` where every layer with weights is, ``mixed``, or ``float32`` where none is.
        layers: how many layers with weights are computed in ``int8`` and in ``float32``.
        left_in_float: names of the latter in the float32 file, in its order.
        calibration_images: how many training images the ranges were read from.
        validation: the cost on validation.
        trials: how many quantised models were tried on validation.
    """

    precision: str
    layers: dict[str, int]
    left_in_float: tuple[str, ...]
    calibration_images: int
    validation: Cost
    trials: int


def drawn(training: Part, calibration: Calibration, seed: int) -> Part:
    """The training images to calibrate on: some of them, or as many of every class as there are."""
    order = derived(seed, "calibration").permutation(len(training)).tolist()
    if calibration.choice == "balanced":
        order = _classes_in_turn(order, training.labels)
    return training.at(sorted(order[: calibration.images]))


def quantised(
    model: ModelProto, calibrating: Part, validation: Part, settings: Quantisation
) -> tuple[ModelProto, Quantised]:
    """A canonical model with as many layers in int8 as the limits allow, and how it came about.

    Where the model with all its layers in int8 costs too much on validation, the layers that change the answers most
    stay in float32: the 1, 2, 4, ... worst, then as few as will do. At worst the model comes back as it was.
    """
    network = integers.network(model)
    seen = observed(network.model, integers.tensors(network), calibrating, settings.calibration.method)
    trials = _Trials(model, network, seen, validation)
    in_float: tuple[str, ...] = ()
    if not costing.allowed(trials.cost(in_float), settings):
        worst = _worst_first(model, network, seen, calibrating)
        needed = fewest(lambda count: costing.allowed(trials.cost(worst[:count]), settings), len(worst))
        in_float = worst[:needed]
    cost = trials.cost(in_float)
    layers = {"int8": len(network.layers) - len(in_float), "float32": len(in_float)}
    return trials.model(in_float), Quantised(
        precision="mixed" if all(layers.values()) else "int8" if layers["int8"] else "float32",
        layers=layers,
        left_in_float=tuple(integers.layer_name(name) for name in network.layers if name in in_float),
        calibration_images=len(calibrating),
        validation=cost,
        trials=trials.made,
    )


def fewest(enough: Callable[[int], bool], most: int) -> int:
    """The least count from 1 to ``most`` that is enough, if all above it are; ``most`` is, and is not asked about."""
    short, count = 0, min(1, most)
    while count < most and not enough(count):
        short, count = count, min(2 * count, most)
    while count - short > 1:
        middle = (short + count) // 2
        short, count = (short, middle) if enough(middle) else (middle, count)
    return count


class _Trials:
    """Models with some of their layers in float32, and what each costs on validation."""

    def __init__(self, model: ModelProto, network: Network, seen: Observed, validation: Part) -> None:
        self._float32, self._network, self._seen, self._validation = model, network, seen, validation
        self._before = _answers(model, validation)
        self._costs: dict[Collection[str], Cost] = {}

    @property
    def made(self) -> int:
        return len(self._costs)

    def model(self, in_float: Collection[str]) -> ModelProto:
        chosen = [name for name in self._network.layers if name not in in_float]
        return canonical(integers.in_int8(self._network, chosen, self._seen)) if chosen else self._float32

    def cost(self, in_float: tuple[str, ...]) -> Cost:
        if len(in_float) == len(self._network.layers):
            return costing.cost(self._validation.labels, self._before, self._before)
        if in_float not in self._costs:
            after = _answers(self.model(in_float), self._validation)
            self._costs[in_float] = costing.cost(self._validation.labels, self._before, after)
        return self._costs[in_float]


def _worst_first(model: ModelProto, network: Network, seen: Observed, calibrating: Part) -> tuple[str, ...]:
    """The layers by how much the answers change where one of them alone is in int8, the most first."""
    probes = calibrating.at(range(len(calibrating))[:: max(1, len(calibrating) // _PROBES)][:_PROBES])
    before = _answers(model, probes)
    alone = {name: _answers(integers.in_int8(network, [name], seen), probes) for name in network.layers}
    changes = {name: float(np.square(after - before).mean()) for name, after in alone.items()}
    return tuple(sorted(network.layers, key=lambda name: -changes[name]))


def _answers(model: ModelProto, images: Part) -> Floats:
    probabilities: Floats = answers(exact.opened(model.SerializeToString(), Path("the model in int8")), images)
    return probabilities


def _classes_in_turn(order: Collection[int], labels: npt.NDArray[np.int64]) -> list[int]:
    """The same positions: the first of every class, then the second of every class, and so on."""
    met: Counter[tuple[int, ...]] = Counter()
    turns = {}
    for position in order:
        label = tuple(np.atleast_1d(labels[position]).tolist())
        turns[position] = met[label]
        met[label] += 1
    return sorted(order, key=turns.__getitem__)
