"""What a search may change of a recipe, and between which limits."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from medcnn.params.catalogue import catalogue
from medcnn.params.pins import PackageWeights
from medcnn.params.shared.models import Model
from medcnn.params.shared.policies import NO_CHANGE, Policy
from medcnn.params.whole import Params

Changes = dict[str, Any]
"""Values by key path of ``params.yaml``."""


class Trial(Protocol):
    """What draws values; an ``optuna.Trial`` is one."""

    def suggest_float(self, name: str, low: float, high: float, *, log: bool = False) -> float:
        """A number between two limits."""

    def suggest_categorical(self, name: str, choices: Sequence[Any]) -> Any:
        """One of several values."""


@dataclass(frozen=True)
class Space:
    """The recipes around one model of a study.

    Attributes:
        study: its name.
        model: the name of the model.
        settings: the whole of ``params.yaml``, with the recipe as it is.
    """

    study: str
    model: str
    settings: Params

    def drawn(self, trial: Trial) -> Changes:
        """A recipe, as changes of ``params.yaml``: what it leaves as it is is not among them."""
        return {key: value for key, value in self._values(trial).items() if value != self._present(key)}

    def _values(self, trial: Trial) -> Changes:
        block, key = self.settings.model(self.model), f"models.{self.model}"
        changes: Changes = {f"studies.{self.study}.images.size": trial.suggest_categorical("size", self._sizes())}
        if len(encoders := _encoders(block)) > 1:
            changes[f"{key}.backbone"] = trial.suggest_categorical("encoder", encoders)
        if block.head == "probe":
            changes[f"{key}.features"] = trial.suggest_categorical("features", ("last", "stages"))
            return changes
        rate = trial.suggest_float("rate", block.learning_rate / 4, block.learning_rate * 4, log=True)
        changes[f"{key}.learning_rate"] = _rounded(rate)
        if block.weight_decay is not None:
            changes[f"{key}.weight_decay"] = _rounded(trial.suggest_float("decay", 1e-4, 0.1, log=True))
        if name := self.settings.policy(self.study, block):
            strength = trial.suggest_float("strength", 0.0, 2.0)
            scaled = strengthened(self.settings.augment[name], strength)
            changes |= {f"augment.{name}.{change}": value for change, value in scaled.items()}
        return changes

    def _present(self, key: str) -> Any:
        value: Any = self.settings
        for name in key.split("."):
            value = value[name] if isinstance(value, Mapping) else getattr(value, name)
        return [*value] if isinstance(value, tuple) else value

    def _sizes(self) -> tuple[int, ...]:
        """The study's size, and one smaller and one larger, multiples of 32 as backbones halve images five times."""
        size = self.settings.study(self.study).images.size
        smallest = max(catalogue().backbones[name].smallest for name in _encoders(self.settings.model(self.model)))
        others = (32 * round(size * factor / 32) for factor in (0.75, 1.25))
        return tuple(sorted({size, *(other for other in others if other >= smallest)}))


def strengthened(policy: Policy, strength: float) -> Changes:
    """The keys of a policy that change anything, their ranges as much wider as ``strength`` says; 1 leaves them.

    Shares stay below 0.9, factors above 0.1, and all within what ``params.yaml`` allows.
    """
    widened: dict[str, Callable[[Any], Any]] = {
        "rotation": lambda angle: min(180.0, strength * angle),
        "elastic": lambda share: min(0.2, strength * share),
        "noise": lambda share: min(1.0, strength * share),
        **dict.fromkeys(("shift", "shear", "zoom", "cutout"), lambda share: min(0.9, strength * share)),
        **dict.fromkeys(
            ("brightness", "contrast", "gamma"),
            lambda limits: [_rounded(max(0.1, 1 + strength * (limit - 1))) for limit in limits],
        ),
    }
    in_use = {key: getattr(policy, key) for key in widened if getattr(policy, key) not in (0, NO_CHANGE)}
    found = {key: widened[key](value) for key, value in in_use.items()}
    return {key: value if isinstance(value, list) else _rounded(value) for key, value in found.items()}


def _encoders(block: Model) -> tuple[str, ...]:
    """The model's backbone and, where its ImageNet weights come with a Python package, all others of which they do."""
    packaged = [
        name for name, backbone in catalogue().backbones.items() if isinstance(backbone.imagenet, PackageWeights)
    ]
    return tuple(packaged) if block.weights == "imagenet" and block.backbone in packaged else (block.backbone,)


def _rounded(value: float) -> float:
    """To three digits, so that what is typed is what is run."""
    return float(f"{value:.3g}")
